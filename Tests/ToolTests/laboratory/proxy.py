"""A proxy that spoils what passes, on command: between the stages, the venue and AWS.

One thread, one event loop. `Proxy.http` takes whole HTTP requests, so that it can answer in the
server's place, drop a reply after the server acted, or fail some entries of a PutRecords call.
`Proxy.stream` passes bytes on: cut, slow.
"""

import asyncio
import collections
import json
import random
import threading
import time

XML = "<?xml version=\"1.0\"?><Error><Code>{0}</Code><Message>{0}</Message><RequestId>1</RequestId></Error>"


class Fault:
    """What happens to a share of the requests until a time."""

    def __init__(self, kind, share, until):
        self.kind, self.share, self.until = kind, share, until


class Upstream:
    """One way through the proxy: `name` is s3, kinesis, rest or stream."""

    def __init__(self, name, seed):
        self.name, self.chance = name, random.Random(f"{seed} {name}")
        self.fault = None

    def draw(self):
        fault = self.fault
        if fault and time.monotonic() < fault.until and self.chance.random() < fault.share:
            return fault.kind
        return None


class Cut(Exception):
    """The connection is to end here."""


class Proxy:
    def __init__(self, seed):
        self.upstreams = {name: Upstream(name, seed) for name in ("s3", "kinesis", "rest", "stream")}
        self.hits = collections.Counter()
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def listen(self, serve):
        """Starts a server of 127.0.0.1; its port."""

        async def start():
            server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 24)
            return server.sockets[0].getsockname()[1]

        return asyncio.run_coroutine_threadsafe(start(), self.loop).result(10)

    def http(self, port, of):
        """A way to the HTTP server at `port`; `of` names the upstream of a request's headers."""

        async def serve(reader, writer):
            upstream = None
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    lines = head.decode("latin-1").split("\r\n")
                    headers = {name.lower(): value.strip() for name, _, value in
                               (line.partition(":") for line in lines[1:] if line)}
                    if headers.get("expect"):
                        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    body = await self.body(reader, headers)
                    way = self.upstreams[of(headers)]
                    if upstream is None:
                        upstream = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
                    await self.exchange(way, lines[0].split(" ")[0], headers, head, body, upstream, writer)
            except (asyncio.IncompleteReadError, ConnectionError, Cut, OSError):
                writer.transport.abort()
            finally:
                for each in (upstream and upstream[1], writer):
                    if each:
                        each.close()

        return self.listen(serve)

    async def body(self, reader, headers):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            text = b""
            while True:
                line = await reader.readuntil(b"\r\n")
                chunk = await reader.readexactly(int(line.split(b";")[0], 16) + 2)
                text += line + chunk
                if len(chunk) == 2:
                    return text
        return await reader.readexactly(int(headers.get("content-length", 0)))

    async def forward(self, method, head, body, upstream):
        """The server's whole reply."""
        reader, writer = upstream
        writer.write(head + body)
        await writer.drain()
        while True:
            answer = await reader.readuntil(b"\r\n\r\n")
            status = int(answer.split(b" ", 2)[1])
            if status >= 200:
                break
        if method == "HEAD" or status in (204, 304):
            return answer, b""
        headers = {name.lower(): value.strip() for name, _, value in
                   (line.partition(":") for line in answer.decode("latin-1").split("\r\n")[1:] if line)}
        if "content-length" not in headers and headers.get("transfer-encoding", "").lower() != "chunked":
            return answer, await reader.read()
        return answer, await self.body(reader, headers)

    async def exchange(self, way, method, headers, head, body, upstream, writer):
        kind = way.draw()
        # Only what has a checksum can be told from another: an object's, or that of a signature.
        is_put_records = headers.get("x-amz-target", "").endswith(".PutRecords")
        if kind == "wrong bytes" and not is_put_records and not (method == "PUT" and body and any(
                name.startswith("x-amz-checksum") or name == "content-md5" for name in headers)):
            kind = None
        if kind == "partial failure" and not is_put_records:
            kind = None
        if kind:
            self.hits[f"{way.name}: {kind}"] += 1
        if kind == "down":
            raise Cut
        if kind in ("cut", "error", "throttle", "ban", "page"):
            # A part of a request reaches nobody; an answer comes in the server's place.
            if kind == "cut":
                raise Cut
            self.answer(way, kind, writer)
            return
        if kind == "slow":
            await asyncio.sleep(way.chance.uniform(0.2, 2.0))
        if kind == "partial failure":
            answer, text = await self.partly(way, headers, head, body, upstream)
        elif kind == "wrong bytes":
            place = way.chance.randrange(len(body))
            answer, text = await self.forward(
                method, head, body[:place] + bytes([body[place] ^ 0x20]) + body[place + 1:], upstream)
        else:
            answer, text = await self.forward(method, head, body, upstream)
        if kind == "lost reply":
            raise Cut
        if kind == "cut reply":
            writer.write(answer + text[:len(text) // 2])
            await writer.drain()
            raise Cut
        if kind == "garbage":
            writer.write(bytes(way.chance.randrange(256) for _ in range(200)))
            await writer.drain()
            raise Cut
        if kind == "slow":
            # In pieces, as over a bad line.
            whole = answer + text
            for place in range(0, min(len(whole), 4000), 500):
                writer.write(whole[place:place + 500])
                await writer.drain()
                await asyncio.sleep(0.02)
            writer.write(whole[4000:])
        else:
            writer.write(answer + text)
        await writer.drain()

    def answer(self, way, kind, writer):
        """An error in the server's place."""
        more = ""
        if way.name == "rest":
            status, text = {"throttle": (429, '{"code":-1003,"msg":"Too much request weight used."}'),
                            "ban": (418, '{"code":-1003,"msg":"Way too much request weight used."}'),
                            "error": (500, '{"code":-1000,"msg":"An unknown error occurred."}'),
                            "page": (503, "<html><body>Service Unavailable</body></html>")}[kind]
            more = f"Retry-After: {1 if kind == 'throttle' else 2}\r\n" if status in (429, 418) else ""
        elif way.name == "kinesis":
            status, name = {"throttle": (400, "ProvisionedThroughputExceededException"),
                            "error": (500, "InternalFailure")}[kind]
            text = json.dumps({"__type": name, "message": "asked for by the laboratory"})
        else:
            status, text = {"throttle": (503, XML.format("SlowDown")),
                            "error": (500, XML.format("InternalError"))}[kind]
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\n{more}"
                     f"Content-Length: {len(text)}\r\n\r\n{text}".encode())

    async def partly(self, way, headers, head, body, upstream):
        """Some entries of a PutRecords call reach the server; the others fail as shards refuse them."""
        request = json.loads(body)
        refused = [way.chance.random() < 0.5 for _ in request["Records"]]
        if not any(refused):
            refused[way.chance.randrange(len(refused))] = True
        passed = [entry for entry, no in zip(request["Records"], refused) if not no]
        stored = []
        if passed:
            # The server takes signatures of what it gets: each entry of such a call goes through another
            # door, which the laboratory signs for itself.
            stored = await asyncio.to_thread(self.put_records, {**request, "Records": passed})
        stored = iter(stored)
        answers = [{"ErrorCode": way.chance.choice(["ProvisionedThroughputExceededException", "InternalFailure"]),
                    "ErrorMessage": "asked for by the laboratory"} if no else next(stored) for no in refused]
        failed = sum("ErrorCode" in answer for answer in answers)
        text = json.dumps({"FailedRecordCount": failed, "Records": answers}).encode()
        return (b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n"
                % len(text)), text

    def put_records(self, request):
        """Set by the laboratory: stores entries with a signature of its own."""
        raise NotImplementedError

    def stream(self, port):
        """A way to the TCP server at `port`."""

        async def serve(reader, writer):
            upstream = None
            try:
                if self.upstreams["stream"].draw() in ("down", "refused"):
                    self.hits["stream: refused"] += 1
                    raise Cut
                upstream = await asyncio.open_connection("127.0.0.1", port)
                self.writers.add(writer)
                await asyncio.gather(self.pump(reader, upstream[1]), self.pump(upstream[0], writer, True))
            except (ConnectionError, Cut, OSError):
                writer.transport.abort()
            finally:
                self.writers.discard(writer)
                for each in (upstream and upstream[1], writer):
                    if each:
                        each.close()

        return self.listen(serve)

    async def pump(self, reader, writer, may_be_slow=False):
        way = self.upstreams["stream"]
        while data := await reader.read(65536):
            if may_be_slow and way.draw() == "slow":
                self.hits["stream: slow"] += 1
                await asyncio.sleep(0.05)
            writer.write(data)
            await writer.drain()
        raise Cut

    def cut_streams(self):
        """Ends all connections of streams with a reset."""

        def cut():
            for writer in list(self.writers):
                self.hits["stream: cut by the proxy"] += 1
                writer.transport.abort()

        self.loop.call_soon_threadsafe(cut)
