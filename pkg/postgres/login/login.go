// Package login makes the roles that may sign in: to write, or to reveal. It is a package of its
// own because a login is made once, after a migration, and by a role that may make roles.
package login

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/sqltext"
)

// WithPassword makes a role that may log in with a password and write, and nothing else: it becomes a
// member of sqs2pg_writer. An existing role of that name gets the password and keeps its other
// rights. Call it after schema.Apply, with the right to create roles. It is safe to call again. Its error
// wraps ErrPassword or a *postgres.Unavailable. Where the server allows it, the role's errors are
// logged without rows.
//
// The password itself is not sent, so the server cannot log it.
func WithPassword(ctx context.Context, pool *postgres.Pool, name, password string) error {
	return withPassword(ctx, pool, "sqs2pg_writer", name, password)
}

// ToReveal is WithPassword for a role that may reveal instead: it becomes a member of
// sqs2pg_revealer.
func ToReveal(ctx context.Context, pool *postgres.Pool, name, password string) error {
	return withPassword(ctx, pool, "sqs2pg_revealer", name, password)
}

func withPassword(ctx context.Context, pool *postgres.Pool, role, name, password string) error {
	verifier, err := scramVerifier(password)
	if err != nil {
		return fmt.Errorf("login %s: %w", name, err)
	}
	return makeRole(ctx, pool.Pgx(), role, name, `format('; alter role %I password %L', $1, $2)`, verifier)
}

// ErrOwnerByIAM means that the grant of rds_iam to the new role would make RDS refuse the caller's
// password, too. Nothing is changed then.
var ErrOwnerByIAM = errors.New("with rds_iam for this user, RDS would refuse your own password: let a role that is no member of the user grant rds_iam to it")

// ByIAM is WithPassword for a role that signs in with an IAM token instead of a password: on RDS it
// also becomes a member of rds_iam. Outside of RDS that role does not exist, and nobody can sign in
// as the new role until it gets a password. The error matches ErrOwnerByIAM too.
//
// RDS asks every member of rds_iam for a token, indirect members included. From Postgres 16 on, who
// makes a role is a member of it, with fewer rights than others; whether RDS counts that is not
// documented. So the caller signs in again before its last connection is given up.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
func ByIAM(ctx context.Context, pool *postgres.Pool, name string) error {
	conn, err := pool.Pgx().Acquire(ctx)
	if err != nil {
		return fmt.Errorf("login %s: %w", name, postgres.NewUnavailable(err, nil))
	}
	defer conn.Release()
	err = makeRole(ctx, conn, "sqs2pg_writer", name, `case when to_regrole('rds_iam') is not null then format('; grant rds_iam to %I', $1) else '' end`)
	if err != nil || signsInAgain(ctx, pool) {
		return err
	}
	if _, err := conn.Exec(ctx, "revoke rds_iam from "+sqltext.Name(name), pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("login %s: %w", name, postgres.NewUnavailable(err, advice))
	}
	return fmt.Errorf("login %s: %w", name, ErrOwnerByIAM)
}

// signsInAgain reports whether the server still accepts the caller's credentials. Only a refusal
// counts: any other failure says nothing of them.
func signsInAgain(ctx context.Context, pool *postgres.Pool) bool {
	pool.Pgx().Reset()
	err := pool.Pgx().Ping(ctx)
	return err == nil || !strings.HasPrefix(postgres.NewUnavailable(err, nil).SQLSTATE, "28")
}

// refuseOwnerByIAM fails if the caller has the rights of rds_iam. A superuser has those of every
// role, and RDS has none.
func refuseOwnerByIAM(ctx context.Context, tx pgx.Tx) error {
	var member bool
	err := tx.QueryRow(ctx, `select exists (select from pg_roles iam, pg_roles me
		where iam.rolname = 'rds_iam' and me.rolname = session_user and not me.rolsuper and pg_has_role(me.oid, iam.oid, 'usage'))`).Scan(&member)
	if err == nil && member {
		return ErrOwnerByIAM
	}
	return err
}

type beginner interface {
	Begin(context.Context) (pgx.Tx, error)
}

// makeRole lets Postgres format the statements, because they take no parameters, and runs them. The
// new role is a member of role. means is the SQL expression that gives the last statement; in it $1 is
// the name, and args follow.
func makeRole(ctx context.Context, db beginner, role, name, means string, args ...any) error {
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		var statements string
		err := tx.QueryRow(ctx, `
			select case when to_regrole(quote_ident($1)) is null then format('create role %I; ', $1) else '' end
			  || format('alter role %1$I login; grant `+role+` to %1$I', $1)
			  || `+means, append([]any{pgx.QueryExecModeSimpleProtocol, name}, args...)...).Scan(&statements)
		if err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		if err := refuseOwnerByIAM(ctx, tx); err != nil {
			return err
		}
		return keepRowsOutOfLog(ctx, tx, name)
	})
	if errors.Is(err, ErrOwnerByIAM) {
		return fmt.Errorf("login %s: %w", name, ErrOwnerByIAM)
	}
	if err != nil {
		return fmt.Errorf("login %s: %w", name, postgres.NewUnavailable(err, advice))
	}
	return nil
}

var advice = map[string]string{
	"42501": "the user may not do this: run it as a user that may create roles",
	"42704": "the role of sqs2pg is missing: run the migration first",
}

// keepRowsOutOfLog changes what the server logs about the role's statements. By default the log
// shows a refused row whole (DETAIL: Failing row contains ...), the key of a duplicate, an
// unreadable value in CONTEXT and, if slow statements are logged, all their parameters.
//
// Only a superuser, or a user that was granted SET on these parameters, may change them. Otherwise
// nothing is changed. On RDS they belong in the parameter group: see infra/README.md.
// https://www.postgresql.org/docs/current/runtime-config-logging.html
func keepRowsOutOfLog(ctx context.Context, tx pgx.Tx, name string) error {
	for _, setting := range []string{"log_error_verbosity = terse", "log_parameter_max_length = 0"} {
		err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
			_, err := savepoint.Exec(ctx, "alter role "+sqltext.Name(name)+" set "+setting, pgx.QueryExecModeSimpleProtocol)
			return err
		})
		if err != nil && postgres.NewUnavailable(err, nil).SQLSTATE != "42501" {
			return err
		}
	}
	return nil
}
