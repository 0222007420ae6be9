"""Prints SERVICE CODE for each error that botocore's service models document for what is called here."""

import re

import botocore.session

CALLS = {
    "kinesis": ["PutRecords", "DescribeStreamSummary", "ListShards", "CreateStream"],
    "cloudwatch": ["PutMetricData"],
    "sts": ["AssumeRole", "AssumeRoleWithWebIdentity"],
    "kms": ["GenerateDataKey", "Decrypt", "Encrypt"],
    "sso": ["GetRoleCredentials"],
    "s3": [
        "PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload",
        "AbortMultipartUpload", "ListMultipartUploads", "HeadObject", "GetObject", "HeadBucket",
        "ListObjectsV2",
    ],
}

session = botocore.session.get_session()
for service, operations in CALLS.items():
    model = session.get_service_model(service)
    codes = {shape.error_code for name in operations for shape in model.operation_model(name).error_shapes}
    if service == "s3":
        # The model names few; the documentation of its error element lists them all.
        text = re.sub(r"<[^>]+>", " ", model.shape_for("Error").members["Code"].documentation)
        codes |= set(re.findall(r"Code:\s+([A-Za-z.]{3,})", text))
    for code in sorted(codes):
        print(service, code)
