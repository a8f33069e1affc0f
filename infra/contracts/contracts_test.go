package contracts_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
)

func TestContractBesideTheProgramWins(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := contract.Load(contracts.Beside(dir), "user_logins"); err != nil {
		t.Errorf("without a folder: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "contracts"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"user_logins", "orders"} {
		text := `{"x-table": "other", "type": "object", "properties": {"a": {"type": "string"}}}`
		if err := os.WriteFile(filepath.Join(dir, "contracts", name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	folder := contracts.Beside(dir)
	if diff := cmp.Diff([]string{"orders", "user_logins"}, contract.Names(folder)); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	c, err := contract.Load(folder, "user_logins")
	if err != nil || c.Table().Name != "other" {
		t.Errorf("got %v, %v, want the contract beside the program", c, err)
	}
}
