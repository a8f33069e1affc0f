package schema

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sqs2pg/pkg/postgres"
)

// Login makes a role that may log in with a password and write, and nothing else: it becomes a
// member of sqs2pg_writer. An existing role of that name gets the password and keeps its other
// rights. Call it after Apply, with the right to create roles. It is safe to call again. Its error
// wraps ErrPassword or a *postgres.Unavailable. Where the server allows it, the role's errors are
// logged without rows.
//
// The password itself is not sent, so the server cannot log it.
func Login(ctx context.Context, pool *postgres.Pool, name, password string) error {
	verifier, err := scramVerifier(password)
	if err != nil {
		return fmt.Errorf("login %s: %w", name, err)
	}
	return login(ctx, pool, name, `format('; alter role %I password %L', $1, $2)`, verifier)
}

// LoginByIAM is Login for a role that signs in with an IAM token instead of a password: on RDS it
// also becomes a member of rds_iam. Outside of RDS that role does not exist, and nobody can sign in
// as the new role until it gets a password.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
func LoginByIAM(ctx context.Context, pool *postgres.Pool, name string) error {
	return login(ctx, pool, name, `case when to_regrole('rds_iam') is not null then format('; grant rds_iam to %I', $1) else '' end`)
}

// login lets Postgres format the statements, because they take no parameters, and runs them. means
// is the SQL expression that gives the last statement; in it $1 is the name, and args follow.
func login(ctx context.Context, pool *postgres.Pool, name, means string, args ...any) error {
	err := pgx.BeginFunc(ctx, pool.Pgx(), func(tx pgx.Tx) error {
		var statements string
		err := tx.QueryRow(ctx, `
			select case when to_regrole(quote_ident($1)) is null then format('create role %I; ', $1) else '' end
			  || format('alter role %1$I login; grant sqs2pg_writer to %1$I', $1)
			  || `+means, append([]any{pgx.QueryExecModeSimpleProtocol, name}, args...)...).Scan(&statements)
		if err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, statements, pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
		return keepRowsOutOfLog(ctx, tx, name)
	})
	if err != nil {
		return fmt.Errorf("login %s: %w", name, postgres.NewUnavailable(err, loginAdvice))
	}
	return nil
}

var loginAdvice = map[string]string{
	"42501": "the user may not do this: run it as a user that may create roles",
	"42704": "the role sqs2pg_writer is missing: run the migration first",
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
			_, err := savepoint.Exec(ctx, "alter role "+quote(name)+" set "+setting, pgx.QueryExecModeSimpleProtocol)
			return err
		})
		if err != nil && postgres.NewUnavailable(err, nil).SQLSTATE != "42501" {
			return err
		}
	}
	return nil
}
