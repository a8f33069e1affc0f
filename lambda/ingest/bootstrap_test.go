package main

import (
	"fmt"
	"os/exec"
	"testing"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/postgrestest"
)

// bootstrap is the function as it is deployed, built for these tests.
const bootstrap = "../../build/test/ingest/bootstrap"

func TestMain(m *testing.M) {
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, ".")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the function: %v\n%s", err, out))
	}
	postgrestest.Main(m)
}

// userLogins is the table of the login contract.
func userLogins(tb testing.TB) contract.Table {
	tb.Helper()
	c, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		tb.Fatal(err)
	}
	return c.Table()
}
