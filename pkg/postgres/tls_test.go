package postgres_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/postgres"
)

func TestConnectionsVerifyTheServer(t *testing.T) {
	t.Parallel()
	type settings struct {
		ServerName string // "" if the name is not verified
		RDSRoots   bool
		Plain      bool              // continues without TLS
		Mode       pgx.QueryExecMode // cache_describe if the URL does not say
	}
	const instance, proxy = "db.abc123.eu-west-1.rds.amazonaws.com", "p.proxy-abc123.eu-west-1.rds.amazonaws.com"
	for name, test := range map[string]struct {
		url  string
		want settings
	}{
		"an instance":                       {"postgres://u:p@" + instance + "/d", settings{ServerName: instance, RDSRoots: true}},
		"an instance, in keywords":          {"host=" + instance + " user=u", settings{ServerName: instance, RDSRoots: true}},
		"an instance in China":              {"postgres://u@db.abc.rds.cn-north-1.rds.amazonaws.com.cn/d?connect_timeout=3", settings{ServerName: "db.abc.rds.cn-north-1.rds.amazonaws.com.cn", RDSRoots: true}},
		"a password that says sslmode":      {"postgres://u:sslmode=disable,sslrootcert@" + instance + "/d", settings{ServerName: instance, RDSRoots: true}},
		"such a password, in keywords":      {"host=" + instance + " user=u password=sslmode", settings{ServerName: instance, RDSRoots: true}},
		"a proxy":                           {"postgres://u:p@" + proxy + "/d", settings{ServerName: proxy, RDSRoots: true}},
		"a proxy, exec mode given":          {"postgres://u:p@" + proxy + "/d?default_query_exec_mode=exec", settings{ServerName: proxy, RDSRoots: true, Mode: pgx.QueryExecModeExec}},
		"an instance, TLS switched off":     {"postgres://u:p@" + instance + "/d?sslmode=disable", settings{Plain: true}},
		"an instance, require":              {"postgres://u:p@" + instance + "/d?sslmode=require", settings{RDSRoots: true}},
		"another host":                      {"postgres://u:p@db.example.com/d?sslmode=verify-full", settings{ServerName: "db.example.com"}},
		"another host by default":           {"postgres://u:p@db.example.com/d", settings{ServerName: "db.example.com"}},
		"another host, in keywords":         {"host=db.example.com user=u", settings{ServerName: "db.example.com"}},
		"a service of docker compose":       {"postgres://u:p@postgres:5432/d", settings{ServerName: "postgres"}},
		"a private address":                 {"postgres://u:p@10.0.0.5/d", settings{ServerName: "10.0.0.5"}},
		"two hosts, one of them elsewhere":  {"postgres://u:p@localhost,db.example.com/d", settings{ServerName: "localhost"}},
		"another host, TLS switched off":    {"postgres://u:p@db.example.com/d?sslmode=disable", settings{Plain: true}},
		"localhost":                         {"postgres://u:p@localhost/d", settings{Plain: true}},
		"a loopback address":                {"postgres://u:p@[::1]:5432/d", settings{Plain: true}},
		"a socket":                          {"host=/run/postgresql user=u", settings{Plain: true}},
		"a host that only looks like RDS's": {"postgres://u:p@xrds.amazonaws.com.example.com/d?sslmode=disable", settings{Plain: true}},
		"prepared statements wanted":        {"postgres://u:p@localhost/d?default_query_exec_mode=cache_statement", settings{Plain: true, Mode: pgx.QueryExecModeCacheStatement}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, err := postgres.Open(t.Context(), postgres.Config{URL: test.url})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			if test.want.Mode == 0 {
				test.want.Mode = pgx.QueryExecModeCacheDescribe
			}
			c := pool.Pgx().Config().ConnConfig
			got := settings{Plain: c.TLSConfig == nil, Mode: c.DefaultQueryExecMode}
			if c.TLSConfig != nil {
				got.RDSRoots = c.TLSConfig.RootCAs != nil
				if !c.TLSConfig.InsecureSkipVerify {
					got.ServerName = c.TLSConfig.ServerName
				}
			}
			for _, f := range c.Fallbacks {
				got.Plain = got.Plain || f.TLSConfig == nil
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTrustsEveryRDSRootForFiveYears(t *testing.T) {
	t.Parallel()
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://u@db.abc.eu-west-1.rds.amazonaws.com/d"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	text, err := os.ReadFile("dsn/rds_roots.pem")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := certificate.Verify(x509.VerifyOptions{
			Roots: pool.Pgx().Config().ConnConfig.TLSConfig.RootCAs, CurrentTime: time.Now().AddDate(5, 0, 0),
		}); err != nil || !strings.HasPrefix(certificate.Subject.CommonName, "Amazon RDS ") {
			t.Errorf("%s: %v", certificate.Subject.CommonName, err)
		}
		n++
	}
	if n < 80 {
		t.Errorf("%d roots, want three for each of 27 regions", n)
	}
}

func TestUnverifiedCertificateErrorIsOneLine(t *testing.T) {
	t.Parallel()
	listener := serveTLS(t)
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://u:hunter2@" + listener + "/d?sslmode=verify-full"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	const want = "database: the server's certificate does not verify: check sslrootcert and the host name"
	if err := pool.Ping(t.Context()); err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}

// serveTLS answers a Postgres client's request for TLS with an unsigned certificate.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
func serveTLS(t *testing.T) string {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(conn, make([]byte, 8))
			_, _ = conn.Write([]byte("S"))
			_ = tls.Server(conn, web.TLS).Handshake()
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}
