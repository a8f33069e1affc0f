package main

import (
	"cmp"

	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/terminal/variables"
)

// keyringFlag is the masking keyring of the local commands.
type keyringFlag struct {
	Keyring     string `env:"MASK_KEYRING" hidden:"" help:"Masking keyring (JSON)."`
	KeyringFile string `env:"MASK_KEYRING_FILE" hidden:"" help:"File with the masking keyring; the default is .sqs2pg/keyring.json."`
}

// keyrings says where to look for the keyring.
func (f *keyringFlag) keyrings(s *streams) *home.Keyrings {
	return &home.Keyrings{
		Text: f.Keyring, From: variables.Source("--keyring", f.Keyring, "MASK_KEYRING"),
		Path: cmp.Or(f.KeyringFile, home.KeyringPath(s.dir)), Exists: f.KeyringFile != "", Talk: s.err,
	}
}
