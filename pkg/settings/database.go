package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"

	"sqs2pg/pkg/secrets"
)

// Database says how to reach Postgres: the fields that pkg/postgres's Config asks for.
type Database struct {
	URL string // without a password, unless DATABASE_URL has one

	// Credentials gives the user and password for a new connection; nil means those of URL.
	Credentials func(context.Context) (user, password string, err error)

	// Refresh is called when the database has refused what Credentials gave. It reports whether
	// Credentials gives something else now. nil means that it never does.
	Refresh func(context.Context) (changed bool, err error)

	setting string // the one to check first when the database cannot be reached
}

// WrongError lists settings that are wrong, missing or contradict each other, one a line.
type WrongError struct{ text string }

func (e *WrongError) Error() string { return e.text }

// waysToConnect are the three ways to name the database, as errors list them.
const waysToConnect = "DATABASE_URL, or DATABASE_SECRET_ID, or DATABASE_USER with DATABASE_IAM_AUTH=true"

// databaseSettings is what the environment says of the database, checked as far as possible without
// a network call.
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
		errs = append(errs, errors.New("DATABASE_HOST is not a host name alone: put the port into DATABASE_PORT"))
	}
	if err := errors.Join(append(errs, s.oneWay())...); err != nil {
		return s, &WrongError{err.Error()}
	}
	return s, nil
}

// oneWay reports settings that contradict each other, and settings that are missing.
func (s *databaseSettings) oneWay() error {
	var errs []error
	switch {
	case s.url != "" && (s.secretID != "" || s.iam):
		errs = append(errs, errors.New("the database is set more than once: keep one of "+waysToConnect))
	case s.secretID != "" && s.iam:
		errs = append(errs, errors.New("DATABASE_SECRET_ID and DATABASE_IAM_AUTH=true exclude each other: keep one of them"))
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

// isHost reports whether s can be the host of a URL: a name or an address, without port, user or
// path. The empty string is allowed here; callers check required hosts.
func isHost(s string) bool {
	return net.ParseIP(s) != nil || !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-._", r))
	})
}

// databaseURL joins the settings and the secret. Where both name something the settings win: the
// secret of an instance names the instance, and the function may have to go through a proxy.
func (s *databaseSettings) databaseURL(secret databaseSecret) (string, error) {
	host, name := cmp.Or(s.host, secret.host), cmp.Or(s.name, secret.name)
	var errs []error
	if host == "" {
		errs = append(errs, errors.New("DATABASE_HOST is missing, and the secret names no host: set it"))
	}
	if name == "" {
		errs = append(errs, errors.New("DATABASE_NAME is missing, and the secret names no dbname: set it"))
	}
	u := url.URL{Scheme: "postgres", Host: net.JoinHostPort(host, cmp.Or(s.port, secret.port, "5432")), Path: "/" + name}
	return u.String(), errors.Join(errs...)
}

// fromSecret reads the database's secret once, so that a wrong setting ends the start. Later reads
// follow secrets.Secret.
func (e *Environment) fromSecret(ctx context.Context, s databaseSettings) (Database, error) {
	secret := &secrets.Secret[databaseSecret]{
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

// withToken signs in by IAM. A token is a signature made on this machine, and opens connections
// during 15 minutes. So each connection gets a new token, and no token is kept.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.Go.html
func (e *Environment) withToken(ctx context.Context, s databaseSettings) (Database, error) {
	cfg, err := e.config(ctx)
	if err != nil {
		return Database{}, fmt.Errorf("DATABASE_IAM_AUTH: %w", err)
	}
	address, err := s.databaseURL(databaseSecret{})
	endpoint := net.JoinHostPort(s.host, cmp.Or(s.port, "5432"))
	return Database{
		URL:     address + "?sslmode=verify-full", // a token is a password: only this server may see it
		setting: "DATABASE_IAM_AUTH",
		Credentials: func(ctx context.Context) (string, string, error) {
			token, err := auth.BuildAuthToken(ctx, endpoint, cfg.Region, s.user, cfg.Credentials)
			if err != nil {
				return "", "", errors.New("DATABASE_IAM_AUTH: no AWS credentials to sign in with: give the function a role")
			}
			return s.user, token, nil
		},
	}, err
}
