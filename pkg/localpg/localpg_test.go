package localpg_test

import (
	"net"
	"net/url"
	"testing"

	"sqs2pg/pkg/localpg"
)

func TestTemporaryServerAcceptsConnections(t *testing.T) {
	t.Parallel()
	s, err := localpg.Start(t.Context(), localpg.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}
