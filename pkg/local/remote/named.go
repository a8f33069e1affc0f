package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"sqs2pg/pkg/local/eventsource"
	"sqs2pg/pkg/queue"
)

// NamedFunction is a function that is invoked by its name through Lambda's API: AWS's,
// LocalStack's, Moto's. It is safe for concurrent use.
type NamedFunction struct {
	client *lambda.Client
	name   string

	// Timeout is the function's own, 0 where the endpoint did not tell it.
	Timeout time.Duration
}

// NewNamedFunction asks the endpoint for the function, by name, ARN or partial ARN, a version or
// alias included. An error matches ErrNoFunction: the function does not exist, or the endpoint does
// not answer. A caller that may only invoke the function gets no error, but no Timeout.
func NewNamedFunction(ctx context.Context, client *lambda.Client, name string) (*NamedFunction, error) {
	f := &NamedFunction{client: client, name: name}
	out, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		if err := f.explain(err); errors.Is(err, eventsource.ErrNoFunction) {
			return nil, err
		}
		return f, nil
	}
	f.Timeout = time.Duration(aws.ToInt32(out.Timeout)) * time.Second
	return f, nil
}

// Invoke returns the response. An error is a *FunctionFailure if the function failed. It matches
// ErrNoFunction if the function does not exist or the endpoint does not answer.
func (f *NamedFunction) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	out, err := f.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &f.name, Payload: payload})
	switch {
	case err != nil:
		return nil, f.explain(err)
	case out.FunctionError != nil:
		failed, _ := readFunctionError(out.Payload)
		return nil, failed
	}
	return out.Payload, nil
}

func (f *NamedFunction) explain(err error) error {
	var missing *types.ResourceNotFoundException
	endpoint := aws.ToString(f.client.Options().BaseEndpoint)
	if endpoint == "" {
		endpoint = "AWS, " + f.client.Options().Region
	}
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%w: no function %s at %s: list the functions with aws lambda list-functions", eventsource.ErrNoFunction, f.name, endpoint)
	case dialFailed(err):
		return fmt.Errorf("%w: no answer at %s (%w)", eventsource.ErrNoFunction, endpoint, queue.Cause(err))
	}
	return fmt.Errorf("invoke %s: %w", f.name, queue.Cause(err))
}

// dialFailed reports whether no connection was made, so that nothing was invoked.
func dialFailed(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}
