package routes

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sqs2pg/pkg/contract"
)

// Load reads contracts as Read does and makes a set of them.
func Load(folder fs.FS, names string) (*Set, error) {
	all, err := Read(folder, names)
	if err != nil {
		return nil, err
	}
	return New(all...)
}

// Read reads contracts, separated by commas: each by its name, NAME.json in folder; by the path of a
// file; or by the path of a folder, of which it reads all contracts, in the order of their names and
// those without x-match last. The error lists everything that is wrong.
func Read(folder fs.FS, names string) ([]*contract.Contract, error) {
	var all []*contract.Contract
	var errs []error
	for name := range strings.SplitSeq(names, ",") {
		loaded, err := load(folder, strings.TrimSpace(name))
		all, errs = append(all, loaded...), append(errs, err)
	}
	return all, errors.Join(errs...)
}

func load(folder fs.FS, name string) ([]*contract.Contract, error) {
	if name == "" {
		return nil, errors.New("a contract without a name: remove the comma")
	}
	info, err := os.Stat(name)
	isFolder := err == nil && info.IsDir()
	if isFolder && (name == "." || strings.ContainsRune(name, filepath.Separator)) {
		return loadFolder(name)
	}
	c, err := contract.Load(folder, name)
	if isFolder && errors.Is(err, contract.ErrNotFound) {
		err = fmt.Errorf("%w: %q is a folder: write .%c%s", contract.ErrNotFound, name, filepath.Separator, name)
	}
	return []*contract.Contract{c}, err
}

func loadFolder(path string) (all []*contract.Contract, err error) {
	names := contract.Names(os.DirFS(path))
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: the folder %s has no .json file", contract.ErrNotFound, path)
	}
	var errs []error
	for _, name := range names {
		c, err := contract.Load(nil, filepath.Join(path, name)+".json")
		all, errs = append(all, c), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	rank := func(c *contract.Contract) int {
		if c.Origin().Match == nil {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(all, func(a, b *contract.Contract) int { return cmp.Compare(rank(a), rank(b)) })
	return all, nil
}

// Absolute makes the paths in a list of contracts absolute, for a program that runs in another
// folder. Names stay as they are.
func Absolute(names string) string {
	list := strings.Split(names, ",")
	for i, name := range list {
		name = strings.TrimSpace(name)
		if contract.IsPath(name) || name == "." {
			if path, err := filepath.Abs(name); err == nil { // fails only without a working directory
				name = path
			}
		}
		list[i] = name
	}
	return strings.Join(list, ",")
}
