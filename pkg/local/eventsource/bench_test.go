package eventsource_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"runtime/pprof"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/sqsserver"
	"sqs2pg/pkg/queue"
)

type nothing struct{}

func (nothing) Invoke(context.Context, []byte) ([]byte, error) { return nil, nil }

// BenchmarkDrain is the path without the function: receive, make the event, delete. The server runs
// in the same process and is part of cpu-us/msg; the profile (DRAIN_PROFILE=FILE) separates the two.
func BenchmarkDrain(b *testing.B) {
	for _, size := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) { benchmarkDrain(b, size) })
	}
}

func benchmarkDrain(b *testing.B, size int) {
	handler := sqsserver.New(sqsserver.Options{})
	defer handler.Close()
	server := httptest.NewServer(handler)
	defer server.Close()
	client := queue.NewClient(config(), server.URL)
	created, err := client.CreateQueue(b.Context(), &sqs.CreateQueueInput{QueueName: aws.String("bench")})
	if err != nil {
		b.Fatal(err)
	}
	send(b, client, *created.QueueUrl, logins(b.N))
	m := eventsource.Mapping{
		Queue: queue.New(client, *created.QueueUrl), Function: nothing{}, BatchSize: size, Concurrency: 2, IdleTimeout: time.Nanosecond,
	}
	stop := profile(b)
	before := cpu()
	b.ReportAllocs()
	b.ResetTimer()
	summary, err := m.Run(b.Context())
	b.StopTimer()
	stop()
	if err != nil || summary.Succeeded != b.N {
		b.Fatalf("%+v, %v", summary, err)
	}
	b.ReportMetric(float64((cpu()-before).Nanoseconds())/1e3/float64(b.N), "cpu-us/msg")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

func cpu() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

const login = `{"user_id":"%d-063a-43a7-b91b-7ca1a833afae","app_version":"2.3.0","device_type":"android","ip":"199.172.111.135","locale":"RU","device_id":"593-47-5928"}`

func logins(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprintf(login, i)
	}
	return bodies
}

func profile(b *testing.B) func() {
	p := os.Getenv("DRAIN_PROFILE")
	if p == "" || b.N < 1000 {
		return func() {}
	}
	f, _ := os.Create(p)
	pprof.StartCPUProfile(f)
	return func() { pprof.StopCPUProfile(); f.Close() }
}
