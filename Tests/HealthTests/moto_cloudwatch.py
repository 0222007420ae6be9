"""moto's CloudWatch on a free port of 127.0.0.1.

Prints its URL, and an id and a secret. Signatures are not checked: moto 5.2.1 as a server works
them out over bodies that it has decompressed.
"""

import gzip
import logging
import threading

import moto.core.responses
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

# It also decompresses bodies in gzip twice, and so refuses those of boto3 too.
moto.core.responses.gzip_decompress = (
    lambda body: gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server(
    "127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", "AKIAEXAMPLE", "secret", flush=True)
threading.Event().wait()
