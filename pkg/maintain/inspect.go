package maintain

import (
	"context"

	"sqs2pg/pkg/postgres/guard"
	"sqs2pg/pkg/postgres/registry"
	"sqs2pg/pkg/postgres/schema"
)

// Inspection says how the table of a contract is. It is for doctor --stack, which does not reach a
// private network itself.
type Inspection struct {
	Table       string   `json:"table"`
	Differences []string `json:"differences,omitempty"` // what the ingest function would refuse
	Vault       []string `json:"vault,omitempty"`       // what weakens the vault, see package guard
	DaysAhead   int      `json:"days_ahead"`            // whole days that partitions cover; -1 if none
	Connections int      `json:"connections"`           // that the server has for users without special rights
}

// inspect reads, and changes nothing.
func (h *Handler) inspect(ctx context.Context) (all []Inspection, err error) {
	for _, c := range h.contracts {
		table := c.Table()
		state, err := schema.Inspect(ctx, h.pool, table)
		if err != nil {
			return nil, err
		}
		i := Inspection{Table: table.FullName(), DaysAhead: state.DaysAhead, Connections: state.Connections}
		for _, d := range state.Database.Compare(table) {
			if d.Effect != registry.Tolerated {
				i.Differences = append(i.Differences, d.String())
			}
		}
		weak, err := guard.Look(ctx, h.pool, table)
		if err != nil {
			return nil, err
		}
		i.Vault = weak
		all = append(all, i)
	}
	return all, nil
}
