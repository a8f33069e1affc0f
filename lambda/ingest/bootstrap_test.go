package main

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/postgres/postgrestest"
)

// bootstrap is the function as it is deployed, built for these tests.
const bootstrap = "../../build/test/ingest/bootstrap"

func TestMain(m *testing.M) {
	if err := build(bootstrap, "."); err != nil {
		panic(err)
	}
	postgrestest.Main(m)
}

// build builds a function as it is deployed.
func build(program, source string) error {
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", program, err, out)
	}
	return nil
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
