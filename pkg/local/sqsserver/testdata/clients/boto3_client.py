"""A queue's life by boto3. It checks no MD5s, so this does, those of message attributes by AWS's description.

Endpoint, region and credentials come from the usual variables (AWS_ENDPOINT_URL, ...). Before botocore 1.31.81 this speaks
the query protocol, since then JSON.
"""

import hashlib
import json
import time

import boto3
import botocore
from botocore.exceptions import ClientError

sqs = boto3.client("sqs")


def refused(code, call, **parameters):
    try:
        call(**parameters)
    except ClientError as e:
        got = e.response["Error"]
        # The same code in both protocols: botocore reads x-amzn-query-error where the answer is JSON.
        assert got["Code"] == code, got
        assert got["Message"] and got.get("Type", "Sender") == "Sender", got
    else:
        raise AssertionError(f"{code} expected")


def receive(url, **more):
    return sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], MessageAttributeNames=["All"], **more
    ).get("Messages", [])


def standard_queue():
    url = sqs.create_queue(QueueName="q", Attributes={"DelaySeconds": "0", "VisibilityTimeout": "40"}, tags={"team": "a & b"})["QueueUrl"]
    assert sqs.get_queue_url(QueueName="q")["QueueUrl"] == url
    assert url in sqs.list_queues(QueueNamePrefix="q")["QueueUrls"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "a & b"}
    sqs.tag_queue(QueueUrl=url, Tags={"k": "", "l": "m"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["team", "l"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"k": ""}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "45", "ReceiveMessageWaitTimeSeconds": "1"})
    got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout", "QueueArn"])["Attributes"]
    assert got == {"VisibilityTimeout": "45", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:q"}, got
    sqs.add_permission(QueueUrl=url, Label="l", AWSAccountIds=["111111111111"], Actions=["SendMessage", "ReceiveMessage"])
    assert "SQS:ReceiveMessage" in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["Policy"]
    sqs.remove_permission(QueueUrl=url, Label="l")
    return url


def md5(attributes):
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html"""
    digest = hashlib.md5()
    for name, value in sorted(attributes.items()):
        binary = "BinaryValue" in value
        for part in name, value["DataType"], None, value["BinaryValue"] if binary else value["StringValue"]:
            if part is None:
                digest.update(b"\2" if binary else b"\1")
                continue
            part = part if isinstance(part, bytes) else part.encode()
            digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()


def messages(url):
    body = "<é & \"quotes\">\r\n\t\U0001f600 '+%=;"
    attributes = {
        "text": {"DataType": "String", "StringValue": " <é>\n"},
        "count": {"DataType": "Number.int", "StringValue": "-5"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes, MessageSystemAttributes=trace)
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    assert sent["MD5OfMessageAttributes"] == md5(attributes)
    assert sent["MD5OfMessageSystemAttributes"] == md5(trace)
    entries = [{"Id": f"e{i}", "MessageBody": body, "MessageAttributes": attributes} for i in range(9)]
    entries.append({"Id": "bad", "MessageBody": body, "DelaySeconds": 901})
    out = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert [e["Id"] for e in out["Successful"]] == [f"e{i}" for i in range(9)], out
    assert out["Failed"][0]["Id"] == "bad" and out["Failed"][0]["SenderFault"] is True, out

    got = receive(url, WaitTimeSeconds=1)
    assert len(got) == 10 and all(m["Body"] == body and m["MessageAttributes"] == attributes for m in got), got
    assert all(m["MD5OfBody"] == sent["MD5OfMessageBody"] and m["MD5OfMessageAttributes"] == md5(attributes) for m in got), got
    first = next(m for m in got if m["MessageId"] == sent["MessageId"])
    assert first["Attributes"]["ApproximateReceiveCount"] == "1" and first["Attributes"]["AWSTraceHeader"].startswith("Root="), first
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    out = sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{"Id": "a", "ReceiptHandle": got[1]["ReceiptHandle"], "VisibilityTimeout": 600}]
    )
    assert out["Successful"] == [{"Id": "a"}], out
    again = receive(url)
    assert [m["MessageId"] for m in again] == [first["MessageId"]], again
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again[0]["ReceiptHandle"])
    rest = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got[1:])]
    assert len(sqs.delete_message_batch(QueueUrl=url, Entries=rest)["Successful"]) == 9
    before = time.monotonic()
    assert receive(url) == [] and time.monotonic() - before > 0.9  # the queue's own long poll


def fifo_queue():
    url = sqs.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for body in "ab":
        sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)
        assert sent["SequenceNumber"]
    sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g", MessageDeduplicationId="a")
    got = receive(url, ReceiveRequestAttemptId="1")
    assert [m["Body"] for m in got] == ["a", "b"] and got[0]["Attributes"]["MessageGroupId"] == "g", got
    assert receive(url, ReceiveRequestAttemptId="1") == got  # the same attempt, the same answer
    assert receive(url, ReceiveRequestAttemptId="2") == []
    sqs.delete_queue(QueueUrl=url)


def redrive(url):
    dlq = sqs.create_queue(QueueName="dlq")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dlq, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy, "ReceiveMessageWaitTimeSeconds": "0"})
    assert sqs.list_dead_letter_source_queues(QueueUrl=dlq)["queueUrls"] == [url]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    assert len(receive(url, VisibilityTimeout=0)) == 1 and receive(url) == []
    task = sqs.start_message_move_task(SourceArn=arn)["TaskHandle"]
    assert len(receive(url, WaitTimeSeconds=5)) == 1
    moves = sqs.list_message_move_tasks(SourceArn=arn)["Results"]
    assert moves[0]["Status"] in ("RUNNING", "COMPLETED") and moves[0]["StartedTimestamp"] > 0, moves
    refused("ResourceNotFoundException", sqs.cancel_message_move_task, TaskHandle=task)


def errors(url):
    refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="none")
    refused("QueueAlreadyExists", sqs.create_queue, QueueName="q", Attributes={"VisibilityTimeout": "1"})
    refused("ReceiptHandleIsInvalid", sqs.delete_message, QueueUrl=url, ReceiptHandle="<none>")
    refused("InvalidParameterValue", sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11)
    refused("InvalidAttributeValue", sqs.set_queue_attributes, QueueUrl=url, Attributes={"DelaySeconds": "x"})
    refused("AWS.SimpleQueueService.EmptyBatchRequest", sqs.send_message_batch, QueueUrl=url, Entries=[])
    sqs.purge_queue(QueueUrl=url)
    refused("AWS.SimpleQueueService.PurgeQueueInProgress", sqs.purge_queue, QueueUrl=url)
    try:
        sqs.get_queue_url(QueueName="none")
    except sqs.exceptions.QueueDoesNotExist:
        pass


url = standard_queue()
messages(url)
fifo_queue()
redrive(url)
errors(url)
sqs.delete_queue(QueueUrl=url)
print("boto3", boto3.__version__, "botocore", botocore.__version__, sqs.meta.service_model.protocol)
