package sqsserver

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// A fault is a kind of error as a client sees it: the shape that the JSON protocol sends in
// `__type`, the code of the query protocol (which the JSON protocol sends in the header
// x-amzn-query-error), and the HTTP status.
type fault struct {
	shape, code string
	status      int
}

const (
	modelled = "com.amazonaws.sqs#"        // prefix of errors of SQS's service model
	generic  = "com.amazon.coral.service#" // prefix of errors that all AWS services share
	legacy   = "AWS.SimpleQueueService."   // prefix of some codes of the query protocol
	bad      = http.StatusBadRequest       // the status of most errors
)

var (
	queueDoesNotExist    = fault{modelled + "QueueDoesNotExist", legacy + "NonExistentQueue", bad}
	queueNameExists      = fault{modelled + "QueueNameExists", "QueueAlreadyExists", bad}
	queueDeletedRecently = fault{modelled + "QueueDeletedRecently", legacy + "QueueDeletedRecently", bad}
	purgeInProgress      = fault{modelled + "PurgeQueueInProgress", legacy + "PurgeQueueInProgress", http.StatusForbidden}
	overLimit            = fault{modelled + "OverLimit", "OverLimit", http.StatusForbidden}
	resourceNotFound     = fault{modelled + "ResourceNotFoundException", "ResourceNotFoundException", http.StatusNotFound}

	invalidAttributeName   = fault{modelled + "InvalidAttributeName", "InvalidAttributeName", bad}
	invalidAttributeValue  = fault{modelled + "InvalidAttributeValue", "InvalidAttributeValue", bad}
	invalidMessageContents = fault{modelled + "InvalidMessageContents", "InvalidMessageContents", bad}
	messageNotInflight     = fault{modelled + "MessageNotInflight", legacy + "MessageNotInflight", bad}
	receiptHandleIsInvalid = fault{modelled + "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", bad}

	emptyBatch          = fault{modelled + "EmptyBatchRequest", legacy + "EmptyBatchRequest", bad}
	tooManyEntries      = fault{modelled + "TooManyEntriesInBatchRequest", legacy + "TooManyEntriesInBatchRequest", bad}
	entryIDsNotDistinct = fault{modelled + "BatchEntryIdsNotDistinct", legacy + "BatchEntryIdsNotDistinct", bad}
	invalidEntryID      = fault{modelled + "InvalidBatchEntryId", legacy + "InvalidBatchEntryId", bad}
	batchTooLong        = fault{modelled + "BatchRequestTooLong", legacy + "BatchRequestTooLong", bad}

	invalidParameter = fault{generic + "InvalidParameterValueException", "InvalidParameterValue", bad}
	missingParameter = fault{generic + "MissingRequiredParameterException", "MissingParameter", bad}
	unknownOperation = fault{generic + "UnknownOperationException", "", bad}
	serialization    = fault{generic + "SerializationException", "", bad}
	unavailable      = fault{generic + "ServiceUnavailableException", "ServiceUnavailable", http.StatusServiceUnavailable}
	requestTooLarge  = fault{generic + "RequestEntityTooLargeException", "", http.StatusRequestEntityTooLarge}

	// errors of the query protocol only
	missingAction  = fault{generic + "MissingAction", "MissingAction", bad}
	invalidAction  = fault{generic + "InvalidAction", "InvalidAction", bad}
	malformedQuery = fault{generic + "MalformedQueryString", "MalformedQueryString", http.StatusNotFound}
)

// An apiError is one failed call, or one failed entry of a batch.
type apiError struct {
	fault
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// queryCode returns the error's code in the query protocol, in which every error has a code.
func (e *apiError) queryCode() string {
	if e.code != "" {
		return e.code
	}
	return strings.TrimPrefix(e.shape, generic)
}

func (f fault) because(format string, args ...any) *apiError {
	return &apiError{f, fmt.Sprintf(format, args...)}
}

var (
	errNoQueue = queueDoesNotExist.because("The specified queue does not exist.")
	errClosed  = unavailable.because("The server is stopping.")
)

// missing returns the error for a required parameter that is missing.
func missing(parameter string) *apiError {
	return missingParameter.because("The request must contain the parameter %s.", parameter)
}

// invalid returns the error for a parameter whose value is not allowed, with AWS's words as reason.
func invalid(value any, parameter, reason string) *apiError {
	return invalidParameter.because("Value %v for parameter %s is invalid. Reason: %s", value, parameter, reason)
}

// asAPIError returns the error as a client sees it. An error that is not an apiError is a defect of
// this package.
func asAPIError(err error) *apiError {
	if e := (*apiError)(nil); errors.As(err, &e) {
		return e
	}
	return &apiError{fault{generic + "InternalFailure", "InternalFailure", http.StatusInternalServerError}, "internal failure"}
}

// blame returns Sender for an error of the client and Receiver for an error of the server.
func (e *apiError) blame() string {
	if e.status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}
