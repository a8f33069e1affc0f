package schema

import (
	"context"
	"errors"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres"
	"sqs2pg/pkg/postgres/plan"
)

// ApplyAll is Apply for several tables. A table that is refused does not keep the others from being
// migrated.
func ApplyAll(ctx context.Context, pool *postgres.Pool, tables []contract.Table) (report Report, err error) {
	var errs []error
	for _, t := range tables {
		done, err := Apply(ctx, pool, t)
		report.Add(done)
		errs = append(errs, err)
	}
	return report, errors.Join(errs...)
}

// PlanAll is Plan for several tables, without its report.
func PlanAll(ctx context.Context, pool *postgres.Pool, tables []contract.Table) (steps plan.Steps, err error) {
	for _, t := range tables {
		more, _, err := Plan(ctx, pool, t)
		if err != nil {
			return nil, err
		}
		steps.Join(more)
	}
	return steps, nil
}
