"""Gives LocalStack's CloudFormation what 4.14.0 lacks: custom resources, which it deploys by doing nothing, and updates of an alias.

LocalStack runs it in its own process at its start (/etc/localstack/init/start.d). The protocol of custom resources is CloudFormation's: the
function gets an event with a presigned address, and puts its response there.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import time
import uuid

from localstack.services.cloudformation.resource_provider import OperationStatus, ProgressEvent, ResourceProvider, ResourceProviderExecutor

BUCKET = "custom-resource-responses"
ENDPOINT = "http://localstack:4566"  # as functions reach it


class CustomResource(ResourceProvider):
    TYPE = "AWS::CloudFormation::CustomResource"
    SCHEMA = {"primaryIdentifier": ["/properties/PhysicalResourceId"]}

    def create(self, request):
        return self.call("Create", request)

    def update(self, request):
        return self.call("Update", request)

    def delete(self, request):
        return self.call("Delete", request)

    def call(self, kind, request):
        model = {k: v for k, v in (request.desired_state or {}).items() if k != "PhysicalResourceId"}
        before = dict(request.previous_state or {})
        s3, key = request.aws_client_factory.s3, str(uuid.uuid4())
        s3.create_bucket(Bucket=BUCKET)
        event = {
            "RequestType": kind,
            "RequestId": key,
            "ResponseURL": self.address(s3, key),
            "ResourceType": request.resource_type,
            "LogicalResourceId": request.logical_resource_id,
            "StackId": request.stack_id,
            "ResourceProperties": model,
        }
        if kind != "Create":
            event["PhysicalResourceId"] = before.pop("PhysicalResourceId", request.desired_state.get("PhysicalResourceId"))
            event["OldResourceProperties"] = before
        request.aws_client_factory.lambda_.invoke(FunctionName=model["ServiceToken"], InvocationType="Event", Payload=json.dumps(event))
        answer = self.wait(s3, key, float(model.get("ServiceTimeout", 3600)))
        if answer["Status"] != "SUCCESS":
            return ProgressEvent(OperationStatus.FAILED, resource_model=request.previous_state or model, message=answer.get("Reason", ""))
        attributes = answer.get("Data") or {}  # for GetAtt
        return ProgressEvent(OperationStatus.SUCCESS, resource_model=model | attributes | {"PhysicalResourceId": answer["PhysicalResourceId"]})

    def address(self, s3, key):
        url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": key})
        return f"{ENDPOINT}/{BUCKET}/{key}?" + url.partition("?")[2]

    def wait(self, s3, key, limit):
        end = time.monotonic() + limit
        while time.monotonic() < end:
            try:
                return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
            except s3.exceptions.NoSuchKey:
                time.sleep(0.2)
        return {"Status": "FAILED", "Reason": "CloudFormation did not receive a response from your Custom Resource"}


def make_alias(request):
    """LocalStack replaces an alias to update it, and refuses the new one because the old one has its name."""
    model, client = request.desired_state, request.aws_client_factory.lambda_
    alias = {k: model[k] for k in ("FunctionName", "Name", "FunctionVersion")}
    try:
        answer = client.create_alias(**alias)
    except client.exceptions.ResourceConflictException:
        answer = client.update_alias(**alias)
    return ProgressEvent(OperationStatus.SUCCESS, resource_model=model | {"Id": answer["AliasArn"]})


def load(resource_type, known=ResourceProviderExecutor.try_load_resource_provider):
    if resource_type and resource_type.startswith("Custom::"):
        return CustomResource()
    provider = known(resource_type)
    if resource_type == "AWS::Lambda::Alias":
        provider.create = make_alias
    return provider


ResourceProviderExecutor.try_load_resource_provider = staticmethod(load)
