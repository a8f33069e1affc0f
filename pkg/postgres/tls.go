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

// roots are the system's and those of RDS, which no system store has. Hosts of RDS Proxy are signed by the system's.
var roots = sync.OnceValue(func() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(rdsRootsPEM)
	return pool
})

// parseURL reads a connection string. It makes connections to RDS safe by themselves: the certificate is verified against RDS's roots, as by
// sslmode=verify-full, and RDS Proxy gets no named prepared statements, which would pin a connection to its client. What the string
// says of sslmode, sslrootcert and default_query_exec_mode wins, and so does PGSSLMODE.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html
func parseURL(text string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(text)
	if err != nil || !onRDS(config.ConnConfig.Host) {
		return config, err
	}
	if !sets(text, "sslmode") && os.Getenv("PGSSLMODE") == "" { // which pgx reads, like all of libpq's
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

// sets reports whether a connection string has a setting of that name. A password may have the same letters in it.
func sets(text, name string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" {
		return regexp.MustCompile(`(^|\s)` + name + `\s*=`).MatchString(text)
	}
	return u.Query().Has(name)
}

// onRDS reports whether a host is one that AWS names: an instance, a cluster or a proxy.
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
