"""Lets the cases of the Autobahn test suite judge `ws-echo`.

usage: autobahn_judge.py SDIST WS_ECHO [PREFIX …]

SDIST is the suite as PyPI has it. Its own server needs Python 2 and a Twisted of that time; the
cases are plain classes over a protocol object with a dozen methods, so they are translated with
lib2to3 and run over the protocol below. Python 2's byte strings become text of Latin-1. PREFIX
picks cases ("6." or "9.1.1"); compression (12, 13) is never run, since ws-echo offers none.

Prints a line for each case that is not OK, and a summary. Exit status 1 when one failed.
"""

import asyncio
import base64
import codecs
import hashlib
import io
import os
import struct
import sys
import tarfile
import tempfile
import types

CONTROL_SECONDS = 1.0


class WebSocketProtocol:
    """What the cases use of Autobahn's protocol class."""

    STATE_CLOSED, STATE_CONNECTING, STATE_CLOSING, STATE_OPEN = range(4)
    MESSAGE_TYPE_TEXT, MESSAGE_TYPE_BINARY = 1, 2
    CLOSE_STATUS_CODE_NORMAL = 1000
    CLOSE_STATUS_CODE_PROTOCOL_ERROR = 1002
    CLOSE_STATUS_CODE_INVALID_PAYLOAD = 1007

    def __init__(self, loop, transport):
        self.loop, self.transport = loop, transport
        self.state = self.STATE_OPEN
        self.connectionWasOpen = True
        self.closedByMe = self.failedByMe = self.droppedByMe = self.wasClean = False
        self.localCloseCode = self.localCloseReason = None
        self.remoteCloseCode = self.remoteCloseReason = None
        self.autoFragmentSize = 0
        self.createWirelog = True
        self.trafficStats = None
        self.txFrameStats = {}
        self.factory = types.SimpleNamespace(isServer=True)
        self.timers = []

    def enableWirelog(self, _):
        pass

    # Sending

    def sendFrame(self, opcode, payload="", fin=True, rsv=0, mask=None, payload_len=None,
                  chopsize=None, sync=False):
        data = payload.encode("latin-1")
        if payload_len is not None:
            data = (data * (payload_len // len(data) + 1))[:payload_len]
        self.txFrameStats[opcode] = self.txFrameStats.get(opcode, 0) + 1
        self.send(self.head(opcode, len(data), fin, rsv) + data, chopsize)

    @staticmethod
    def head(opcode, length, fin=True, rsv=0):
        first = (0x80 if fin else 0) | rsv << 4 | opcode
        if length < 126:
            return struct.pack("!BB", first, length)
        if length < 65536:
            return struct.pack("!BBH", first, 126, length)
        return struct.pack("!BBQ", first, 127, length)

    def send(self, data, chopsize=None):
        if self.state == self.STATE_CLOSED:
            return
        if chopsize:
            for start in range(0, len(data), chopsize):
                self.transport.write(data[start:start + chopsize])
        else:
            self.transport.write(data)

    def sendMessage(self, payload, isBinary=False, fragmentSize=None):
        size = fragmentSize or self.autoFragmentSize or len(payload) or 1
        parts = [payload[i:i + size] for i in range(0, len(payload), size)] or [""]
        for i, part in enumerate(parts):
            opcode = 0 if i else (2 if isBinary else 1)
            self.sendFrame(opcode, part, fin=i == len(parts) - 1)

    def beginMessage(self, isBinary=False, opcode=None):
        self.messageOpcode = opcode or (2 if isBinary else 1)

    def beginMessageFrame(self, length):
        self.send(self.head(self.messageOpcode, length, fin=False))
        self.messageOpcode = 0

    def sendMessageFrameData(self, payload, sync=False):
        self.send(payload.encode("latin-1"))

    def endMessage(self):
        self.send(self.head(0, 0))

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        if self.state != self.STATE_OPEN:
            return
        payload = b"" if code is None else struct.pack("!H", code)
        payload += (reasonUtf8 or "").encode("latin-1")
        self.send(self.head(8, len(payload)) + payload)
        self.state = self.STATE_CLOSING
        self.closedByMe = not isReply
        self.localCloseCode, self.localCloseReason = code, reasonUtf8
        self.later(1.0, self.drop)

    def sendClose(self, code=None, reason=None):
        self.sendCloseFrame(code, reason)

    # Time

    def later(self, delay, call):
        self.timers.append(self.loop.call_later(
            delay, lambda: self.state != self.STATE_CLOSED and call()))

    def continueLater(self, delay, call, tag=None):
        self.later(delay, call)

    def closeAfter(self, delay):
        self.later(delay, self.sendClose)

    def killAfter(self, delay):
        def kill():
            self.failedByMe = True
            self.drop()
        self.later(delay, kill)

    def drop(self):
        self.droppedByMe = True
        self.transport.close()

    # Receiving

    async def receive(self, reader, case):
        message, kind = [], None
        while True:
            first, second = await reader.readexactly(2)
            assert second & 0x80, "a frame of the client's without a mask"
            assert not first & 0x70, "reserved bits"
            length = second & 127
            if length == 126:
                length, = struct.unpack("!H", await reader.readexactly(2))
                assert length > 125
            elif length == 127:
                length, = struct.unpack("!Q", await reader.readexactly(8))
                assert length > 65535
            mask = await reader.readexactly(4)
            payload = await reader.readexactly(length)
            key = (mask * (length // 4 + 1))[:length]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(
                length, "big")
            opcode = first & 15
            if opcode == 8:
                self.onCloseFrame(payload)
                return
            if self.state != self.STATE_OPEN:
                continue
            if opcode == 9:
                self.sendFrame(10, payload.decode("latin-1"))
            elif opcode == 10:
                case.onPong(payload.decode("latin-1"))
            else:
                assert (opcode == 0) == (kind is not None), "fragments out of order"
                kind = kind or opcode
                message.append(payload)
                if first & 0x80:
                    whole = b"".join(message)
                    if kind == 1:
                        whole.decode("utf-8")
                    case.onMessage(whole.decode("latin-1"), kind == 2)
                    message, kind = [], None

    def onCloseFrame(self, payload):
        assert len(payload) != 1
        if payload:
            self.remoteCloseCode, = struct.unpack("!H", payload[:2])
            self.remoteCloseReason = payload[2:].decode("utf-8")
        self.wasClean = True
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(self.remoteCloseCode, isReply=True)


class Utf8Validator:
    """What the cases use of Autobahn's validator: (valid so far, ends on a code point)."""

    def reset(self):
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    __init__ = reset

    def validate(self, text):
        try:
            self.decoder.decode(text.encode("latin-1"))
        except UnicodeDecodeError:
            return False, False, 0, 0
        return True, not self.decoder.getstate()[0], 0, 0


def load(sdist, place):
    """The case classes, translated."""
    from lib2to3.refactor import RefactoringTool, get_fixers_from_package

    names = ["except", "has_key", "import", "print", "raise", "unicode", "xrange", "range", "dict"]
    fixers = set(get_fixers_from_package("lib2to3.fixes"))
    tool = RefactoringTool([f"lib2to3.fixes.fix_{name}" for name in names
                            if f"lib2to3.fixes.fix_{name}" in fixers])
    folder = os.path.join(place, "case")
    os.mkdir(folder)
    with tarfile.open(sdist) as archive:
        for member in archive.getmembers():
            path = member.name.split("/")
            if path[1:3] != ["autobahntestsuite", "case"] or not path[-1].endswith(".py"):
                continue
            if path[-1].startswith(("case12", "case13", "case9_9")):
                continue
            with open(os.path.join(folder, path[-1]), "wb") as file:
                file.write(archive.extractfile(member).read())
    with open(os.path.join(folder, "__init__.py"), "w"):
        pass
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        # Python 2 takes a byte for a character.
        with open(path, encoding="latin-1") as file:
            text = str(tool.refactor_string(file.read() + "\n", path))
        text = text.replace(".encode(\"utf-8\")", ".encode(\"utf-8\", \"surrogatepass\")"
                            ".decode(\"latin-1\")")
        text = text.replace("(object, Case, )", "(Case, )")
        text = text.replace("import binascii", "binascii = BINASCII")
        text = text.replace(" / self.p.autoFragmentSize", " // self.p.autoFragmentSize")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    import binascii
    import builtins
    builtins.BINASCII = types.SimpleNamespace(
        b2a_hex=lambda text: binascii.b2a_hex(text.encode("latin-1")).decode(),
        a2b_hex=lambda text: binascii.a2b_hex(text).decode("latin-1"))
    for name, members in {
            "autobahn": {}, "autobahn.websocket": {},
            "autobahn.websocket.protocol": {"WebSocketProtocol": WebSocketProtocol},
            "autobahn.websocket.utf8validator": {"Utf8Validator": Utf8Validator}}.items():
        sys.modules[name] = module = types.ModuleType(name)
        vars(module).update(members)
    sys.path.insert(0, place)
    import importlib
    cases = {}
    for name in sorted(os.listdir(folder)):
        module = importlib.import_module("case." + name[:-3])
        found = [value for value in vars(module).values() if isinstance(value, type)]
        for value in vars(module).values():
            if isinstance(value, list):
                found += [one for one in value if isinstance(one, type)]
        for one in found:
            if one.__name__.startswith("Case") and one.__name__ != "Case":
                cases[one.__name__[4:].replace("_", ".")] = one
    from case.case import Case
    # Pickles differ with the identity of equal strings.
    Case.compare = lambda self, one, other: one == other
    return cases


async def main(sdist, program, prefixes):
    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory() as place:
        cases = load(sdist, place)
    if prefixes:
        cases = {key: value for key, value in cases.items() if key.startswith(tuple(prefixes))}
    results = {}

    async def serve(reader, writer):
        request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        target = request.split(" ")[1]
        fields = {line.split(":")[0].lower(): line.split(":", 1)[1].strip()
                  for line in request.split("\r\n")[1:] if line}
        digest = hashlib.sha1((fields["sec-websocket-key"]
                               + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert len(base64.b64decode(fields["sec-websocket-key"])) == 16
        assert fields["sec-websocket-version"] == "13" and fields["upgrade"] == "websocket"
        writer.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: "
                      + base64.b64encode(digest).decode() + "\r\n\r\n").encode())
        name = target.split("case=")[1]
        protocol = WebSocketProtocol(loop, writer)
        case = cases[name](protocol)
        case.onOpen()
        problem = ""
        try:
            await protocol.receive(reader, case)
            if protocol.closedByMe or protocol.state == protocol.STATE_CLOSING:
                writer.close()  # the server closes first
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except (AssertionError, UnicodeDecodeError) as error:
            problem = f"the client broke RFC 6455: {error!r}"
        protocol.state = protocol.STATE_CLOSED
        for timer in protocol.timers:
            timer.cancel()
        writer.close()
        case.onConnectionLost(protocol.failedByMe)
        behavior, close = case.behavior, case.behaviorClose
        text = f"{case.result} {case.resultClose} (code {protocol.remoteCloseCode})"
        if problem:
            behavior, text = "FAILED", problem
        results[name] = (behavior, close, text)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=32 << 20)
    port = server.sockets[0].getsockname()[1]
    gate = asyncio.Semaphore(12)

    async def run(name):
        async with gate:
            child = await asyncio.create_subprocess_exec(
                program, f"ws://127.0.0.1:{port}/runCase?case={name}",
                stdout=asyncio.subprocess.DEVNULL)
            try:
                status = await asyncio.wait_for(child.wait(), 60)
            except asyncio.TimeoutError:
                child.kill()
                status = await child.wait()
            if status < 0 or name not in results:
                results[name] = ("FAILED", "FAILED", f"ws-echo ended with {status}")

    await asyncio.gather(*(run(name) for name in cases))
    await asyncio.sleep(0.1)
    good = {"OK", "INFORMATIONAL", "NON-STRICT"}
    bad = strict = 0
    for name in sorted(results, key=lambda key: [int(part) for part in key.split(".")]):
        behavior, close, text = results[name]
        strict += behavior == "NON-STRICT"
        if behavior != "OK" or close not in ("OK", "INFORMATIONAL"):
            print(name, behavior, close, text, sep=" | ")
        bad += behavior not in good or close not in good
    print(f"{len(results)} cases, {bad} failed, {strict} not strict")
    return 1 if bad or not results else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:])))
