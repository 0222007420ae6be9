"""moto with Kinesis and S3 on a free port of 127.0.0.1, without signature checks: a local AWS for whole
pipelines. Prints its URL once the buckets that are named exist: local_aws.py BUCKET...
"""

import logging
import sys
import threading

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
url = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x",
                  aws_secret_access_key="y")
for bucket in sys.argv[1:]:
    s3.create_bucket(Bucket=bucket)
print(url, flush=True)
threading.Event().wait()
