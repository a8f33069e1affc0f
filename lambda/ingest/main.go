// Ingest is the deployed function: an event source mapping hands it batches of SQS messages, and it
// loads them into Postgres.
//
// It reads its settings once, at the start. A missing or wrong setting ends the start with a line
// that names it.
package main

import (
	"context"
	"os"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/ingest"
)

func main() {
	if err := ingest.Run(context.Background(), contracts.Folder(), os.Getenv, os.Stdout); err != nil {
		os.Exit(1)
	}
}
