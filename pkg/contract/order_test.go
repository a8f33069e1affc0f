package contract_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

func TestTableOfTheOrderContract(t *testing.T) {
	t.Parallel()
	want := contract.Table{Schema: "public", Name: "order_placed", Columns: []contract.Column{
		{Name: "order_id", Type: contract.UUID, Required: true, Path: "order_id"},
		{Name: "placed_at", Type: contract.Timestamptz, Required: true, Path: "placed_at"},
		{Name: "deliver_on", Type: contract.Date, Path: "deliver_on"},
		{Name: "customer_id", Type: contract.Text, Required: true, Mask: mask.Token, Subject: true, Path: "customer.id"},
		{Name: "customer_email", Type: contract.Text, Required: true, Mask: mask.Token, Recover: true, Path: "customer.email"},
		{Name: "customer_phone", Type: contract.Text, Mask: mask.Drop, Path: "customer.phone"},
		{Name: "customer_loyalty_tier", Type: contract.Text, Path: "customer.loyalty.tier"},
		{Name: "customer_loyalty_points", Type: contract.BigInt, Path: "customer.loyalty.points"},
		{Name: "source_network", Type: contract.Text, Required: true, Mask: mask.Network, Path: "source_ip"},
		{Name: "card_hash", Type: contract.Text, Mask: mask.SHA256, Path: "card"},
		{Name: "currency", Type: contract.Text, Required: true, Path: "currency"},
		{Name: "items", Type: contract.BigInt, Required: true, Path: "items"},
		{Name: "total", Type: contract.Double, Required: true, Path: "total"},
		{Name: "gift", Type: contract.Boolean, Required: true, Path: "gift"},
		{Name: "lines", Type: contract.JSONB, Required: true, Path: "lines"},
		{Name: "attributes", Type: contract.JSONB, Path: "attributes"},
	}}
	if diff := cmp.Diff(want, load(t, "testdata/order_placed.json").Table()); diff != "" {
		t.Errorf("the table differs (-want +got):\n%s", diff)
	}
}

func load(tb testing.TB, nameOrPath string) *contract.Contract {
	tb.Helper()
	c, err := contract.Load(nameOrPath)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
