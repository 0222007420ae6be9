"""A REST API of the venue that answers one thing, for what the simulator does not do by itself.

usage: scripted_rest.py PLAY [ARGUMENT]        prints its port

A play is one of the functions named play_*: it gets the endpoint and the query, and returns a
status and a JSON value (or text). Nothing but the standard library is needed.
"""

import http.server
import json
import struct
import sys
import threading
import time
import urllib.parse

START = 1514764800000  # 2018-01-01T00:00:00Z, ms; aggregate n is n seconds after it
UNKNOWN = {"code": -1121, "msg": "Invalid symbol."}


def info(query, **more):
    names = json.loads(query.get("symbols", '["X"]'))
    limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1,
               "limit": 6000}]
    symbols = [{"symbol": name, "status": "TRADING"} for name in names]
    return 200, {"serverTime": int(time.time() * 1000), "rateLimits": limits, "symbols": symbols,
                 **more}


def aggregate(number, first, price="100.00000000", quantity="1.00000000"):
    if first is None:
        price, quantity, first = "0", "0", -1
    return {"a": number, "p": price, "q": quantity, "f": first, "l": first,
            "T": START + 1000 * number, "m": False, "M": True}


def trade(number, price="100.00000000", quantity="1.00000000", seconds=None):
    at = START + 1000 * (number if seconds is None else seconds)
    return {"id": number, "price": price, "qty": quantity, "quoteQty": "1", "time": at,
            "isBuyerMaker": False, "isBestMatch": True}


def page(numbers, query, row):
    """The rows that a query asks for, of ascending numbers."""
    limit = int(query.get("limit", 500))
    if "fromId" in query:
        numbers = range(max(numbers[0], int(query["fromId"])), numbers[-1] + 1)[:limit]
    elif "startTime" in query:
        start = int(query["startTime"])
        start = start / 1000 if start > 10**14 else start
        numbers = [n for n in numbers if START + 1000 * n >= start][:limit]
    else:
        numbers = numbers[-limit:]
    return 200, [row(n) for n in numbers]


def play_voided(endpoint, query):
    """Aggregates 301 to 500 are voided; trades 1 to 800 are whole."""
    def first(number):
        return None if 301 <= number <= 500 else number if number <= 300 else number - 200

    if endpoint == "aggTrades":
        return page(range(1, 1001), query, lambda n: aggregate(n, first(n)))
    seconds = lambda n: n if n <= 300 else n + 200
    return page(range(1, 801), query, lambda n: trade(n, seconds=seconds(n)))


def play_status(endpoint, query):
    status = int(sys.argv[2])
    if status == 451:
        return status, {"code": 0, "msg": "Service unavailable from a restricted location."}
    return status, "<html>no</html>"


def play_unknown(endpoint, query):
    """One symbol, and another one, that the venue does not have any more."""
    if endpoint == "exchangeInfo":
        names = json.loads(query["symbols"])
        return (400, UNKNOWN) if set(names) & set(sys.argv[2].split(",")) else info(query)
    return 200, []


def play_wide(endpoint, query):
    """Quantities of tokens of which there are many, and one that nothing can hold."""
    many = "120000000000.00000000"
    if endpoint == "depth":
        return 200, {"lastUpdateId": 7, "bids": [["0.00000071", many]],
                     "asks": [["0.00000072", "92233720368.54775807"], ["0.00000073", many]]
                     if sys.argv[2] == "lost" else [["0.00000072", many]]}

    def row(number):
        lost = sys.argv[2] == "lost" and number == 3
        return aggregate(number, number, quantity="120000000000.00000001" if lost else many)

    return page(range(1, 6), query, row)


def play_server_time(endpoint, query):
    return info(query, serverTime=int(sys.argv[2]))


def play_newest(endpoint, query):
    """The newest id, or time, is what the argument says."""
    if endpoint == "klines":
        return 200, [[int(sys.argv[2]), "1", "1", "1", "1", "1", int(sys.argv[2]), "1", 1, "1", "1", "0"]]
    if endpoint == "aggTrades":
        return 200, [dict(aggregate(1, 1), a=int(sys.argv[2]))]
    return 200, [trade(int(sys.argv[2]), seconds=1)]


def play_hole_to(endpoint, query):
    """Nothing is served below a high id, however low one asks."""
    first = int(sys.argv[2])
    return page(range(first, first + 3), query, lambda n: dict(aggregate(1, 1), a=n))


def play_every_fourth(endpoint, query):
    """Each fourth reply cannot be read."""
    Handler.plays += 1
    if Handler.plays % 4 == 0:
        return 200, "<html>a proxy</html>"
    return page(range(1, 400_001), query, lambda n: aggregate(n, n))


def play_newer_schema(endpoint, query):
    """SBE of version 6 with eight unknown bytes at the end of each block, and a new group."""
    count = min(int(query.get("limit", 500)), 3)
    first = int(query.get("fromId", 4 - count))
    rows = b"".join(
        struct.pack("<qqqqqqBB", n, 100, 5, n, n, (START + 1000 * n) * 1000, 0, 1) + b"\xAA" * 8
        for n in range(first, first + count) if n <= 3)
    count = len(rows) // 58
    head = struct.pack("<HHHH", 2 + 8, 202, 3, 6) + struct.pack("<bb", -8, -8) + b"\xBB" * 8
    return 200, head + struct.pack("<HI", 58, count) + rows + struct.pack("<HI", 4, 1) + b"abcd"


def play_far(endpoint, query):
    """A venue far away: each reply comes after so many seconds; /most tells how many were under way at once."""
    with Handler.crowd:
        Handler.under_way += 1
        Handler.most = max(Handler.most, Handler.under_way)
    time.sleep(float(sys.argv[2]))
    with Handler.crowd:
        Handler.under_way -= 1
    return page(range(1, 200_001), query, lambda n: aggregate(n, n))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    requests = 0
    crowd = threading.Lock()
    under_way = most = 0
    plays = 0

    def do_GET(self):
        Handler.requests += 1
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        endpoint = url.path.rsplit("/", 1)[-1]
        if endpoint == "requests":
            status, value = 200, Handler.requests
        elif endpoint == "most":
            status, value = 200, Handler.most
        elif endpoint == "exchangeInfo" and sys.argv[1] not in ("status", "unknown", "server_time"):
            status, value = info(query)
        else:
            status, value = globals()["play_" + sys.argv[1]](endpoint, query)
        if isinstance(value, bytes):
            body, kind = value, "application/sbe"
        elif isinstance(value, str):
            body, kind = value.encode(), "text/html"
        else:
            body, kind = json.dumps(value).encode(), "application/json"
        if status == 204:
            body = b""  # It has none; what followed would be taken for the next answer.
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "https://www.example.org/elsewhere")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
