package main

import (
	"errors"
	"fmt"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

// settings is what the function reads from its environment, checked.
type settings struct {
	contract    *contract.Contract
	keyring     *mask.Keyring
	databaseURL string
}

// readSettings reports everything that is wrong at once.
func readSettings(getenv func(string) string) (settings, error) {
	var s settings
	var errs [3]error
	name := getenv("CONTRACT")
	if name == "" {
		name = "user_logins"
	}
	if s.contract, errs[0] = contract.Load(name); errs[0] != nil {
		errs[0] = fmt.Errorf("CONTRACT: %w", errs[0])
	}
	switch keyring := getenv("MASK_KEYRING"); keyring {
	case "":
		errs[1] = errors.New("no masking keyring: set MASK_SECRET_ID or MASK_KEYRING")
	default:
		if s.keyring, errs[1] = mask.ParseKeyring([]byte(keyring)); errs[1] != nil {
			errs[1] = fmt.Errorf("MASK_KEYRING: %w", errs[1])
		}
	}
	if s.databaseURL = getenv("DATABASE_URL"); s.databaseURL == "" {
		errs[2] = errors.New("no database: set DATABASE_URL")
	}
	return s, errors.Join(errs[:]...)
}
