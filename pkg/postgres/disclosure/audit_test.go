package disclosure_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/postgres/postgrestest"
)

func sortKeys(keys []disclosure.Key) {
	slices.SortFunc(keys, func(a, b disclosure.Key) int {
		return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.EventID[15], b.EventID[15]))
	})
}

func TestAuditListsEachRequest(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	pool := v.revealer()
	v.request(pool, inquiry(event(1), event(2)))
	q := inquiry(event(1))
	q.Purpose, q.Ticket, q.Caller, q.Fields = "access-request", "LONG9NAME-123456789012", "", []string{"ip", "device"}
	v.request(pool, q)
	var entries []disclosure.Entry
	if err := disclosure.List(t.Context(), v.as("aud", "sqs2pg_auditor"), 1, func(e disclosure.Entry) error { entries = append(entries, e); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || time.Since(entries[0].At).Abs() > time.Hour || !strings.HasSuffix(entries[0].Login, "_ann") {
		t.Fatalf("entries %+v", entries)
	}
	e := entries[0]
	e.At, e.Login, e.KeysSHA256, e.XID, e.Prev, e.Hash = time.Time{}, "", nil, 0, nil, nil
	want := disclosure.Entry{Seq: 2, Action: "reveal", Purpose: "access-request", Ticket: "LONG9NAME-123456789012", Target: "public.visits", Fields: []string{"ip", "device"}, N: 1}
	if diff := gocmp.Diff(want, e); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRequestsAtTheSameTimeMakeOneChain(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	ann, bob := v.revealer(), v.as("bob", "sqs2pg_revealer")
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			pool := ann
			if n%2 == 0 {
				pool = bob
			}
			for range 5 {
				if _, err := disclosure.Request(t.Context(), pool, inquiry(event(n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	head, err := disclosure.Verify(t.Context(), v.as("aud", "sqs2pg_auditor"))
	if err != nil || head.Seq != 40 {
		t.Errorf("head %v, %v; want entry 40", head, err)
	}
}

func TestVerifyFindsWhatWasTamperedWith(t *testing.T) {
	t.Parallel()
	const off, on = "alter table sqs2pg.audit disable trigger all; ", "; alter table sqs2pg.audit enable always trigger audit_is_only_added_to"
	// whoever owns the database can make the chain anew
	const rebuild = `; do $$ declare e sqs2pg.audit; last bytea := decode(repeat('00', 32), 'hex'); begin
		for e in select * from sqs2pg.audit order by seq loop
			e.prev := last; e.hash := sqs2pg.hash_of(e); last := e.hash;
			update sqs2pg.audit set prev = e.prev, hash = e.hash where seq = e.seq;
		end loop; end $$`
	for name, test := range map[string]struct {
		sql      string
		unbroken bool // without the head that was kept
	}{
		"nothing":                           {"select", true},
		"a purpose":                         {"update sqs2pg.audit set purpose = 'legal' where seq = 2", false},
		"text moved between two columns":    {"update sqs2pg.audit set caller = '', action = caller || action where seq = 2", false},
		"text moved between two fields":     {"update sqs2pg.audit set fields = '{ipd,evice}' where seq = 3", false},
		"a number of events":                {"update sqs2pg.audit set n = 1 where seq = 3", false},
		"an entry taken out":                {"delete from sqs2pg.audit where seq = 2", false},
		"an entry taken out and renumbered": {"delete from sqs2pg.audit where seq = 2; update sqs2pg.audit set seq = 2 where seq = 3", false},
		"the last entries taken out":        {"delete from sqs2pg.audit where seq >= 2", true},
		"everything taken out":              {"truncate sqs2pg.audit", true},
		"the chain made anew":               {"update sqs2pg.audit set purpose = 'legal' where seq = 2" + rebuild, true},
		"a chain made anew without one":     {"delete from sqs2pg.audit where seq = 2; update sqs2pg.audit set seq = 2 where seq = 3" + rebuild, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newLedger(t, contract.Insert)
			pool := v.revealer()
			v.request(pool, inquiry(event(1)))
			v.request(pool, inquiry(event(2)))
			q := inquiry(event(3), event(4))
			q.Fields = []string{"ip", "device"}
			kept := v.request(pool, q).Head
			v.Exec(t, off+test.sql+on)
			owner := postgrestest.Open(t, v.OwnerURL)
			_, err := disclosure.Verify(t.Context(), owner)
			if errors.Is(err, disclosure.ErrBroken) == test.unbroken || err != nil && !strings.Contains(err.Error(), ": let nobody reveal, keep the server's log") {
				t.Errorf("by itself: got %v", err)
			}
			if _, err := disclosure.Verify(t.Context(), owner, kept, kept); errors.Is(err, disclosure.ErrBroken) == (name == "nothing") {
				t.Errorf("with a head that was kept: got %v", err)
			}
		})
	}
}

func TestNobodyChangesTheAudit(t *testing.T) {
	t.Parallel()
	v := newLedger(t, contract.Insert)
	v.request(v.revealer(), inquiry(event(1)))
	owner := postgrestest.Open(t, v.OwnerURL)
	for _, sql := range []string{
		"update sqs2pg.audit set n = 2", "delete from sqs2pg.audit", "truncate sqs2pg.audit", "delete from sqs2pg.audit where false",
		"set session_replication_role = replica; delete from sqs2pg.audit",
		"merge into sqs2pg.audit a using (select 1) s on true when matched then delete",
	} {
		_, err := owner.Pgx().Exec(t.Context(), sql)
		if state(err) != "42501" {
			t.Errorf("%s: got %v, want 42501", sql, err)
		}
	}
}

func TestHeadsAreReadFromALog(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a", 32)
	heads, err := disclosure.ParseHeads(strings.NewReader("2026-11-29 LOG:  sqs2pg audit head of shop: 12 " + hash + "\nCONTEXT: 7 " + hash[1:] + "\n3 " + hash + "\r\n99999999999999999999 " + hash))
	if err != nil || len(heads) != 2 || heads[0].String() != "12 "+hash || heads[0].Database != "shop" || heads[1].Seq != 3 {
		t.Errorf("%v, %v", heads, err)
	}
}

func TestHeadsAreReadFromALogInCSVOrJSON(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a", 32)
	for _, line := range []string{`2026-11-29,LOG,00000,"sqs2pg audit head of shop: 12 ` + hash + `",,,`, `{"message":"sqs2pg audit head of shop: 12 ` + hash + `","pid":1}`} {
		heads, err := disclosure.ParseHeads(strings.NewReader(line))
		if err != nil || len(heads) != 1 || heads[0].Database != "shop" || heads[0].Seq != 12 {
			t.Errorf("%s: %v, %v", line, heads, err)
		}
	}
}

func FuzzParseHeads(f *testing.F) {
	f.Add("1 " + strings.Repeat("0", 64))
	f.Add(`{"head":"0 ` + strings.Repeat("0", 64) + `"}`)
	f.Add("0 " + strings.Repeat("1", 64))
	f.Fuzz(func(t *testing.T, text string) {
		heads, err := disclosure.ParseHeads(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, h := range heads {
			again, err := disclosure.ParseHeads(strings.NewReader(h.String()))
			if err != nil || len(again) != 1 || again[0].String() != h.String() {
				t.Errorf("%v is read as %v, %v", h, again, err)
			}
		}
	})
}
