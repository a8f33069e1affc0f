package doctor

import (
	"context"
	"time"

	"sqs2pg/pkg/contract/routes"
	"sqs2pg/pkg/local/environment"
	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/queue"
)

// Setup is what a person has named to load a queue on this machine. All fields are required.
type Setup struct {
	Contracts func() (*routes.Set, error)
	Given     *environment.Given
	Function  func() (path string, err error)
	Queue     func(context.Context) (*queue.Queue, error)
	Timeout   time.Duration // of one invocation
	Window    time.Duration // of the mapping
	List      string        // the command that lists dead letters
}

// Examine looks at each thing, and at how they fit together. If it cannot look at
// something, that is a finding.
func (s *Setup) Examine(ctx context.Context) (found []Finding) {
	loaded, err := s.Contracts()
	if err != nil {
		found = append(found, Failed("contract", err))
	} else {
		found = append(found, Contracts(loaded.Contracts())...)
	}
	keyring, ofKeyring := s.keyring(ctx)
	public, ofVault := s.vault(loaded)
	queue, kept := s.queue(ctx)
	database, refusal := s.database(ctx, loaded, Keys{keyring, public}, kept)
	if refusal != nil {
		ofKeyring = []Finding{Failed("keyring", refusal)}
	}
	found = append(append(found, ofKeyring...), ofVault...)
	found = append(append(found, s.function()), queue...)
	return append(found, database...)
}

// keyring reads the keyring where the function will read it. It is nil if it cannot be used.
func (s *Setup) keyring(ctx context.Context) (*mask.Keyring, []Finding) {
	places := s.Given.Keyrings
	switch {
	case s.Given.Secret() != "":
		k, err := s.Given.SecretKeyring(ctx)
		if err != nil {
			return nil, []Finding{Failed("keyring", err)}
		}
		return k.Keyring, []Finding{UsableKeyring(k.Keyring, "the secret "+s.Given.Secret())}
	case places.Text != "":
		k, found := Keyring([]byte(places.Text), places.From)
		return k, []Finding{found}
	}
	return KeyringFile(places.Path, places.Exists)
}

func (s *Setup) function() Finding {
	path, err := s.Function()
	if err != nil {
		return Failed("function", err)
	}
	return Function(path)
}

func (s *Setup) queue(ctx context.Context) (found []Finding, kept time.Duration) {
	q, err := s.Queue(ctx)
	if err != nil {
		return []Finding{Failed("queue", err)}, 0
	}
	return Queue(ctx, q, s.Timeout, s.Window, s.List)
}

// database tries to connect, and compares the database with the contracts if there are any. The
// error is that of invoke if there is no keyring and the database allows none to be made.
func (s *Setup) database(ctx context.Context, loaded *routes.Set, keys Keys, kept time.Duration) ([]Finding, error) {
	pool, err := s.Given.Open(ctx)
	if err != nil {
		return []Finding{Failed("database", err)}, nil
	}
	defer pool.Close()
	if loaded == nil {
		return []Finding{finding(OK, "database", "reached")}, nil
	}
	return Databases(ctx, pool, loaded.Tables(), keys, kept), s.Given.Refusal(ctx, pool, loaded.Tables()[0])
}
