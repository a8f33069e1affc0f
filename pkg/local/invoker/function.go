package invoker

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/local/remote"
	"sqs2pg/pkg/local/runtimeapi"
)

// containerStart is how long an emulator may need to start a container, besides the function's own
// time.
const containerStart = time.Minute

// Function names a function and how to run it: exactly one of Bootstrap, URL and Name.
type Function struct {
	Bootstrap string         // path of a program, which is started on this machine
	URL       string         // of an emulator's endpoint, such as sam local start-lambda's http://127.0.0.1:3001
	Name      string         // name or ARN, invoked by Lambda's API
	Lambda    *lambda.Client // required with Name

	Timeout time.Duration // of one invocation. With Name, the function's own setting is used instead

	// For Bootstrap only; what runs elsewhere has its own.
	Environments int      // processes, and so concurrent invocations. Default 1
	Env          []string // "NAME=value"
	Log          *Log     // gets what the function writes
}

// Opened is a function that is ready to be invoked.
type Opened struct {
	eventsource.Function
	timeout time.Duration // of one invocation
	close   func() Totals
}

// Open starts the function, or makes a client of it. Close it after use.
func (f *Function) Open(ctx context.Context) (*Opened, error) {
	switch {
	case f.URL != "":
		emulator, err := remote.NewURLFunction(f.URL, f.Timeout+containerStart)
		if err != nil {
			return nil, err
		}
		return &Opened{emulator, f.Timeout, func() Totals { emulator.Close(); return Totals{} }}, nil
	case f.Name != "":
		named, err := remote.NewNamedFunction(ctx, f.Lambda, f.Name)
		if err != nil {
			return nil, err
		}
		return &Opened{named, named.Timeout, func() Totals { return Totals{} }}, nil
	}
	return f.start(ctx)
}

func (f *Function) start(ctx context.Context) (*Opened, error) {
	var m meter
	local, err := runtimeapi.Start(ctx, runtimeapi.Config{
		Bootstrap: f.Bootstrap, Environments: f.Environments, Timeout: f.Timeout,
		FunctionName: "ingest", Env: f.Env, Output: f.Log, Report: m.add,
	})
	if err != nil {
		return nil, f.Log.explainStart(err)
	}
	return &Opened{local, f.Timeout, func() Totals {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		local.Close(stop)
		return m.totals(local.Stats())
	}}, nil
}

// Close ends the function's processes, within five seconds, and returns what they used.
func (o *Opened) Close() Totals { return o.close() }
