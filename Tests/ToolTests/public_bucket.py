"""A bucket that anyone may read, over plain HTTP on a free port of 127.0.0.1; prints its URL.

usage: public_bucket.py DIRECTORY

GET /bucket?list-type=2 lists the files of DIRECTORY, three to a page; GET /bucket/KEY gives parts of
them by Range and If-Match. What is in the prefix misbehaves: `denied/` may not be listed, `loop/` has
pages that lead back to themselves, `words/` answers a listing with HTML, `shrunk/` gives less than the
listing says, `changed/` has another ETag by the time it is read, `whole/` ignores Range, `slow/` takes
a second a page, `together/` waits up to half a second for another request before it gives an object, and
writes the most that it had at once into DIRECTORY/most-at-once. A request that carries a signature is refused: nobody has to show who he is.
"""

import hashlib
import http.server
import pathlib
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(sys.argv[1])
crowd = threading.Condition()
now, most = 0, 0


def meet():
    """Waits a moment for another request to come."""
    global now, most
    with crowd:
        now += 1
        if now > most:
            most = now
            (ROOT / "most-at-once").write_text(str(most))
        crowd.notify_all()
        crowd.wait_for(lambda: now > 1, timeout=0.5)
        now -= 1


class Bucket(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        self.answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        key = urllib.parse.unquote(url.path).removeprefix("/bucket").removeprefix("/")
        if self.headers.get("Authorization"):
            return self.refuse(400, "AuthorizationQueryParametersError")
        if "list-type" in query:
            return self.listing(query)
        path = ROOT / key
        if not path.is_file():
            return self.refuse(404, "NoSuchKey")
        return self.content(key, path.read_bytes())

    do_HEAD = do_GET

    @staticmethod
    def etag(key, data):
        return f'"{hashlib.md5(data).hexdigest()}"'

    def listing(self, query):
        prefix, token = query.get("prefix", ""), int(query.get("continuation-token", "0"))
        if prefix.startswith("denied"):
            return self.refuse(403, "AccessDenied")
        if prefix.startswith("words"):
            return self.answer(200, b"<html>Welcome</html>")
        if prefix.startswith("slow"):
            time.sleep(1)
        keys = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file())
        keys = [key for key in keys if key.startswith(prefix)]
        page, rest = keys[token:token + 3], keys[token + 3:]
        body = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        body += "<EncodingType>url</EncodingType>"
        for key in page:
            data = (ROOT / key).read_bytes()
            length = len(data) + (100 if prefix.startswith("shrunk") else 0)
            tag = '"old"' if prefix.startswith("changed") else self.etag(key, data)
            body += (f"<Contents><Key>{urllib.parse.quote(key)}</Key><Size>{length}</Size>"
                     f"<ETag>{tag.replace(chr(34), '&quot;')}</ETag>"
                     "<LastModified>2024-01-01T00:00:00.000Z</LastModified></Contents>")
        loops = prefix.startswith("loop")
        if rest or loops:
            body += f"<IsTruncated>true</IsTruncated><NextContinuationToken>{0 if loops else token + 3}</NextContinuationToken>"
        self.answer(200, (body + "</ListBucketResult>").encode(), [("Content-Type", "application/xml")])

    def content(self, key, data):
        if key.startswith("together"):
            meet()
        tag = self.etag(key, data)
        wanted = self.headers.get("If-Match")
        if wanted and wanted != tag:
            return self.refuse(412, "PreconditionFailed")
        ranged = self.headers.get("Range")
        if not ranged or key.startswith("whole"):
            return self.answer(200, data, [("ETag", tag)])
        first, last = (int(word) for word in ranged.removeprefix("bytes=").split("-"))
        if first >= len(data):
            return self.refuse(416, "InvalidRange")
        part = data[first:last + 1]
        self.answer(206, part, [("ETag", tag), (
            "Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(data)}")])


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
server.daemon_threads = True
print(f"http://127.0.0.1:{server.server_port}/bucket", flush=True)
server.serve_forever()
