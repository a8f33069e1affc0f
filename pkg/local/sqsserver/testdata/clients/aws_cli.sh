#!/bin/sh
# A queue's life by the AWS CLI. Endpoint, region and credentials come from the usual variables (AWS_ENDPOINT_URL, ...).
set -eu
export AWS_PAGER=

aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; } # version 1 does not read the variable
fail() { echo "aws_cli.sh: $*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "got '$1', want '$2'"; }
refused() { # code, then the call
	code=$1; shift
	if said=$(aws sqs "$@" 2>&1); then fail "$* succeeded"; fi
	case $said in *"($code)"*) ;; *) fail "got '$said', want $code" ;; esac
}

url=$(aws sqs create-queue --queue-name q --attributes VisibilityTimeout=400 --tags team=a --query QueueUrl --output text)
same "$(aws sqs get-queue-url --queue-name q --query QueueUrl --output text)" "$url"
aws sqs set-queue-attributes --queue-url "$url" --attributes DelaySeconds=0,VisibilityTimeout=450
same "$(aws sqs get-queue-attributes --queue-url "$url" --attribute-names All --query Attributes.VisibilityTimeout --output text)" 450
same "$(aws sqs list-queue-tags --queue-url "$url" --query Tags.team --output text)" a

aws sqs send-message-batch --queue-url "$url" --entries '[
  {"Id":"a","MessageBody":"<x> & y","MessageAttributes":{"t":{"DataType":"String","StringValue":"1"}}},
  {"Id":"b","MessageBody":"z"}]' >/dev/null
got=$(aws sqs receive-message --queue-url "$url" --wait-time-seconds 1 --max-number-of-messages 10 \
	--attribute-names All --message-attribute-names All --query 'Messages[].[Body,MessageAttributes.t.StringValue]' --output text)
same "$got" "<x> & y	1
z	None"
aws sqs send-message --queue-url "$url" --message-body again >/dev/null
handle=$(aws sqs receive-message --queue-url "$url" --query 'Messages[0].ReceiptHandle' --output text)
aws sqs change-message-visibility --queue-url "$url" --receipt-handle "$handle" --visibility-timeout 0
handle=$(aws sqs receive-message --queue-url "$url" --query 'Messages[0].ReceiptHandle' --output text)
same "$(aws sqs delete-message-batch --queue-url "$url" --entries Id=a,ReceiptHandle="$handle" --query 'Successful[].Id' --output text)" a
same "$(aws sqs receive-message --queue-url "$url" --output text)" ""

fifo=$(aws sqs create-queue --queue-name f.fifo --attributes FifoQueue=true,ContentBasedDeduplication=true --query QueueUrl --output text)
for body in a b a; do aws sqs send-message --queue-url "$fifo" --message-group-id g --message-body $body >/dev/null; done
same "$(aws sqs receive-message --queue-url "$fifo" --max-number-of-messages 10 --query 'Messages[].Body' --output text)" "a	b"

refused AWS.SimpleQueueService.NonExistentQueue get-queue-url --queue-name none
refused ReceiptHandleIsInvalid delete-message --queue-url "$url" --receipt-handle none
aws sqs purge-queue --queue-url "$url"
refused AWS.SimpleQueueService.PurgeQueueInProgress purge-queue --queue-url "$url"
aws sqs delete-queue --queue-url "$url"
aws --version
