package open_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// The writer has the public key alone. It keeps each session in the database before it seals by it.
// Who reveals has the private key, and reads sessions and sealed values from there.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	key, err := open.MakeFile(filepath.Join(dir, "vault.key"))
	if err != nil {
		log.Fatal(err)
	}
	row := vault.Row{Table: "public.user_logins", SentAt: time.Unix(1_700_000_000, 0), EventID: [16]byte{1}}

	var kept open.Session
	session, err := vault.NewSealer(key.Public(), time.Now).Session(context.Background(), func(_ context.Context, s *vault.Session) error {
		kept = open.Session{ID: s.ID, Recipient: s.Recipient, Enc: s.Enc}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	sealed := session.Seal(row, []byte(`{"ip": "192.0.2.1"}`))

	opener, err := key.Session(context.Background(), kept)
	if err != nil {
		log.Fatal(err)
	}
	values, err := opener.Open(row, sealed.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(values, string(values.Raw("ip")))

	row.EventID = [16]byte{2}
	_, err = opener.Open(row, sealed.Bytes())
	fmt.Println(err)
	// Output:
	// [hidden] "192.0.2.1"
	// sealed values: they do not open in this row, because they were changed or moved, or the key is another than its public key says: compare the row of sqs2pg_vault with a backup
}
