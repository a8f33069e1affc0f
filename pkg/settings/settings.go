// Package settings reads the environment into a contract, a keyring and a database, for both
// functions and the command.
//
// It is the one place that knows these variables, so that all programs agree on names and rules:
//
//	CONTRACT                          contracts, separated by commas: names, or paths of files and folders
//	MASK_SECRET_ID or MASK_KEYRING    the masking keyring
//	VAULT_PUBLIC_KEY                  whom what x-recover marks is sealed for
//	DATABASE_URL, or DATABASE_SECRET_ID, or DATABASE_USER with DATABASE_IAM_AUTH=true; DATABASE_HOST, _PORT and _NAME
//
// Errors name the variable that is wrong and what to do. They hold no value that may be secret.
package settings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/secrets"
	"sqs2pg/pkg/vault"
)

const (
	// keyringTTL is how long a function uses the keyring that it has read: after this time a
	// rotation is known everywhere.
	keyringTTL = 5 * time.Minute

	// openTime limits the first connection. Lambda gives a function 10 s to start.
	openTime = 6 * time.Second
)

// Environment is where the settings come from. Folder and Getenv are required.
type Environment struct {
	Folder fs.FS // has the contracts that CONTRACT may name
	Getenv func(string) string
	Log    *slog.Logger   // gets a warning about a secret that could not be read again; nil means slog.Default
	Client secrets.Client // nil means Secrets Manager by the SDK's own settings, AWS_ENDPOINT_URL among them

	// Patient lets Open succeed while the database cannot be reached for a reason that may pass.
	// The functions set it: each invocation waits for a database that is waking up, while a start
	// has a few seconds only, and a function that does not start cannot delay its messages.
	Patient bool

	once sync.Once
	cfg  aws.Config
	err  error
}

// Contracts loads the contracts that CONTRACT names, see [routes.Load]. There is no default: a
// forgotten setting would hold good messages to a contract that they were not made for.
func (e *Environment) Contracts() (*routes.Set, error) {
	names := e.Getenv("CONTRACT")
	if names == "" {
		return nil, fmt.Errorf("CONTRACT is missing: set it to %s, or to the path of a file or a folder; several are separated by commas",
			strings.Join(contract.Names(e.Folder), ", "))
	}
	set, err := routes.Load(e.Folder, names)
	if err != nil {
		return nil, fmt.Errorf("CONTRACT: %w", err)
	}
	return set, nil
}

// Keyring reads the masking keyring: the secret MASK_SECRET_ID, or MASK_KEYRING, which holds the
// JSON itself. It reads the secret once, so that a wrong one is found at the start. The function it
// returns gives the current keyring, at most 5 minutes old unless Secrets Manager has stopped
// answering, and is safe for concurrent use. There is no default, because a key that everybody
// knows protects nothing.
func (e *Environment) Keyring(ctx context.Context) (func(context.Context) (*mask.Keyring, error), error) {
	id, text := e.Getenv("MASK_SECRET_ID"), e.Getenv("MASK_KEYRING")
	switch {
	case id != "" && text != "":
		return nil, errors.New("the masking keyring is set twice: keep MASK_SECRET_ID or MASK_KEYRING")
	case id != "":
		return e.keyringSecret(ctx, id)
	case text != "":
		keyring, err := mask.ParseKeyring([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("MASK_KEYRING: %w", err)
		}
		return func(context.Context) (*mask.Keyring, error) { return keyring, nil }, nil
	default:
		return nil, errors.New("no masking keyring: set MASK_SECRET_ID or MASK_KEYRING")
	}
}

// VaultKey reads VAULT_PUBLIC_KEY. It is the zero PublicKey if the variable is empty; that is an
// error if one of the contracts has x-recover, because nothing may be written unsealed. The key is
// taken from here and not from the database, whose administrator could swap it.
func (e *Environment) VaultKey(contracts []*contract.Contract) (vault.PublicKey, error) {
	if text := e.Getenv("VAULT_PUBLIC_KEY"); text != "" {
		key, err := vault.ParsePublicKey(text)
		if err != nil {
			return key, fmt.Errorf("VAULT_PUBLIC_KEY: %w", err)
		}
		return key, nil
	}
	for _, c := range contracts {
		if c.Table().HasVault() {
			return vault.PublicKey{}, fmt.Errorf("VAULT_PUBLIC_KEY is missing, and the contract %s has x-recover: set it to the public key of the vault", c.Name())
		}
	}
	return vault.PublicKey{}, nil
}

func (e *Environment) keyringSecret(ctx context.Context, id string) (func(context.Context) (*mask.Keyring, error), error) {
	secret := &secrets.Secret[*mask.Keyring]{
		Name: "MASK_SECRET_ID",
		TTL:  keyringTTL,
		Log:  e.Log,
		Same: func(*mask.Keyring, *mask.Keyring) bool { return false }, // only Refetch asks, and nothing refetches a keyring
		Fetch: func(ctx context.Context) (*mask.Keyring, error) {
			text, err := e.fetch(ctx, id)
			if err != nil {
				return nil, err
			}
			return mask.ParseKeyring(text)
		},
	}
	_, err := secret.Value(ctx)
	return secret.Value, err
}

// Database reads DATABASE_URL; or DATABASE_SECRET_ID, where DATABASE_HOST, DATABASE_PORT and
// DATABASE_NAME add to the secret and win over it; or DATABASE_USER, _HOST, _PORT and _NAME with
// DATABASE_IAM_AUTH=true. An empty variable counts as missing. It fetches the secret once, so that
// a wrong one is found at the start. The error is a *WrongError, or says why the secret cannot be
// read.
func (e *Environment) Database(ctx context.Context) (Database, error) {
	s, err := readDatabase(e.Getenv)
	switch {
	case err != nil:
		return Database{}, err
	case s.secretID != "":
		return e.fromSecret(ctx, s)
	case s.iam:
		return e.withToken(ctx, s)
	default:
		return Database{URL: s.url, setting: "DATABASE_URL"}, nil
	}
}

// Open reads the settings as Database does, opens the pool and tries one connection, so that a
// wrong host, password or certificate ends the start. The error names the variable to check first,
// and is safe to log.
func (e *Environment) Open(ctx context.Context) (*postgres.Pool, error) {
	d, err := e.Database(ctx)
	if err != nil {
		return nil, err
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: d.URL, Credentials: d.Credentials, Refresh: d.Refresh})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d.setting, err)
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	err = pool.Ping(ctx)
	if down, ok := errors.AsType[*postgres.Unavailable](err); ok && down.Passing && e.Patient {
		e.log().Warn("started without the database", "setting", d.setting, "error", err.Error())
		return pool, nil
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("%s: %w", d.setting, err)
	}
	return pool, nil
}

func (e *Environment) log() *slog.Logger {
	if e.Log == nil {
		return slog.Default()
	}
	return e.Log
}

// fetch reads a secret's current value.
func (e *Environment) fetch(ctx context.Context, id string) ([]byte, error) {
	if e.Client != nil {
		return (&secrets.Manager{Client: e.Client}).Fetch(ctx, id)
	}
	cfg, err := e.config(ctx)
	if err != nil {
		return nil, err
	}
	return secrets.NewManager(cfg).Fetch(ctx, id)
}

// config loads the SDK's settings at first use: a function without secrets needs no AWS account.
func (e *Environment) config(ctx context.Context) (aws.Config, error) {
	e.once.Do(func() {
		e.cfg, e.err = config.LoadDefaultConfig(ctx)
		if e.err == nil && e.cfg.Region == "" {
			e.err = errors.New("no AWS region: set AWS_REGION")
		}
	})
	return e.cfg, e.err
}
