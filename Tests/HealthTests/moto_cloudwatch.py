"""moto's CloudWatch on a free port of 127.0.0.1, with its signature checks on.

Prints its URL, and the id and secret of a user who may do everything.
"""

import json
import logging
import threading
import urllib.request

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server(
    "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
url = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x",
                   aws_secret_access_key="y")
iam.create_user(UserName="u")
pair = iam.create_access_key(UserName="u")["AccessKey"]
iam.put_user_policy(UserName="u", PolicyName="all", PolicyDocument=json.dumps(
    {"Version": "2012-10-17",
     "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
# From here on every signature is worked out again; the form's own type would be refused.
urllib.request.urlopen(urllib.request.Request(
    url + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}))
print(url, pair["AccessKeyId"], pair["SecretAccessKey"], flush=True)
threading.Event().wait()
