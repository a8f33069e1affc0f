// Package dsn reads a Postgres connection string and makes its connections safe by default. It is
// apart from the pool because the rules of TLS are one idea, and no pool is needed to test them.
package dsn

import (
	"crypto/x509"
	_ "embed"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed rds_roots.pem
var rdsRootsPEM []byte

// roots are the system's root certificates and those of RDS, which no system store has. The
// system's are for RDS Proxy.
var roots = sync.OnceValue(func() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(rdsRootsPEM)
	return pool
})

// Parse reads a connection string, and returns the exec mode that it chooses, 0 for none.
// Connections are safe by default: sslmode is verify-full, except to a server on this machine, and
// RDS's roots are trusted for RDS. RDS Proxy gets no named prepared statements, because they would
// pin a connection to its client. The string may say otherwise by sslmode, sslrootcert and
// default_query_exec_mode, and so may PGSSLMODE.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
func Parse(text string) (*pgxpool.Config, pgx.QueryExecMode, error) {
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, 0, err
	}
	// pgx reads PGSSLMODE, as it reads all variables of libpq.
	if !OnThisMachine(config.ConnConfig) && !Sets(text, "sslmode") && os.Getenv("PGSSLMODE") == "" {
		if config, err = pgxpool.ParseConfig(withVerifyFull(text)); err != nil {
			return nil, 0, err
		}
	}
	rds := onRDS(config.ConnConfig.Host)
	if rds && !Sets(text, "sslrootcert") {
		trustRDS(config.ConnConfig)
	}
	switch {
	case Sets(text, "default_query_exec_mode"):
		return config, config.ConnConfig.DefaultQueryExecMode, nil
	case rds && strings.Contains(config.ConnConfig.Host, ".proxy-"):
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		return config, pgx.QueryExecModeCacheDescribe, nil
	}
	return config, 0, nil
}

// OnThisMachine reports whether all hosts of a connection string are this machine.
func OnThisMachine(config *pgx.ConnConfig) bool {
	for _, fallback := range config.Fallbacks {
		if !onThisMachine(fallback.Host) {
			return false
		}
	}
	return onThisMachine(config.Host)
}

// onThisMachine reports whether a host is this machine. A host that begins with a slash is the
// folder of a socket, one that begins with @ is a socket in Linux's abstract namespace.
func onThisMachine(host string) bool {
	if host == "localhost" || strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}

// Sets reports whether a connection string has a setting of that name. A password that contains the
// name does not count.
func Sets(text, name string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return regexp.MustCompile(`(^|\s)` + name + `\s*=`).MatchString(text)
	}
	return u.Query().Has(name)
}

// onRDS reports whether AWS gave the host its name: an instance, a cluster or a proxy of RDS.
func onRDS(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	return strings.HasSuffix(host, ".rds.amazonaws.com") || strings.HasSuffix(host, ".rds.amazonaws.com.cn")
}

func withVerifyFull(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return text + " sslmode=verify-full"
	}
	query := u.Query()
	query.Set("sslmode", "verify-full")
	u.RawQuery = query.Encode()
	return u.String()
}

func trustRDS(config *pgx.ConnConfig) {
	if config.TLSConfig != nil {
		config.TLSConfig.RootCAs = roots()
	}
	for _, fallback := range config.Fallbacks {
		if fallback.TLSConfig != nil {
			fallback.TLSConfig.RootCAs = roots()
		}
	}
}
