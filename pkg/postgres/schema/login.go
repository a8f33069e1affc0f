package schema

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sqs2pg/pkg/postgres"
)

// Login makes a role that may log in with a password and do what the ingest function must, and no more: it becomes a member
// of sqs2pg_writer. A role of that name that is there keeps what else it may, and gets the password. It comes after Apply
// and needs the right to create roles; safe to call again. Its error is fit to be shown. Where the server allows it, what it
// logs of the role's errors holds no row.
func Login(ctx context.Context, pool *postgres.Pool, name, password string) error {
	return login(ctx, pool, name, `format('; alter role %I password %L', $1, $2)`, password)
}

// LoginByIAM is Login for a role that signs in with an IAM token instead of a password: on RDS it becomes a member of rds_iam
// too. Where there is no such role, as outside of RDS, the login has no way in until it is given one.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.DBAccounts.html
func LoginByIAM(ctx context.Context, pool *postgres.Pool, name string) error {
	return login(ctx, pool, name, `case when to_regrole('rds_iam') is not null then format('; grant rds_iam to %I', $1) else '' end`)
}

// login has Postgres write the statements, which take no parameters, and runs them. means is the expression for the last of
// them; in it $1 is the name and what follows are args.
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
		return quiet(ctx, tx, name)
	})
	if err != nil {
		return fmt.Errorf("login %s: %w", name, describe(err))
	}
	return nil
}

// quiet keeps rows out of the server's log, where by default a refused row is printed whole (DETAIL: Failing row contains ...), a
// duplicate with its key, a value that cannot be read in CONTEXT, and, if slow statements are logged, every parameter of them.
//
// Only a superuser may set this, or who was granted SET on these parameters; so on RDS it belongs into the parameter group: see
// infra/README.md. Where it is not allowed nothing is changed.
// https://www.postgresql.org/docs/current/runtime-config-logging.html
func quiet(ctx context.Context, tx pgx.Tx, name string) error {
	for _, setting := range []string{"log_error_verbosity = terse", "log_parameter_max_length = 0"} {
		err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
			_, err := savepoint.Exec(ctx, "alter role "+quote(name)+" set "+setting, pgx.QueryExecModeSimpleProtocol)
			return err
		})
		var refused *pgconn.PgError
		if err != nil && (!errors.As(err, &refused) || refused.Code != "42501") {
			return err
		}
	}
	return nil
}
