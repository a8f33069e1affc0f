package eventsource

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// plainCaller makes a call of an endpoint without TLS, which is one on this machine or next to it, without the SDK's layers:
// these take longer for a call than the in-memory server does. It knows only how a call succeeds. Whatever else happens, the
// call is made again through the SDK, which knows errors, retries and clocks; so only calls that may be repeated go this way.
type plainCaller struct {
	options  sqs.Options
	endpoint string
	signer   *v4.Signer
}

// newPlainCaller returns nil where the SDK is needed from the start.
func newPlainCaller(client *sqs.Client) *plainCaller {
	o := client.Options()
	if o.BaseEndpoint == nil || !strings.HasPrefix(*o.BaseEndpoint, "http://") || o.Credentials == nil {
		return nil
	}
	return &plainCaller{options: o, endpoint: strings.TrimSuffix(*o.BaseEndpoint, "/") + "/", signer: v4.NewSigner()}
}

// post returns false if the call did not succeed.
func (c *plainCaller) post(ctx context.Context, operation string, body []byte) ([]byte, bool) {
	if c == nil {
		return nil, false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	request.Header["Content-Type"] = []string{"application/x-amz-json-1.0"}
	request.Header["X-Amz-Target"] = []string{"AmazonSQS." + operation}
	if c.sign(request, body) != nil {
		return nil, false
	}
	response, err := c.options.HTTPClient.Do(request)
	if err != nil {
		return nil, false
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		io.Copy(io.Discard, response.Body)
		return nil, false
	}
	answer, err := readAll(response)
	return answer, err == nil
}

func (c *plainCaller) sign(request *http.Request, body []byte) error {
	credentials, err := c.options.Credentials.Retrieve(request.Context())
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return c.signer.SignHTTP(request.Context(), credentials, request, hex.EncodeToString(sum[:]), "sqs", c.options.Region, time.Now())
}

func readAll(response *http.Response) ([]byte, error) {
	var body bytes.Buffer
	if response.ContentLength > 0 {
		body.Grow(int(min(response.ContentLength, 1<<20)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(response.Body)
	return body.Bytes(), err
}
