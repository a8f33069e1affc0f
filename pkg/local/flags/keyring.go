package flags

import (
	"cmp"
	"slices"
	"strings"

	"sqs2pg/pkg/local/home"
	"sqs2pg/pkg/terminal/variables"
)

// KeyringFlag is the masking keyring of the local commands.
type KeyringFlag struct {
	Keyring     string `env:"MASK_KEYRING" hidden:"" help:"Masking keyring (JSON)."`
	KeyringFile string `env:"MASK_KEYRING_FILE" hidden:"" help:"File with the masking keyring; the default is .sqs2pg/keyring.json."`
}

// Keyrings says where to look for the keyring.
func (f *KeyringFlag) Keyrings(s *Streams) *home.Keyrings {
	return &home.Keyrings{
		Text: f.Keyring, From: variables.Source("--keyring", f.Keyring, "MASK_KEYRING"),
		Path: cmp.Or(f.KeyringFile, home.KeyringPath(s.Dir)), Exists: f.KeyringFile != "", Talk: s.Err,
	}
}

// VaultFlag is the key of the vault: the public one, and where the private one is.
type VaultFlag struct {
	VaultPublicKey string   `env:"VAULT_PUBLIC_KEY" hidden:"" help:"Public key of the vault."`
	VaultKeyARN    string   `name:"vault-key-arn" env:"VAULT_KEY_ARN" hidden:"" help:"KMS key of the vault."`
	VaultKeyFile   []string `env:"VAULT_KEY_FILE" hidden:"" help:"File with the private key of the vault; the default is .sqs2pg/vault.key. The files of earlier keys follow it."`
}

// Keys says where to look for the key.
func (f *VaultFlag) Keys(s *Streams) *home.Vault {
	var files []string
	for _, file := range f.VaultKeyFile {
		if file = strings.TrimSpace(file); file != "" && !slices.Contains(files, file) {
			files = append(files, file)
		}
	}
	if len(files) == 0 {
		files = []string{home.VaultPath(s.Dir)}
	}
	return &home.Vault{Public: f.VaultPublicKey, Locator: f.VaultKeyARN, Path: files[0], Others: files[1:], Talk: s.Err}
}
