package secrets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"
)

// Database is how to reach Postgres. Its fields are what pkg/postgres's Config asks for.
type Database struct {
	URL string // without a password, unless DATABASE_URL has one

	// Credentials gives the user and password for a new connection; nil means those of URL.
	Credentials func(context.Context) (user, password string, err error)

	// Refresh is called when the database has refused what Credentials gave. It tells whether they are others now; nil means
	// that there is no use in asking.
	Refresh func(context.Context) (changed bool, err error)

	setting string // to look at first when it does not work
}

// The three ways to say who connects, as the messages name them.
const waysToConnect = "DATABASE_URL, or DATABASE_SECRET_ID, or DATABASE_USER with DATABASE_IAM_AUTH=true"

// databaseSettings is what the environment says of the database, checked as far as that goes without asking anybody.
type databaseSettings struct {
	url, secretID, host, port, name, user string
	iam                                   bool
}

func readDatabase(getenv func(string) string) (databaseSettings, error) {
	s := databaseSettings{
		url: getenv("DATABASE_URL"), secretID: getenv("DATABASE_SECRET_ID"), user: getenv("DATABASE_USER"),
		host: getenv("DATABASE_HOST"), port: getenv("DATABASE_PORT"), name: getenv("DATABASE_NAME"),
	}
	var errs []error
	if text := getenv("DATABASE_IAM_AUTH"); text != "" {
		var err error
		if s.iam, err = strconv.ParseBool(text); err != nil {
			errs = append(errs, errors.New("DATABASE_IAM_AUTH is neither true nor false"))
		}
	}
	if s.port != "" && !isPort(s.port) {
		errs = append(errs, errors.New("DATABASE_PORT is not a port number, 1 to 65535"))
	}
	if !isHost(s.host) {
		errs = append(errs, errors.New("DATABASE_HOST is not a host name alone; the port goes to DATABASE_PORT"))
	}
	return s, errors.Join(append(errs, s.oneWay())...)
}

// oneWay reports settings that contradict each other or leave a gap.
func (s *databaseSettings) oneWay() error {
	var errs []error
	switch {
	case s.url != "" && (s.secretID != "" || s.iam):
		errs = append(errs, errors.New("the database is set more than once: keep one of "+waysToConnect))
	case s.secretID != "" && s.iam:
		errs = append(errs, errors.New("DATABASE_SECRET_ID and DATABASE_IAM_AUTH=true exclude each other: keep one"))
	case s.url == "" && s.secretID == "" && !s.iam:
		errs = append(errs, errors.New("no database: set "+waysToConnect))
	}
	if s.iam {
		for _, v := range []struct{ name, value string }{{"DATABASE_USER", s.user}, {"DATABASE_HOST", s.host}, {"DATABASE_NAME", s.name}} {
			if v.value == "" {
				errs = append(errs, fmt.Errorf("%s is missing: DATABASE_IAM_AUTH=true needs it", v.name))
			}
		}
	}
	return errors.Join(errs...)
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// isHost reports whether s can stand where a URL has its host: a name or an address, without port, user or path. Nothing is
// one too: where a host must be given, that is asked for apart.
func isHost(s string) bool {
	return net.ParseIP(s) != nil || !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r))
	})
}

// databaseURL joins what the secret lacks to what it has. The settings win: the secret of an instance names the instance, while the function may
// have to go through a proxy.
func (s *databaseSettings) databaseURL(secret databaseSecret) (string, error) {
	host, name := first(s.host, secret.host), first(s.name, secret.name)
	var errs []error
	if host == "" {
		errs = append(errs, errors.New("DATABASE_HOST is missing, and the secret names no host"))
	}
	if name == "" {
		errs = append(errs, errors.New("DATABASE_NAME is missing, and the secret names no dbname"))
	}
	u := url.URL{Scheme: "postgres", Host: net.JoinHostPort(host, first(s.port, secret.port, "5432")), Path: "/" + name}
	return u.String(), errors.Join(errs...)
}

// first returns the first of its arguments that is not empty.
func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

// fromSecret reads the database's secret once, so that a wrong setting ends the start, and from then on as Secret does.
func (e *Environment) fromSecret(ctx context.Context, s databaseSettings) (Database, error) {
	secret := &Secret[databaseSecret]{
		Name: "DATABASE_SECRET_ID",
		Log:  e.Log,
		Same: func(a, b databaseSecret) bool { return a == b },
		Fetch: func(ctx context.Context) (databaseSecret, error) {
			text, err := e.fetch(ctx, s.secretID)
			if err != nil {
				return databaseSecret{}, err
			}
			return parseDatabaseSecret(text)
		},
	}
	now, err := secret.Value(ctx)
	if err != nil {
		return Database{}, err
	}
	address, err := s.databaseURL(now)
	return Database{
		URL:     address,
		setting: "DATABASE_SECRET_ID",
		Credentials: func(ctx context.Context) (string, string, error) {
			now, err := secret.Value(ctx)
			return now.username, now.password, err
		},
		Refresh: func(ctx context.Context) (bool, error) {
			before, err := secret.Value(ctx)
			if err != nil {
				return false, err
			}
			after, err := secret.Refetch(ctx)
			return after != before, err
		},
	}, err
}

// withToken signs in by IAM. A token is a signature made on this machine, good for a new connection during 15 minutes, so
// each connection gets its own and none has to be kept.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.Go.html
func (e *Environment) withToken(ctx context.Context, s databaseSettings) (Database, error) {
	cfg, err := e.config(ctx)
	if err != nil {
		return Database{}, fmt.Errorf("DATABASE_IAM_AUTH: %w", err)
	}
	address, err := s.databaseURL(databaseSecret{})
	endpoint := net.JoinHostPort(s.host, first(s.port, "5432"))
	return Database{
		URL:     address + "?sslmode=verify-full", // a token is a password: it goes to nobody else
		setting: "DATABASE_IAM_AUTH",
		Credentials: func(ctx context.Context) (string, string, error) {
			token, err := auth.BuildAuthToken(ctx, endpoint, cfg.Region, s.user, cfg.Credentials)
			if err != nil {
				return "", "", errors.New("DATABASE_IAM_AUTH: no AWS credentials to sign in with; give the function a role")
			}
			return s.user, token, nil
		},
	}, err
}
