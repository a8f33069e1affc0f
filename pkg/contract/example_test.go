package contract_test

import (
	"fmt"
	"log"

	"sqs2pg/infra/contracts"
	"sqs2pg/pkg/contract"
	"sqs2pg/pkg/mask"
)

// A message becomes a record, and the record a row.
func Example() {
	logins, err := contract.Load(contracts.Files, "user_logins")
	if err != nil {
		log.Fatal(err)
	}
	keyring, err := mask.ParseKeyring([]byte(`{"current": "k1", "k1": "only for this example, not a secret"}`))
	if err != nil {
		log.Fatal(err)
	}

	for _, body := range []string{
		`{"user_id": "u-1", "device_type": "iOS", "ip": "198.51.100.7", "device_id": "d-1", "locale": null, "app_version": "2.3.0"}`,
		`{"user_id": "u-1", "device_type": "iOS", "ip": "198.51.100.777", "device_id": "d-1", "app_version": "2.3.0"}`,
	} {
		record, err := logins.Decode([]byte(body))
		if err != nil {
			fmt.Println(err)
			continue
		}
		row := logins.Mask(keyring, record)
		for i, column := range logins.Table().Columns {
			if !row.Value(i).IsNull() {
				fmt.Println(column.Name, column.Type, row.Value(i).Text())
			}
		}
		fmt.Println(record, row)
	}
	// Output:
	// user_id text u-1
	// device_type text iOS
	// masked_ip text k1:6176c9fa45c3fc426d7e79568b4d4337
	// masked_device_id text k1:45391b4f936cabae468d2caa3fd9369c
	// app_version text 2.3.0
	// [hidden] [hidden]
	// invalid: ip: format ip
}
