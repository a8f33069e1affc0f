// Package account is the AWS account that a command on this machine talks to: the SDK's usual
// settings, or made-up ones where the endpoint is on this machine and has no accounts.
//
// AWS does not say what is missing when a call has no region or no credentials. So this package looks
// for both before the first call. It imports pkg/queue.
package account

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/logging"
)

// SettingError says what a person has named wrong or not at all, and what to set: an endpoint, a
// queue, the region, the credentials.
type SettingError struct{ text string }

func (e *SettingError) Error() string { return e.text }

func wrong(format string, args ...any) error {
	return &SettingError{fmt.Sprintf(format, args...)}
}

// credentialsTimeout is for asking the providers of credentials, some of which are on the network.
const credentialsTimeout = 5 * time.Second

// For returns the settings for an endpoint, "" for AWS itself. An endpoint on this machine needs no
// account: if the environment has no region or no credentials, it gets made-up ones. The error
// is a *SettingError, or says that the settings cannot be read.
func For(ctx context.Context, endpoint string) (aws.Config, error) {
	if !isLocal(endpoint) {
		return load(ctx)
	}
	options := []func(*config.LoadOptions) error{config.WithDefaultRegion("us-east-1")}
	if os.Getenv("AWS_ACCESS_KEY_ID") == "" && os.Getenv("AWS_PROFILE") == "" {
		options = append(options, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("local", "local", "")))
	}
	return load(ctx, options...)
}

// forQueue returns the settings for a queue on AWS. They have the region of its URL, such as
// https://sqs.REGION.amazonaws.com/ACCOUNT/NAME. Errors are those of For.
func forQueue(ctx context.Context, u *url.URL) (aws.Config, error) {
	if region := regionOf(u); region != "" {
		return load(ctx, config.WithRegion(region))
	}
	return load(ctx)
}

// regionOf is the region in the URL of a queue on AWS, "" if there is none.
func regionOf(u *url.URL) string {
	if host := strings.Split(u.Hostname(), "."); host[0] == "sqs" && len(host) >= 4 {
		return host[1]
	}
	return ""
}

func load(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	options = append(options, config.WithLogger(logging.Nop{})) // the errors below say what to do
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS settings: %w", err)
	}
	const instead = "or use --local for LocalStack or sqs2pg sqs, or --endpoint-url for SQS elsewhere"
	if cfg.Region == "" {
		return aws.Config{}, wrong("no AWS region: set AWS_REGION or AWS_PROFILE, " + instead)
	}
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return aws.Config{}, wrong("no AWS credentials: log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID, " + instead)
	}
	return cfg, nil
}

// isLocal reports whether an endpoint is on this machine.
func isLocal(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	return host == "127.0.0.1" || host == "::1" || host == "localhost" || strings.HasSuffix(host, ".localhost.localstack.cloud")
}
