// Package doctor looks at everything that loading a queue needs and says for each thing whether it
// is right, or what to do.
//
// It changes nothing. The command prints its findings, and a page can show them. It stands above
// every package that it looks at: contract, mask, postgres and what is below them.
package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
)

// Verdict says how a thing is.
type Verdict string

// The verdicts. Only Fix asks for something to be done before messages are loaded.
const (
	OK   Verdict = "ok"
	Note Verdict = "note" // works, but look at it
	Fix  Verdict = "fix"
)

// Finding is what was found of one thing. Its text holds no password and no message.
type Finding struct {
	Verdict Verdict `json:"verdict"`
	Subject string  `json:"subject"` // "queue"
	Text    string  `json:"text"`    // with Fix: the problem, and what to do
}

func finding(v Verdict, subject, format string, args ...any) Finding {
	return Finding{v, subject, fmt.Sprintf(format, args...)}
}

// Contracts describes contracts that were loaded, with the warnings about them.
func Contracts(all []*contract.Contract) (found []Finding) {
	for _, c := range all {
		found = append(found, finding(OK, "contract", "%s: %d columns of %s", c.Name(), len(c.Table().Columns), c.Table().FullName()))
		for _, w := range c.Warnings() {
			found = append(found, finding(Note, "contract", "%s", w))
		}
	}
	return found
}

// Keyring checks the text of a masking keyring. from says where it was found: a variable or a file.
// The keyring is nil if it cannot be used.
func Keyring(text []byte, from string) (*mask.Keyring, Finding) {
	k, err := mask.ParseKeyring(text)
	if err != nil {
		return nil, finding(Fix, "keyring", "%s: %v", from, err)
	}
	return k, UsableKeyring(k, from)
}

// KeyringFile checks a file that holds a masking keyring, and that only its owner may read it. A
// missing file is a mistake only if a person has named it: the first invoke makes the usual file.
func KeyringFile(path string, named bool) (*mask.Keyring, []Finding) {
	text, err := os.ReadFile(path)
	switch {
	case os.IsNotExist(err) && named:
		return nil, []Finding{finding(Fix, "keyring", "no file %s: correct MASK_KEYRING_FILE, or unset it", path)}
	case os.IsNotExist(err):
		return nil, []Finding{finding(OK, "keyring", "no keyring yet: the first invoke makes one in %s", path)}
	case err != nil:
		return nil, []Finding{Failed("keyring", err)}
	}
	k, found := Keyring(text, path)
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		wide := finding(Fix, "keyring", "others may read or change %s (mode %04o): chmod 600 %[1]s", path, info.Mode().Perm())
		if k != nil {
			return k, []Finding{wide}
		}
		return nil, []Finding{found, wide}
	}
	return k, []Finding{found}
}

// UsableKeyring names the current key, by the fingerprint that the database keeps of it. from says
// where the keyring was found.
func UsableKeyring(k *mask.Keyring, from string) Finding {
	var current mask.Fingerprint
	for _, f := range k.Fingerprints() {
		if f.ID == k.CurrentID() {
			current = f
		}
	}
	return finding(OK, "keyring", "%s: the current key is %s, with the fingerprint %s", from, current.ID, current.Fingerprint)
}

// Function checks that there is a program at path.
func Function(path string) Finding {
	switch info, err := os.Stat(path); {
	case err != nil || info.IsDir():
		return finding(Fix, "function", "no program at %s: correct --function, or leave it out", path)
	case info.Mode()&0o111 == 0:
		return finding(Fix, "function", "%s is not executable: chmod +x it", path)
	}
	return finding(OK, "function", "%s", path)
}

// Failed is the finding that a thing could not be looked at.
func Failed(subject string, err error) Finding {
	return Finding{Fix, subject, oneLine(err)}
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// Database checks what the login of pool finds: the table and the keys compared with the contract and
// ours, who may use the vault, its own rights, the table's window and, for an insert table, the
// partitions. It compares no keys that are not known. kept is how long the queue keeps a message, 0 if
// that is not known.
func Database(ctx context.Context, pool *postgres.Pool, t contract.Table, keys Keys, kept time.Duration) []Finding {
	state, err := schema.Inspect(ctx, pool, t)
	if err != nil {
		return []Finding{Failed("database", err)}
	}
	found := []Finding{finding(OK, "database", "reached as %s", state.Database.User)}
	found = append(found, compared("table", t.FullName()+" is as the contract says", state.Database.Compare(t))...)
	if state.Database.Found == nil || state.Database.Table == nil {
		return found
	}
	if keys.Masking != nil {
		found = append(found, compared("tokens", "made by this keyring", state.Database.CompareKeys(t, keys.Masking))...)
	}
	if !keys.Vault.IsZero() && t.HasVault() && len(state.Database.Lacks) == 0 {
		found = append(found, compared("vault", "the database knows the public key "+keys.Vault.ID(), state.Database.CompareRecipient(t, keys.Vault.ID()))...)
	}
	found = append(found, guarded(ctx, pool, t)...)
	found = append(found, compared("privileges", state.Database.User+" may write", state.Database.Rights(t))...)
	if t.Mode == contract.Insert {
		found = append(found, partitions(state)...)
	}
	return append(found, window(state.Database.Table.Window.Days, kept)...)
}

// window checks that a message which waited in the queue, and then as a dead letter, can still be
// written.
func window(days int, kept time.Duration) []Finding {
	wait := int((kept + longestKept) / (24 * time.Hour))
	if kept == 0 || days >= wait {
		return nil
	}
	return []Finding{finding(Note, "window", "events more than %d days old are refused, and a message may wait %d days in the queue and as a dead letter: "+
		"keep events for %[2]d days or more (RETENTION_DAYS)", days, wait)}
}

// Databases is Database for the tables of several contracts. The findings name the table that they
// are about, and what all tables share is said once.
func Databases(ctx context.Context, pool *postgres.Pool, tables []contract.Table, keys Keys, kept time.Duration) (found []Finding) {
	for _, t := range tables {
		for _, f := range Database(ctx, pool, t, keys, kept) {
			if name := t.FullName(); len(tables) > 1 && f.Subject != "database" && !strings.HasPrefix(f.Text, name) {
				f.Text = name + ": " + f.Text
			}
			if !slices.Contains(found, f) {
				found = append(found, f)
			}
		}
	}
	return found
}

// partitions checks the days to come. A gap in the past is only noted: an event of such a day makes
// its partition.
func partitions(state schema.State) (found []Finding) {
	if state.DaysAhead < 1 {
		found = append(found, finding(Fix, "partitions", "tomorrow is not covered: run sqs2pg maintain, and see that the maintain function runs"))
	} else {
		found = append(found, finding(OK, "partitions", "made for %d days ahead", state.DaysAhead))
	}
	now := time.Now()
	for _, g := range state.Gaps {
		gap := fmt.Sprintf("none from %s to %s", g.From.Format(time.DateOnly), g.To.Format(time.DateOnly))
		if g.To.After(now) {
			found = append(found, Finding{Fix, "partitions", gap + ": run sqs2pg maintain"})
		} else {
			found = append(found, Finding{Note, "partitions", gap + ": if rows of that time are missing, restore that partition"})
		}
	}
	return found
}

// compared is one finding for each difference, or that all is right.
func compared(subject, right string, differences []registry.Difference) []Finding {
	if len(differences) == 0 {
		return []Finding{finding(OK, subject, "%s", right)}
	}
	var found []Finding
	for _, d := range differences {
		verdict := Fix
		if d.Effect == registry.Tolerated {
			verdict = Note
		}
		found = append(found, finding(verdict, subject, "%s", d))
	}
	return found
}
