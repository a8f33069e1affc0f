package runtimeapi

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	functionVersion = "$LATEST"
	handlerName     = "bootstrap"
	account         = "000000000000" // as in LocalStack and sqsserver
	defaultRegion   = "us-east-1"
)

// inherited lists the caller's variables that a function sees: every program needs the first three,
// and the others tell it where this machine keeps its certificates. The function also sees the
// caller's AWS_* variables, because Lambda gives a function credentials and a region.
var inherited = []string{"PATH", "HOME", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// Environ returns the environment variables of a function whose Runtime API is at the address.
// Later entries override earlier ones. They are, in this order: the variables that Lambda sets on
// an OS-only runtime
// (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime);
// the caller's PATH, HOME, TMPDIR, SSL_CERT_FILE, SSL_CERT_DIR and AWS_*; Config.Env. The function
// sees no other variable of the caller, so a setting that is missing in the template is missing
// here too. TZ is UTC, as in Lambda.
func Environ(c Config, address string) []string {
	env := []string{
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(c.Bootstrap),
		"LAMBDA_RUNTIME_DIR=" + filepath.Dir(c.Bootstrap),
		"_HANDLER=" + handlerName,
		"AWS_REGION=" + defaultRegion,
		"AWS_DEFAULT_REGION=" + defaultRegion,
	}
	env = append(env, fromCaller(os.Environ())...)
	env = append(env,
		"AWS_LAMBDA_FUNCTION_NAME="+c.FunctionName,
		"AWS_LAMBDA_FUNCTION_VERSION="+functionVersion,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/"+c.FunctionName,
		"AWS_LAMBDA_LOG_STREAM_NAME="+time.Now().UTC().Format("2006/01/02")+"/["+functionVersion+"]"+randomHex(16),
	)
	env = append(env, c.Env...)
	return append(env, "AWS_LAMBDA_RUNTIME_API="+address)
}

func fromCaller(environ []string) []string {
	var env []string
	for _, setting := range environ {
		name, _, _ := strings.Cut(setting, "=")
		if strings.HasPrefix(name, "AWS_") || slices.Contains(inherited, name) {
			env = append(env, setting)
		}
	}
	return env
}

// functionARN returns the ARN in the header Lambda-Runtime-Invoked-Function-Arn.
func functionARN(c Config) string {
	return "arn:aws:lambda:" + region() + ":" + account + ":function:" + c.FunctionName
}

func region() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return defaultRegion
}

// newTraceID returns an X-Ray tracing header for a trace that is not sampled
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader).
func newTraceID() string {
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", time.Now().Unix(), randomHex(12), randomHex(8))
}

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}
