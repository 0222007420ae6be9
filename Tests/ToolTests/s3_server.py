"""An S3 on a free port of 127.0.0.1 that checks every signature with botocore; prints its URL.

moto stores the objects. Its own check decodes the path first and so refuses keys with `=`, also
boto3's own (moto 5.2.1); so the signature is worked out again here, by the reference
implementation, from what came over the wire. POST /fail?count=N&status=503 makes requests fail.
"""

import logging
import sys
import threading
from urllib.parse import parse_qs

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
failures = {"count": 0, "status": "503 Slow Down"}


def signature(environ):
    """What botocore signs for the request, and what the request says."""
    header = environ["HTTP_AUTHORIZATION"]
    parts = dict(part.strip().split("=", 1) for part in header.split(" ", 1)[1].split(","))
    names = parts["SignedHeaders"].split(";")
    url = f"http://{environ['HTTP_HOST']}{environ['RAW_URI']}"
    request = AWSRequest(method=environ["REQUEST_METHOD"], url=url)
    for name in names:
        field = name.upper().replace("-", "_")
        value = environ.get("HTTP_" + field) or environ.get(field, "")
        request.headers[name] = value
    scope = parts["Credential"].split("/")
    auth = S3SigV4Auth(Credentials(KEY, SECRET), "s3", scope[2])
    request.context["timestamp"] = environ["HTTP_X_AMZ_DATE"]
    prepared = S3SigV4Auth.headers_to_sign
    auth.headers_to_sign = lambda request: _only(names, prepared(auth, request))
    text = auth.string_to_sign(request, auth.canonical_request(request))
    known = scope[0] == KEY
    return known and auth.signature(text, request), parts["Signature"]


def _only(names, headers):
    for name in list(headers.keys()):
        if name.lower() not in names:
            del headers[name]
    return headers


def refuse(start, status, code):
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def application(moto):
    def answer(environ, start):
        if environ["PATH_INFO"] == "/fail":
            query = parse_qs(environ["QUERY_STRING"])
            failures["count"] = int(query["count"][0])
            start("200 OK", [("Content-Length", "0")])
            return [b""]
        # A bucket that anyone may read: who sends no signature may look, and only that.
        if "--anyone-reads" in sys.argv and "HTTP_AUTHORIZATION" not in environ:
            if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
                # moto looks at each object's own ACL where there is no signature.
                environ["HTTP_AUTHORIZATION"] = (
                    f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/s3/aws4_request, "
                    "SignedHeaders=host, Signature=0")
                return moto(environ, start)
        if "HTTP_AUTHORIZATION" not in environ:
            return refuse(start, "403 Forbidden", "AccessDenied")
        expected, found = signature(environ)
        if expected != found:
            return refuse(start, "403 Forbidden", "SignatureDoesNotMatch")
        if failures["count"] > 0:
            failures["count"] -= 1
            return refuse(start, failures["status"], "SlowDown")
        return moto(environ, start)

    return answer


logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server(
    "127.0.0.1", 0, application(DomainDispatcherApplication(create_backend_app)), threaded=True)
url = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
boto3.client("s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=KEY,
             aws_secret_access_key=SECRET).create_bucket(Bucket="bronze")
print(url, flush=True)
threading.Event().wait()
