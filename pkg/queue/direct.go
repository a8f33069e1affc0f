package queue

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
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Direct returns the same queue for a drain: where the endpoint has no TLS, its ReceiveJSON and
// Delete make their calls without the SDK's layers. An endpoint without TLS is on this machine or
// next to it, and there the layers take longer than the calls: without them a drain of the
// in-memory server needs two thirds of the CPU time. Other queues are returned as they are.
func (q *Queue) Direct() *Queue {
	o := q.Client.Options()
	if o.BaseEndpoint == nil || !strings.HasPrefix(*o.BaseEndpoint, "http://") || o.Credentials == nil {
		return q
	}
	quoted, _ := jsontext.AppendQuote(nil, q.URL) // replaces what is not UTF-8; SQS then does not know the queue
	d := &direct{options: o, endpoint: strings.TrimSuffix(*o.BaseEndpoint, "/") + "/", signer: v4.NewSigner(), quotedURL: quoted}
	return &Queue{q.Client, q.URL, d}
}

// direct knows only how a call succeeds. Whatever else happens, the caller makes the call again
// through the SDK, which knows errors, retries and clocks. So only calls that can be repeated go
// this way.
type direct struct {
	options   sqs.Options
	endpoint  string
	signer    *v4.Signer
	quotedURL []byte // of the queue, as JSON
}

// post returns false if the call did not succeed, and if d is nil.
func (d *direct) post(ctx context.Context, operation string, body []byte) ([]byte, bool) {
	if d == nil {
		return nil, false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, d.endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, false
	}
	request.Header["Content-Type"] = []string{"application/x-amz-json-1.0"}
	request.Header["X-Amz-Target"] = []string{"AmazonSQS." + operation}
	if d.sign(request, body) != nil {
		return nil, false
	}
	response, err := d.options.HTTPClient.Do(request)
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

func (d *direct) sign(request *http.Request, body []byte) error {
	credentials, err := d.options.Credentials.Retrieve(request.Context())
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	return d.signer.SignHTTP(request.Context(), credentials, request, hex.EncodeToString(sum[:]), "sqs", d.options.Region, time.Now())
}

func readAll(response *http.Response) ([]byte, error) {
	var body bytes.Buffer
	if response.ContentLength > 0 {
		body.Grow(int(min(response.ContentLength, 1<<20)) + bytes.MinRead)
	}
	_, err := body.ReadFrom(response.Body)
	return body.Bytes(), err
}

// delete makes one call for up to ten receipt handles. It returns the entries that SQS refused, and
// false if the call did not succeed.
func (d *direct) delete(ctx context.Context, receiptHandles []string) ([]types.BatchResultErrorEntry, bool) {
	if d == nil {
		return nil, false
	}
	b := append(append([]byte(`{"QueueUrl":`), d.quotedURL...), `,"Entries":[`...)
	for i, handle := range receiptHandles {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, `{"Id":"`...), entryIDs[i]...), `","ReceiptHandle":`...)
		b, _ = jsontext.AppendQuote(b, handle)
		b = append(b, '}')
	}
	answer, ok := d.post(ctx, "DeleteMessageBatch", append(b, `]}`...))
	if !ok {
		return nil, false
	}
	var out struct{ Failed []types.BatchResultErrorEntry }
	if json.Unmarshal(answer, &out) != nil {
		return nil, false
	}
	return out.Failed, true
}
