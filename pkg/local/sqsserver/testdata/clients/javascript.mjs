// A queue's life by the AWS SDK for JavaScript v3, which checks the MD5s of bodies itself. Endpoint, region and credentials
// come from the usual variables (AWS_ENDPOINT_URL, ...), the modules from NODE_PATH.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url); // unlike import, it heeds NODE_PATH
const { SQS } = require("@aws-sdk/client-sqs");
const sqs = new SQS({ maxAttempts: 1 });

const refused = (name, call) => assert.rejects(call, (e) => e.name === name || assert.fail(`${name} expected, got ${e.name}: ${e.message}`));
const receive = async (QueueUrl, more) => {
  const everything = { MaxNumberOfMessages: 10, MessageSystemAttributeNames: ["All"], MessageAttributeNames: ["All"] };
  return (await sqs.receiveMessage({ QueueUrl, ...everything, ...more })).Messages ?? [];
};

const { QueueUrl } = await sqs.createQueue({ QueueName: "q", Attributes: { VisibilityTimeout: "40" }, tags: { team: "a" } });
assert.equal((await sqs.getQueueUrl({ QueueName: "q" })).QueueUrl, QueueUrl);
await sqs.setQueueAttributes({ QueueUrl, Attributes: { VisibilityTimeout: "45" } });
assert.equal((await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["All"] })).Attributes.VisibilityTimeout, "45");
assert.deepEqual((await sqs.listQueueTags({ QueueUrl })).Tags, { team: "a" });

const MessageBody = '<é & "quotes">\r\n😀';
const MessageAttributes = {
  text: { DataType: "String", StringValue: " é" },
  count: { DataType: "Number", StringValue: "5" },
  bytes: { DataType: "Binary", BinaryValue: new Uint8Array([0, 255]) },
};
const sent = await sqs.sendMessageBatch({
  QueueUrl,
  Entries: [
    { Id: "a", MessageBody, MessageAttributes },
    { Id: "b", MessageBody, MessageAttributes },
    { Id: "bad", MessageBody, DelaySeconds: 901 },
  ],
});
assert.deepEqual([sent.Successful.map((e) => e.Id), sent.Failed.map((e) => e.Id)], [["a", "b"], ["bad"]]);
const got = await receive(QueueUrl, { WaitTimeSeconds: 1 });
assert.equal(got.length, 2);
for (const m of got) {
  assert.equal(m.Body, MessageBody);
  assert.equal(m.Attributes.ApproximateReceiveCount, "1");
  assert.equal(m.MD5OfMessageAttributes, sent.Successful[0].MD5OfMessageAttributes);
  assert.deepEqual(Object.keys(m.MessageAttributes).sort(), ["bytes", "count", "text"]);
  assert.deepEqual([...m.MessageAttributes.bytes.BinaryValue], [0, 255]);
}
await sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle: got[0].ReceiptHandle, VisibilityTimeout: 0 });
const again = await receive(QueueUrl);
assert.deepEqual(again.map((m) => m.MessageId), [got[0].MessageId]);
const Entries = [again[0], got[1]].map((m, i) => ({ Id: `${i}`, ReceiptHandle: m.ReceiptHandle }));
assert.equal((await sqs.deleteMessageBatch({ QueueUrl, Entries })).Successful.length, 2);

const fifo = (await sqs.createQueue({ QueueName: "f.fifo", Attributes: { FifoQueue: "true" } })).QueueUrl;
for (const body of ["a", "b", "a"]) {
  await sqs.sendMessage({ QueueUrl: fifo, MessageBody: body, MessageGroupId: "g", MessageDeduplicationId: body });
}
assert.deepEqual((await receive(fifo)).map((m) => m.Body), ["a", "b"]);

const dlq = (await sqs.createQueue({ QueueName: "dlq" })).QueueUrl;
const { QueueArn } = (await sqs.getQueueAttributes({ QueueUrl: dlq, AttributeNames: ["QueueArn"] })).Attributes;
const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: QueueArn, maxReceiveCount: 1 });
await sqs.setQueueAttributes({ QueueUrl, Attributes: { RedrivePolicy } });
assert.deepEqual((await sqs.listDeadLetterSourceQueues({ QueueUrl: dlq })).queueUrls, [QueueUrl]);
await sqs.sendMessage({ QueueUrl, MessageBody: "x" });
await receive(QueueUrl, { VisibilityTimeout: 0 });
assert.deepEqual(await receive(QueueUrl), []);
await sqs.startMessageMoveTask({ SourceArn: QueueArn });
assert.equal((await receive(QueueUrl, { WaitTimeSeconds: 5 })).length, 1);

await refused("QueueDoesNotExist", sqs.getQueueUrl({ QueueName: "none" }));
await refused("ReceiptHandleIsInvalid", sqs.deleteMessage({ QueueUrl, ReceiptHandle: "none" }));
await refused("EmptyBatchRequest", sqs.sendMessageBatch({ QueueUrl, Entries: [] }));
await sqs.purgeQueue({ QueueUrl });
await refused("PurgeQueueInProgress", sqs.purgeQueue({ QueueUrl }));
await sqs.deleteQueue({ QueueUrl });
console.log("@aws-sdk/client-sqs", require("@aws-sdk/client-sqs/package.json").version, "node", process.version);
