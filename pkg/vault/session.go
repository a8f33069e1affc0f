package vault

import (
	"context"
	"crypto/cipher"
	"crypto/hpke"
	"crypto/rand"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"sqs2pg/pkg/privacy"
)

// Limits of a session. A writer that is broken into can open what its session sealed, and no more.
const (
	sessionAge   = time.Hour
	sessionSeals = 1 << 24
)

// Session seals for one recipient. It is safe for concurrent use, and prints as [hidden].
type Session struct {
	privacy.Hidden
	ID        [16]byte // random
	Recipient string   // the ID of the recipient's public key
	Enc       []byte   // the encapsulated key, from which the recipient makes the session's key

	made  time.Time
	seals atomic.Int64
	seal  func(dst, nonce, plaintext, additional []byte) []byte // see [privacy.Hidden]
	size  int                                                   // bytes that a seal adds
}

func newSession(key PublicKey, now time.Time) (*Session, error) {
	enc, sender, err := hpke.NewSender(key.key, KDF(), AEAD(), []byte(Info))
	if err != nil {
		return nil, err
	}
	var content cipher.AEAD
	if content, err = ContentKey(sender.Export); err != nil {
		return nil, err
	}
	s := &Session{Recipient: key.ID(), Enc: enc, made: now.Round(0), seal: content.Seal, size: 1 + content.Overhead()}
	rand.Read(s.ID[:]) // never fails, see crypto/rand
	return s, nil
}

// isOver reports whether it is time for another session. A clock that was set back ends one, too.
func (s *Session) isOver(now time.Time) bool {
	age := now.Round(0).Sub(s.made) // without the monotonic clock, which a frozen function stops
	return age < 0 || age >= sessionAge || s.seals.Load() >= sessionSeals
}

// Seal seals values, the text of a JSON object, for a row. How long it is shows only in steps of 32
// bytes. Seal may write to the capacity behind values.
func (s *Session) Seal(row Row, values []byte) Sealed {
	s.seals.Add(1)
	values = pad(values)
	length := len(values)
	values = row.AppendAdditionalData(values, s.ID) // behind, to save an allocation
	sealed := append(make([]byte, 0, s.size+length), Version)
	return Sealed{session: s.ID, bytes: s.seal(sealed, nil, values[:length], values[length:])}
}

// Sealed is what a [Session] has sealed. The zero Sealed means that there was nothing to seal. It is
// immutable.
type Sealed struct {
	session [16]byte
	bytes   []byte
}

// IsZero reports whether there is nothing to store.
func (s Sealed) IsZero() bool { return s.bytes == nil }

// Session is the ID of the session.
func (s Sealed) Session() [16]byte { return s.session }

// Bytes are stored as they are. They must not be changed: the version, the nonce, and the values
// with the tag of AES-GCM.
func (s Sealed) Bytes() []byte { return slices.Clip(s.bytes) }

// Sealer gives the session that seals now. It is safe for concurrent use.
type Sealer struct {
	key     PublicKey
	now     func() time.Time
	turn    chan struct{} // has one element while nobody makes a session
	current *Session      // of the holder of the turn
}

// NewSealer returns a sealer for the recipient with this key, which must not be zero.
func NewSealer(key PublicKey, now func() time.Time) *Sealer {
	s := &Sealer{key: key, now: now, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

// Key is the public key of the recipient.
func (s *Sealer) Key() PublicKey { return s.key }

// Session returns the session that seals now: take it anew for every batch. A session lasts an hour
// or 2^24 seals, and the rest of a batch. store is given each new session before anything is sealed
// by it, and returns when it is committed, or else what is sealed could never be opened. Session
// returns store's error as it is, and the next call makes another session. Calls that come
// meanwhile wait, until their context ends.
func (s *Sealer) Session(ctx context.Context, store func(context.Context, *Session) error) (*Session, error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { s.turn <- struct{}{} }()
	now := s.now()
	if s.current != nil && !s.current.isOver(now) {
		return s.current, nil
	}
	next, err := newSession(s.key, now)
	if err != nil {
		return nil, fmt.Errorf("session of the vault: %w", err)
	}
	if err := store(ctx, next); err != nil {
		return nil, err
	}
	s.current = next
	return next, nil
}
