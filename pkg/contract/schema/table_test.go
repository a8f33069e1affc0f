package schema_test

import (
	"testing"

	"sqs2pg/pkg/contract/schema"
)

func TestColumnSaysHowItsTokensAreMade(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ property, domain, form string }{
		{`{"type": "string", "x-mask": "token"}`, "p", ""},
		{`{"type": "string", "x-mask": "token", "x-domain": "d"}`, "d", ""},
		{`{"type": "string", "x-mask": "token", "x-column": "q", "format": "ip"}`, "p", "ip"},
		{`{"type": "string", "x-mask": "token", "format": "ipv4"}`, "p", "ip"},
		{`{"type": "string", "x-mask": "token", "format": "uuid"}`, "p", "uuid"},
		{`{"type": "string", "x-mask": "token", "format": "date"}`, "p", ""},
		{`{"type": "string", "x-mask": "ip-network", "format": "ip"}`, "", ""},
		{`{"type": "string", "format": "uuid"}`, "", ""},
	} {
		s, err := schema.Compile([]byte(with(test.property, "")))
		if err != nil {
			t.Fatal(err)
		}
		if c := s.Table.Columns[0]; c.Domain != test.domain || c.Form != test.form {
			t.Errorf("%s: got the domain %q and the form %q, want %q and %q", test.property, c.Domain, c.Form, test.domain, test.form)
		}
	}
}
