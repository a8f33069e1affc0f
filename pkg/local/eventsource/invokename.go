package eventsource

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// NamedFunction is a function by its name behind the Invoke call of Lambda's API: AWS's, LocalStack's, Moto's. It is safe for
// concurrent use.
type NamedFunction struct {
	client *lambda.Client
	name   string

	// Timeout is the function's own, 0 where the endpoint did not say.
	Timeout time.Duration
}

// NewNamedFunction asks the endpoint for the function, by name, ARN or partial ARN, a version or alias included. An error
// matches ErrNoFunction where there is no such function or no such endpoint. That the caller may not ask, only invoke, is no error.
func NewNamedFunction(ctx context.Context, client *lambda.Client, name string) (*NamedFunction, error) {
	f := &NamedFunction{client: client, name: name}
	out, err := client.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		if err := f.explain(err); errors.Is(err, ErrNoFunction) {
			return nil, err
		}
		return f, nil
	}
	f.Timeout = time.Duration(aws.ToInt32(out.Timeout)) * time.Second
	return f, nil
}

// Invoke returns the response. An error is a *FunctionFailure if the function failed, and matches ErrNoFunction if there is none
// or it may not be invoked.
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
		return fmt.Errorf("%w: there is no function %s at %s; see which there are: aws lambda list-functions", ErrNoFunction, f.name, endpoint)
	case dialFailed(err):
		return fmt.Errorf("%w: nobody answers at %s (%w)", ErrNoFunction, endpoint, rootCause(err))
	}
	return fmt.Errorf("invoke %s: %w", f.name, rootCause(err))
}

// dialFailed: no connection was made, so nothing was invoked.
func dialFailed(err error) bool {
	var network *net.OpError
	return errors.As(err, &network) && network.Op == "dial"
}
