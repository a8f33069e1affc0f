package sqsserver_test

import (
	"net/http"
	"net/url"
	"testing"

	"sqs2pg/pkg/local/sqsserver"
)

func TestEndpointHasReachableURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		address string
		exposed bool
	}{
		{"127.0.0.1:0", false}, {"0.0.0.0:0", true}, {":0", true},
	} {
		t.Run(test.address, func(t *testing.T) {
			t.Parallel()
			endpoint, err := sqsserver.Listen(test.address)
			if err != nil {
				t.Fatal(err)
			}
			defer endpoint.Close()
			if endpoint.Exposed != test.exposed {
				t.Errorf("Exposed is %t, want %t", endpoint.Exposed, test.exposed)
			}
			u, err := url.Parse(endpoint.URL)
			if err != nil || u.Hostname() == "0.0.0.0" || u.Hostname() == "::" {
				t.Errorf("the URL %s names no address, %v", endpoint.URL, err)
			}
			response, err := http.Get(endpoint.URL + "/?Action=ListQueues")
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("GET %s: %s", endpoint.URL, response.Status)
			}
		})
	}
}
