// Maintain is the function that keeps the database: on a schedule it makes partitions ahead and
// drops those past their retention, and on request it migrates. A deployment requests that by the
// function migrate; by hand it is
//
//	aws lambda invoke --function-name sqs2pg-maintain --cli-binary-format raw-in-base64-out --payload '{"task":"migrate"}' /dev/stdout
//
// It answers with a report of what it did.
package main

import (
	"context"
	"os"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/maintain"
)

func main() {
	if err := maintain.Run(context.Background(), contracts.Folder(), os.Getenv, os.Stdout); err != nil {
		os.Exit(1)
	}
}
