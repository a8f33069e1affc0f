package sqsserver_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"sqs2pg/pkg/local/sqsserver"
)

// BenchmarkMessages sends, receives and deletes messages of 300 bytes over HTTP in batches of ten,
// with four concurrent clients and a backlog in the queue. One operation is the sending, receiving
// and deleting of one message.
func BenchmarkMessages(b *testing.B) {
	for _, backlog := range []int{0, 10_000, 500_000, 1_000_000} {
		b.Run("backlog="+strconv.Itoa(backlog), func(b *testing.B) { benchmarkMessages(b, backlog) })
	}
}

func benchmarkMessages(b *testing.B, backlog int) {
	s := sqsserver.New(sqsserver.Options{})
	web := httptest.NewServer(s)
	b.Cleanup(func() { s.Close(); web.Close() })
	c := sqs.New(sqs.Options{
		BaseEndpoint: aws.String(web.URL), Region: "us-east-1", // a pointer into web would keep the server in memory
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	})
	url := newQueue(b, c, nil)
	fill(b, s, url, backlog)
	body := strings.Repeat("x", 300)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := cpuTime(b)
	b.ResetTimer()
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range b.N / 40 {
				roundTrip(b, c, url, body)
			}
		})
	}
	workers.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
	if backlog > 0 {
		b.ReportMetric(float64(m.HeapAlloc)/float64(backlog), "heap-bytes/message")
	}
}

// cpuTime returns the CPU time of this process, which is both client and server. Unlike the rate,
// it depends little on the load of the machine.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func roundTrip(b *testing.B, c *sqs.Client, url, body string) {
	ctx := context.Background()
	send := &sqs.SendMessageBatchInput{QueueUrl: &url}
	for i := range 10 {
		send.Entries = append(send.Entries, types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &body})
	}
	if _, err := c.SendMessageBatch(ctx, send); err != nil {
		b.Error(err)
	}
	got, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}})
	if err != nil {
		b.Error(err)
		return
	}
	if len(got.Messages) == 0 {
		return
	}
	remove := &sqs.DeleteMessageBatchInput{QueueUrl: &url}
	for _, m := range got.Messages {
		remove.Entries = append(remove.Entries, types.DeleteMessageBatchRequestEntry{Id: m.MessageId, ReceiptHandle: m.ReceiptHandle})
	}
	if out, err := c.DeleteMessageBatch(ctx, remove); err != nil || len(out.Failed) > 0 {
		b.Error(out, err)
	}
}
