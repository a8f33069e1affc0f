package queue

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// Errors that callers can test for. What wraps them names the queue, the endpoint and what to do.
var (
	ErrMissing     = errors.New("queue does not exist")
	ErrUnreachable = errors.New("SQS cannot be reached")
)

func explain(client *sqs.Client, name string, err error) error {
	var missing *types.QueueDoesNotExist
	switch {
	case errors.As(err, &missing):
		return fmt.Errorf("%w: %s at %s: correct the name, or make it with sqs2pg queue create %s%s",
			ErrMissing, name, Endpoint(client), name, EndpointFlag(client))
	case Transient(err):
		return fmt.Errorf("%w at %s (%w): see whether it runs there", ErrUnreachable, Endpoint(client), Cause(err))
	}
	return fmt.Errorf("queue %s: %w", name, Cause(err))
}

// Endpoint says where a client sends its calls: a URL, or AWS.
func Endpoint(client *sqs.Client) string {
	if url := client.Options().BaseEndpoint; url != nil {
		return *url
	}
	return "AWS"
}

// EndpointFlag names a client's endpoint in a printed command. It is "" for AWS.
func EndpointFlag(client *sqs.Client) string {
	if url := client.Options().BaseEndpoint; url != nil {
		return " --endpoint-url " + *url
	}
	return ""
}

var retryable = retry.NewStandard()

// Transient reports whether the same call may succeed later: throttling, faults of the service and
// of the network. Refusals are not transient.
func Transient(err error) bool {
	var network net.Error
	var entry *entryError
	return errors.As(err, &entry) && !entry.senderFault || retryable.IsErrorRetryable(err) || errors.As(err, &network)
}

// Cause is the part of an SDK error that says what happened, without the layers around it: the
// service's answer, the network's fault, or else the innermost error.
func Cause(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api
	}
	var network *net.OpError
	if errors.As(err, &network) {
		return network
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// Code is the code of SQS in the error, such as ReceiptHandleIsInvalid; "no time" where the context
// ended, and "no answer" otherwise. It holds nothing of a message and can be logged.
func Code(err error) string {
	var coded interface{ ErrorCode() string }
	switch {
	case errors.As(err, &coded):
		return coded.ErrorCode()
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return "no time"
	}
	return "no answer"
}

// entryError is what SQS says of one entry of a batch call. Its message is left out: it may quote
// the entry.
type entryError struct {
	code        string
	senderFault bool // SQS would refuse the entry again
}

func (e *entryError) Error() string { return "SQS refused it: " + e.code }

func (e *entryError) ErrorCode() string { return e.code }

// tooLarge reports whether a call was refused for the size of its messages.
func tooLarge(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	code := api.ErrorCode()
	return strings.HasSuffix(code, "BatchRequestTooLong") || code == "InvalidParameterValue"
}
