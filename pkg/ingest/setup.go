package ingest

import (
	"context"
	"errors"
	"iter"
	"slices"

	"sqs2pg/pkg/mask"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/registry"
)

// Gate lets rows through while contract and keyring fit what the database knows of them;
// *registry.Gate is one.
type Gate interface {
	// Enter returns what the messages of the table have to obey, and *registry.Mismatch if rows
	// masked by the keyring may not be written. It asks the database only before the first row, for
	// another keyring, and after Shut or Doubt.
	Enter(context.Context, *mask.Keyring) (registry.Pass, error)
	Shut()
	Doubt()
}

// write writes events to the table. If the database refuses, or may refuse, a set-up that fitted
// before, somebody has changed it: the comparison then says what, better than an SQLSTATE does.
func (t *Table) write(ctx context.Context, epoch int64, events iter.Seq[[]postgres.Event], keyring *mask.Keyring) (postgres.Result, error) {
	result, err := t.Writer.Stream(ctx, epoch, events)
	if slices.ContainsFunc(result.Failures, func(f postgres.Failure) bool { return f.Unproven }) {
		return result, t.compare(ctx, keyring, err)
	}
	return result, t.explain(ctx, keyring, err)
}

// explain returns a fault of the set-up as the comparison words it. It returns any other error, and
// a fault that the comparison does not find, as it is.
func (t *Table) explain(ctx context.Context, keyring *mask.Keyring, err error) error {
	if setupFault(err) == "" {
		return err
	}
	return t.compare(ctx, keyring, err)
}

// compare compares the set-up again, and returns otherwise if it fits.
func (t *Table) compare(ctx context.Context, keyring *mask.Keyring, otherwise error) error {
	t.Gate.Shut()
	_, refusal := t.Gate.Enter(ctx, keyring)
	if mismatch, ok := errors.AsType[*registry.Mismatch](refusal); ok {
		return mismatch
	}
	return otherwise
}

// The parts of the set-up: contract or keyring do not fit the database, or the database cannot be
// used as it is.
const (
	contractFault = "contract"
	databaseFault = "database"
)

// setupFault says which part of the set-up causes an error that no retry heals. It is "" for any
// other error.
func setupFault(err error) string {
	if _, ok := errors.AsType[*registry.Mismatch](err); ok {
		return contractFault
	}
	if db, ok := errors.AsType[*postgres.Unavailable](err); ok && !db.Passing {
		return databaseFault
	}
	return ""
}
