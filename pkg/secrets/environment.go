package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
)

// keyringTTL is how long a function masks with the keyring it has read: a rotation is known everywhere after this time.
const keyringTTL = 5 * time.Minute

// openTime is for the first connection. Lambda gives a function 10 s to start.
const openTime = 6 * time.Second

// Client is what is called of Secrets Manager.
type Client interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Environment is where the functions read how to reach their database and their keyring. Every program does it here, so
// that they agree on names and rules.
type Environment struct {
	Getenv func(string) string
	Log    *slog.Logger // for secrets that could not be read again; nil means slog.Default
	Client Client       // nil means Secrets Manager by the SDK's own settings, AWS_ENDPOINT_URL among them

	// Patient lets Open succeed while the database cannot be reached for a reason that may pass. Only a function that runs can make
	// messages come back later; one that does not start lets them come back at once, again and again.
	Patient bool

	once sync.Once
	cfg  aws.Config
	err  error
}

// Database reads DATABASE_URL; or DATABASE_SECRET_ID, with DATABASE_HOST, DATABASE_PORT and DATABASE_NAME for what the secret lacks or
// has otherwise; or DATABASE_USER, _HOST, _PORT and _NAME with DATABASE_IAM_AUTH=true. An empty setting counts as missing.
// It fetches the secret once, so that a wrong one is found at the start. The error holds everything that is wrong, one line each.
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

// Open reads the settings as Database does and opens the pool, whose connection it tries once, so that a wrong host, password or
// certificate ends the start. The error names the setting to look at, and is safe to log.
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

// Keyring reads the masking keyring: the secret MASK_SECRET_ID, or MASK_KEYRING, which holds the JSON itself. The function it returns
// gives the keyring of now, at most 5 minutes old unless Secrets Manager has stopped answering, and is safe for concurrent use.
// There is no default: a key that everybody knows would be none.
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

func (e *Environment) keyringSecret(ctx context.Context, id string) (func(context.Context) (*mask.Keyring, error), error) {
	secret := &Secret[*mask.Keyring]{
		Name: "MASK_SECRET_ID",
		TTL:  keyringTTL,
		Log:  e.Log,
		Same: func(*mask.Keyring, *mask.Keyring) bool { return false }, // never refetched before its time, so nobody asks
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

// config loads the SDK's settings at first use: a function that needs no secret needs no AWS account.
func (e *Environment) config(ctx context.Context) (aws.Config, error) {
	e.once.Do(func() {
		e.cfg, e.err = config.LoadDefaultConfig(ctx)
		if e.err == nil && e.cfg.Region == "" {
			e.err = errors.New("no AWS region: set AWS_REGION")
		}
		if e.err == nil && e.Client == nil {
			e.Client = secretsmanager.NewFromConfig(e.cfg)
		}
	})
	return e.cfg, e.err
}
