"""boto3's upload_fileobj of standard input, as it comes: URL."""

import sys

import boto3
from botocore.config import Config

client = boto3.client("s3", endpoint_url=sys.argv[1],
                      config=Config(s3={"addressing_style": "path"}))
client.upload_fileobj(sys.stdin.buffer, "bucket", "key")
