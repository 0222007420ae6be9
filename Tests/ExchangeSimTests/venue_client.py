"""A client of the simulated venue: WebSocket from the `websockets` package, SBE by hand.

`Client` answers pings and close frames by itself only where it is told to, which a usual client
library would not let us choose.
"""

import json
import socket
import ssl
import struct
import time
import urllib.error
import urllib.request

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

KEY = {"X-MBX-APIKEY": "any"}


def get(url, headers={}):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as reply:
        return json.load(reply)


def post(url):
    urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=10).read()


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status} {body!r}")
        self.status, self.body = status, body


class Cut(Exception):
    """TCP ended without a close frame."""


class Client:
    def __init__(self, base, target="/ws", headers=KEY, ca=None, answers=True, buffer=None):
        uri = parse_uri(base + target)
        self.answers, self.waiting, self.pings, self.frames = answers, [], [], []
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(10)
        self.socket.connect((uri.host, uri.port))
        if uri.secure:
            context = ssl.create_default_context(cafile=ca)
            self.socket = context.wrap_socket(self.socket, server_hostname=uri.host)
        self.protocol = ClientProtocol(uri, max_size=None)
        request = self.protocol.connect()
        # The library would escape the @; the target goes out as the test wrote it.
        request.path = target
        for name, value in headers.items():
            request.headers[name] = value
        self.protocol.send_request(request)
        self._send()
        while True:
            self._read()
            if self.protocol.handshake_exc is not None:
                response = self.protocol.handshake_exc.response
                self.socket.close()
                raise Refused(response.status_code, bytes(response.body or b"").decode())
            if self.protocol.state.name == "OPEN":
                return

    def _send(self):
        for part in self.protocol.data_to_send():
            if part:
                self.socket.sendall(part)

    def _read(self):
        """Feeds the protocol once and keeps the frames that came."""
        try:
            part = self.socket.recv(1 << 16)
        except ConnectionResetError:
            raise Cut("reset")
        if part:
            self.protocol.receive_data(part)
        else:
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Frame):
                self.frames.append(event)
                if event.opcode is Opcode.PING:
                    self.pings.append(bytes(event.data))
        if self.answers:
            self._send()
        else:
            self.protocol.data_to_send()
        if not part and self.protocol.close_rcvd is None and self.protocol.handshake_exc is None:
            raise Cut("end of stream")

    def frame(self, seconds=10):
        """The next frame."""
        end = time.time() + seconds
        while not self.frames:
            left = end - time.time()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            self._read()
        return self.frames.pop(0)

    def message(self, seconds=10):
        """The next message: bytes of a binary one, JSON of a text, a tuple of a close frame."""
        parts, kind, end = [], None, time.time() + seconds
        while True:
            frame = self.frame(end - time.time())
            if frame.opcode is Opcode.CLOSE:
                data = bytes(frame.data)
                return struct.unpack(">H", data[:2])[0], data[2:].decode()
            if frame.opcode in (Opcode.PING, Opcode.PONG):
                continue
            kind = frame.opcode if frame.opcode is not Opcode.CONT else kind
            parts.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(parts)
                return whole if kind is Opcode.BINARY else json.loads(whole)

    def raw(self, seconds=10):
        """The next binary message, texts left out."""
        while True:
            message = self.message(seconds)
            if isinstance(message, bytes):
                return message
            if isinstance(message, tuple):
                raise AssertionError(f"closed: {message}")

    def event(self, seconds=10):
        """The next SBE message, decoded."""
        return decode(self.raw(seconds))

    def send_text(self, text):
        self.protocol.send_text(text.encode() if isinstance(text, str) else text)
        self._send()

    def ask(self, text):
        """Sends a request and gives the next text."""
        self.send_text(text if isinstance(text, str) else json.dumps(text))
        while True:
            message = self.message()
            if isinstance(message, dict):
                return message
            assert not isinstance(message, tuple), message

    def pong(self, payload=b""):
        self.protocol.send_pong(payload)
        self._send()

    def ping(self, payload=b""):
        self.protocol.send_ping(payload)
        self._send()

    def close(self):
        self.socket.close()


# SBE, by the table of the venue's stream schema: (fields of the root block, groups).
LAYOUTS = {
    10000: ("trade", "<qqbb", ["eventTime", "transactTime", "priceExponent", "qtyExponent"],
            [("trades", "<HI", "<qqqB", ["id", "price", "qty", "isBuyerMaker"])]),
    10001: ("bestBidAsk", "<qqbbqqqq", ["eventTime", "bookUpdateId", "priceExponent", "qtyExponent",
                                        "bidPrice", "bidQty", "askPrice", "askQty"], []),
    10002: ("depth20", "<qqbb", ["eventTime", "bookUpdateId", "priceExponent", "qtyExponent"],
            [("bids", "<HH", "<qq", ["price", "qty"]), ("asks", "<HH", "<qq", ["price", "qty"])]),
    10003: ("depth", "<qqqbb", ["eventTime", "firstBookUpdateId", "lastBookUpdateId", "priceExponent",
                                "qtyExponent"],
            [("bids", "<HH", "<qq", ["price", "qty"]), ("asks", "<HH", "<qq", ["price", "qty"])]),
}


def decode(message):
    block, template, schema, version = struct.unpack_from("<4H", message)
    assert schema == 1, f"schema {schema}"
    kind, fields, names, groups = LAYOUTS[template]
    event = dict(zip(names, struct.unpack_from(fields, message, 8)))
    event["kind"], event["version"], event["blockLength"] = kind, version, block
    at = 8 + block
    for name, dimension, entry, members in groups:
        length, count = struct.unpack_from(dimension, message, at)
        at += struct.calcsize(dimension)
        event[name] = []
        for _ in range(count):
            event[name].append(dict(zip(members, struct.unpack_from(entry, message, at))))
            at += length
    size = message[at]
    event["symbol"] = message[at + 1:at + 1 + size].decode()
    assert at + 1 + size == len(message), "bytes left over"
    return event
