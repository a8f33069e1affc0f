"""Makes what the functions need in LocalStack: a queue with its dead-letter queue, the secrets, and 100 messages.

LocalStack runs it when it is ready (/etc/localstack/init/ready.d); infra/localstack/start runs it where there is no Docker.
It can run again: what is there stays, and the queue is filled once.
"""

import json
import os
import pathlib
import secrets

import boto3

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "http://localhost:4566")
LOGINS = pathlib.Path(os.environ.get("LOGINS", "/etc/localstack/init/logins.jsonl"))
QUEUE = "login-queue"


def client(service):
    return boto3.client(service, endpoint_url=ENDPOINT, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


def make_queues(sqs):
    dead = sqs.create_queue(QueueName=QUEUE + "-dlq", Attributes={"MessageRetentionPeriod": "1209600"})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 5})
    return sqs.create_queue(QueueName=QUEUE, Attributes={"RedrivePolicy": redrive})["QueueUrl"]


def make_secrets(manager):
    database = {"engine": "postgres", "host": "postgres", "port": 5432, "dbname": "logins"}
    wanted = {
        "sqs2pg/database": database | {"username": "ingest", "password": "ingest"},
        "sqs2pg/owner": database | {"username": "postgres", "password": "postgres"},
        "sqs2pg/keyring": {"current": "k1", "k1": secrets.token_hex(32)},
    }
    for name, value in wanted.items():
        try:
            manager.create_secret(Name=name, SecretString=json.dumps(value))
        except manager.exceptions.ResourceExistsException:
            pass


def fill(sqs, queue):
    if "filled" in sqs.list_queue_tags(QueueUrl=queue).get("Tags", {}):
        return
    lines = LOGINS.read_text().splitlines()
    for start in range(0, len(lines), 10):
        entries = [{"Id": str(i), "MessageBody": line} for i, line in enumerate(lines[start : start + 10])]
        answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
        if answer.get("Failed"):
            raise SystemExit("SQS refused messages: " + answer["Failed"][0]["Code"])
    sqs.tag_queue(QueueUrl=queue, Tags={"filled": "true"})  # the healthcheck waits for it


make_secrets(client("secretsmanager"))
sqs = client("sqs")
fill(sqs, make_queues(sqs))
