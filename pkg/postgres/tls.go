package postgres

import (
	"crypto/x509"
	_ "embed"
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

// parseURL reads a connection string. Connections to RDS are safe by default: sslmode is
// verify-full and RDS's roots are trusted. RDS Proxy gets no named prepared statements, because
// they would pin a connection to its client. The string may say otherwise by sslmode, sslrootcert
// and default_query_exec_mode, and so may PGSSLMODE.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
func parseURL(text string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(text)
	if err != nil || !onRDS(config.ConnConfig.Host) {
		return config, err
	}
	if !sets(text, "sslmode") && os.Getenv("PGSSLMODE") == "" { // pgx reads all variables of libpq
		if config, err = pgxpool.ParseConfig(withVerifyFull(text)); err != nil {
			return nil, err
		}
	}
	if !sets(text, "sslrootcert") {
		trustRDS(config.ConnConfig)
	}
	if strings.Contains(config.ConnConfig.Host, ".proxy-") && !sets(text, "default_query_exec_mode") {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	return config, nil
}

// sets reports whether a connection string has a setting of that name. A password that contains the
// name does not count.
func sets(text, name string) bool {
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
