package migrate

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
)

// longestReason is the most characters of a reason. CloudFormation takes a response of 4,096 bytes,
// and each character may be six bytes of JSON.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
const longestReason = 600

func (h *Handler) migrate(ctx context.Context, function string) error {
	out, err := h.lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: &function, Payload: []byte(`{"task":"migrate"}`), LogType: types.LogTypeTail})
	switch {
	case err != nil && ctx.Err() != nil:
		return fmt.Errorf("%s has not ended in time: see its log, and deploy again when it has; for a large table that is taken over, run sqs2pg migrate and deploy with MigrateOnDeploy=false", function)
	case err != nil:
		return cut(fmt.Sprintf("%s cannot be invoked: %s", function, cause(err)))
	case out.FunctionError != nil:
		return cut(fmt.Sprintf("%s: %s", function, reason(out.Payload, aws.ToString(out.LogResult))))
	}
	return nil
}

// cause is the answer of the service, without the SDK's words about the request.
func cause(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode() + ": " + api.ErrorMessage()
	}
	return err.Error()
}

// reason says why a function failed: by its error or, if it did not start, by the last error in the
// tail of its log. The functions log no values and no secrets.
func reason(payload []byte, tail string) string {
	var failure struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if json.Unmarshal(payload, &failure) != nil {
		return "it failed: see its log"
	}
	if failure.Type == "Runtime.ExitError" {
		if text := lastError(tail); text != "" {
			return text
		}
	}
	return failure.Message
}

func lastError(tail string) (text string) {
	log, _ := base64.StdEncoding.DecodeString(tail)
	for line := range bytes.Lines(log) {
		var record struct {
			Level string `json:"level"`
			Error string `json:"error"`
		}
		if json.Unmarshal(line, &record) == nil && record.Level == "ERROR" {
			text = record.Error
		}
	}
	return text
}

// cut makes a reason one line that fits.
func cut(reason string) error {
	reason = strings.ReplaceAll(reason, "\n", " ")
	if runes := []rune(reason); len(runes) > longestReason {
		reason = string(runes[:longestReason]) + " ..."
	}
	return errors.New(reason)
}
