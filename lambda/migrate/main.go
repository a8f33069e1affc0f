// Migrate is the function behind the stack's custom resource: during a deployment CloudFormation
// calls it, and it has the maintain function migrate the database.
package main

import (
	"context"
	"os"

	"sqs2pg/pkg/migrate"
)

func main() {
	if err := migrate.Run(context.Background(), os.Getenv, os.Stdout); err != nil {
		os.Exit(1)
	}
}
