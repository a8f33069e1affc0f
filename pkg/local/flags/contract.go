package flags

import (
	"strings"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/terminal/exit"
	"sqs2pg/pkg/terminal/variables"
)

// ContractFlag names contracts, as CONTRACT does for the functions.
type ContractFlag struct {
	Contract string `env:"CONTRACT" placeholder:"NAME|FILE|FOLDER" help:"Contracts, separated by commas: names of those that come with sqs2pg, files, or folders."`
}

// Load loads the contracts of one function.
func (f *ContractFlag) Load() (*routes.Set, error) {
	all, err := f.LoadAll()
	if err != nil {
		return nil, err
	}
	set, err := routes.New(all...)
	if err != nil {
		return nil, exit.Misuse("%s: %w", variables.Source("--contract", f.Contract, "CONTRACT"), err)
	}
	return set, nil
}

// LoadAll loads contracts that may be those of several functions.
func (f *ContractFlag) LoadAll() ([]*contract.Contract, error) {
	return LoadContracts(variables.Source("--contract", f.Contract, "CONTRACT"), f.Contract)
}

// Again is the flag in a command that a person is to paste; see [variables.Again].
func (f *ContractFlag) Again() string {
	return variables.Again("--contract", f.Contract, "CONTRACT")
}

// LoadContracts loads the contracts that source names. There is no default: a forgotten contract
// would spend good messages on another one.
func LoadContracts(source, names string) ([]*contract.Contract, error) {
	if names == "" {
		return nil, exit.Misuse("no contract: set --contract or CONTRACT to %s, a file or a folder", strings.Join(contract.Names(contracts.Folder()), ", "))
	}
	all, err := routes.Read(contracts.Folder(), names)
	if err != nil {
		return nil, exit.Misuse("%s: %w", source, err)
	}
	return all, nil
}

// LoadContract loads one contract.
func LoadContract(source, name string) (*contract.Contract, error) {
	all, err := LoadContracts(source, name)
	if err == nil && len(all) != 1 {
		return nil, exit.Misuse("%s: %d contracts: name one", source, len(all))
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}
