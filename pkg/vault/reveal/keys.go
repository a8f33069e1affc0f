package reveal

import (
	"context"
	"errors"
	"fmt"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/disclosure"
	"sqs2pg/pkg/vault"
	"sqs2pg/pkg/vault/open"
)

// keys opens each session once: with a key in KMS that is a call, and an event of CloudTrail.
type keys struct {
	find       func(context.Context, disclosure.Recipient) (*open.Key, error)
	recipients map[string]disclosure.Recipient
	private    map[string]*open.Key      // by the recipient's id
	refused    map[string]error          // why the key of a recipient cannot be used
	openers    map[[16]byte]*open.Opener // by the session's id
	closed     map[[16]byte]error        // why a session cannot be opened
}

func newKeys(ctx context.Context, pool *postgres.Pool, find func(context.Context, disclosure.Recipient) (*open.Key, error)) (keys, error) {
	k := keys{find, nil, map[string]*open.Key{}, map[string]error{}, map[[16]byte]*open.Opener{}, map[[16]byte]error{}}
	var err error
	k.recipients, err = disclosure.Recipients(ctx, pool)
	return k, err
}

// learn opens the sessions of sealed values that are new.
func (k *keys) learn(ctx context.Context, pool *postgres.Pool, sealed []disclosure.Sealed) error {
	var ids [][16]byte
	for _, s := range sealed {
		if k.openers[s.Session] == nil && k.closed[s.Session] == nil {
			k.closed[s.Session] = errNoSession
			ids = append(ids, s.Session)
		}
	}
	if ids == nil {
		return nil
	}
	sessions, err := disclosure.Sessions(ctx, pool, ids)
	for _, s := range sessions {
		if opener, err := k.session(ctx, s); err != nil {
			k.closed[s.ID] = err
		} else {
			k.openers[s.ID] = opener
			delete(k.closed, s.ID)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return err
}

func (k *keys) session(ctx context.Context, s disclosure.Session) (*open.Opener, error) {
	key, err := k.key(ctx, s.Recipient)
	if err != nil {
		return nil, err
	}
	opener, err := key.Session(ctx, open.Session(s))
	if errors.Is(err, open.ErrKey) {
		err = sealedFor(s.Recipient, err)
		k.refused[s.Recipient] = err // do not ask KMS again for each session
	}
	return opener, err
}

// key returns the private key of a recipient, which is looked for once.
func (k *keys) key(ctx context.Context, recipient string) (*open.Key, error) {
	if key, err := k.private[recipient], k.refused[recipient]; key != nil || err != nil {
		return key, err
	}
	key, err := k.find(ctx, k.recipients[recipient])
	if err == nil && key.Public().ID() != recipient {
		err = fmt.Errorf("the database has the public key of %s under this ID: restore the row of sqs2pg_vault.recipients from a backup", key.Public().ID())
	}
	if err != nil {
		err = sealedFor(recipient, err)
		k.refused[recipient] = err
		return nil, err
	}
	k.private[recipient] = key
	return key, nil
}

// sealedFor names the key that is missing.
func sealedFor(recipient string, err error) error {
	return fmt.Errorf("sealed for the key %s: %w", recipient, err)
}

// open opens the sealed values of an event.
func (k *keys) open(table contract.Table, s disclosure.Sealed) (open.Values, error) {
	if err := k.closed[s.Session]; err != nil {
		return open.Values{}, err
	}
	return k.openers[s.Session].Open(vault.Row{Table: table.FullName(), SentAt: s.SentAt, EventID: s.EventID}, s.Value)
}
