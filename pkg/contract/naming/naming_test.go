package naming_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sqs2pg/pkg/contract/naming"
)

func TestColumnNamesAreInSnakeCase(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"deviceType": "device_type", "DeviceType": "device_type", "userID": "user_id", "userIDs": "user_ids", "HTTPServer": "http_server",
		"IDs": "ids", "sha256Sum": "sha256_sum", "line2Text": "line2_text", "clientIPv4": "client_ipv4", "IPv6Address": "ipv6_address", "isOK": "is_ok",
		"X-API-Key": "x_api_key", "user.id": "user_id", "@id": "id", "$type": "type", "first name": "first_name", "a--b": "a_b", "a_B": "a_b", "A1B": "a1_b", "user_Name": "user_name",
		"_id": "_id", "a__b": "a__b", "1st": "1st", "": "", "_": "_", "Straße": "straße",
	} {
		if got := naming.Column(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

// Every table that an earlier release made has columns of such names, and keeps them.
func TestNamesThatAreColumnNamesStay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z0-9_]*`).Draw(t, "name")
		if got := naming.Column(name); got != name {
			t.Errorf("%q becomes %q", name, got)
		}
	})
}

func FuzzColumn(f *testing.F) {
	for _, name := range []string{"deviceType", "userIDs", "IPv4", "__a", "é", "A\x00B", "\xff"} {
		f.Add(name)
	}
	capitals := regexp.MustCompile(`[A-Z\x00-\x1f -/:-@\[-^{-\x7f]`)
	f.Fuzz(func(t *testing.T, name string) {
		got := naming.Column(name)
		if capitals.MatchString(got) || naming.Column(got) != got {
			t.Errorf("%q becomes %q", name, got)
		}
	})
}

func TestNamesThatLookPersonal(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"email": true, "userEmail": true, "emails": true, "e_mail": true, "customer.phoneNumber": true, "ssn": true, "birthDate": true, "date_of_birth": true, "name": true,
		"customer.name": true, "firstName": true, "last_name": true, "users.name": true, "addresses": true, "shippingAddress": true, "ip": true, "clientIP": true, "remote_ip": true, "iban": true,
		"passportNumber": true, "cardNumber": true, "ipv6Address": true, "taxId": true, "IPs": true,
		"product.name": false, "products.name": false, "appName": false, "fileName": false, "hostname": false, "emailVerified": false, "emailCount": false, "ip_version": false,
		"addressType": false, "orderId": false, "status": false, "description": false, "ship": false, "tip": false, "filename": false, "emailDomain": false, "": false, "zipped": false,
	} {
		if got := naming.LooksPersonal(strings.Split(path, ".")); got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
	if naming.LooksPersonal(nil) {
		t.Error("no name looks personal")
	}
}
