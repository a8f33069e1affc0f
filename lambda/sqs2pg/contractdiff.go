package main

import (
	"sqs2pg/pkg/local/flags"
	"sqs2pg/pkg/versions"
)

// contractDiff compares two versions of a contract.
type contractDiff struct {
	Old   string `arg:"" help:"The contract that is in use: a name or a file."`
	New   string `arg:"" help:"The contract that is to take its place."`
	Count int    `default:"1000" help:"How many messages to generate from each contract."`
	Seed  uint64 `default:"1" help:"Seed for the messages."`

	jsonFlag `embed:""`
}

func (c *contractDiff) Help() string {
	return "Prints what migrate would do, the steps for a changed type or mask, and which messages of one contract the other refuses. " +
		"The messages are generated, so an empty list is no proof. " +
		"Exits with 0 if the contracts are the same or compatible, and with 1 if NEW refuses messages that OLD accepts, or migrate would refuse NEW."
}

func (c *contractDiff) Run(s *streams) error {
	if c.Count < 1 {
		return misuse("--count is %d: it must be 1 or more", c.Count)
	}
	old, err := flags.LoadContract("OLD", c.Old)
	if err != nil {
		return err
	}
	next, err := flags.LoadContract("NEW", c.New)
	if err != nil {
		return err
	}
	found, err := versions.Compare(old, next, c.Count, c.Seed)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := encode(s, found); err != nil {
			return err
		}
	} else {
		found.Print(s.Out, c.Old, c.New)
	}
	return found.Fault(c.Old, c.New)
}
