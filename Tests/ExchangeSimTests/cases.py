"""Cases against a running exchange-sim: cases.py CASE KEY=VALUE…, the words of its first line.

Each is a function of a `Place`; a failed assertion is a failed case.
"""

import os
import struct
import sys
import time
from urllib.parse import quote

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "ToolTests"))
from market import Market  # noqa: E402
from venue_client import KEY, Client, Cut, Refused, decode, get, post  # noqa: E402


class Place:
    def __init__(self, words):
        for word in words:
            name, _, value = word.partition("=")
            setattr(self, name, value)

    def client(self, target="/ws", **options):
        return Client(self.ws, target, **options)

    def do(self, command):
        post(f"{self.control}/{command}")

    def stats(self):
        return get(f"{self.control}/sent")

    def until(self, condition, seconds=10):
        end = time.time() + seconds
        while not condition(self.stats()):
            assert time.time() < end, self.stats()
            time.sleep(0.01)

    def connection(self):
        """The number of the newest connection."""
        return max(row["id"] for row in get(f"{self.control}/connections"))


def refusal(place, target, **options):
    try:
        place.client(target, **options)
    except Refused as refused:
        return refused.status, refused.body
    return 101, ""


# Handshake

def handshake(place):
    assert refusal(place, "/ws/btcusdt@trade", headers={}) == (400, "No X-MBX-APIKEY header")
    for target in ["/", "/ws2", "/streams?streams=a", "/api/v3/ping", "/wsx/btcusdt@trade"]:
        assert refusal(place, target)[0] == 404, target
    for target in ["/ws", "/ws/", "/stream", "/ws/btcusdt@trade", "/ws/btcusdt%40trade", "/ws/nobody@trade",
                   "/stream?streams=btcusdt@trade/btcusdt@depth", "/stream?streams=btcusdt%40trade"]:
        assert refusal(place, target)[0] == 101, target
    many = "/".join(f"s{number}@trade" for number in range(1024))
    assert refusal(place, f"/stream?streams={many}")[0] == 101
    assert refusal(place, f"/stream?streams={many}/one@trade") == (400, "Too many subscriptions")
    client = place.client("/stream?streams=btcusdt@trade/btcusdt%40depth/nobody@trade")
    assert client.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1}) == {
        "result": ["btcusdt@trade", "btcusdt@depth", "nobody@trade"], "id": 1}


def key(place):
    assert refusal(place, "/ws")[0] == 401
    assert refusal(place, "/ws", headers={"X-MBX-APIKEY": "right"})[0] == 101


def refuse(place):
    place.do("stream/refuse?status=503&count=2")
    assert [refusal(place, "/ws")[0] for _ in range(3)] == [503, 503, 101]
    place.do("stream/refuse?status=403")
    assert [refusal(place, "/ws")[0] for _ in range(3)] == [403, 403, 403]
    place.do("stream/refuse?status=0")
    assert refusal(place, "/ws")[0] == 101
    assert place.stats()["refused"] == {"403": 3, "503": 2}


def connect_limit(place):
    assert [refusal(place, "/ws")[0] for _ in range(12)] == [101] * 10 + [429] * 2


def tls(place):
    client = Client(place.wss, "/ws/btcusdt@trade", ca=place.ca)
    place.do("market?newest=110")
    assert client.event()["symbol"] == "BTCUSDT"
    try:
        Client(place.wss, "/ws")
    except OSError as error:
        assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    else:
        assert False, "a client without the CA got in"


# The market

def scaled(events):
    """Trades as the model has them; checks the scale on the way."""
    for event in events:
        assert (event["priceExponent"], event["qtyExponent"]) == (-8, -8)
        for trade in event["trades"]:
            assert trade["price"] % 10**6 == 0 and trade["qty"] % 10**3 == 0
            yield (trade["id"], event["transactTime"], trade["price"] // 10**6, trade["qty"] // 10**3,
                   trade["isBuyerMaker"] == 1)


def trades(place):
    """Trades 1001… of the stream are those of the formulas, one aggregate a message."""
    for symbol in ["BTCUSDT", "币安人生USDT"]:
        market = Market(symbol, invalid=7)
        client = place.client(f"/ws/{quote(symbol.lower())}@trade")
        start = get(f"{place.control}/sent")["symbols"][symbol]["newestAggregate"]
        place.do(f"market?newest={start + 500}")
        valid = [k for k in range(start + 1, start + 501) if k % 7 != 0]
        events = [client.event() for _ in valid]
        assert {event["symbol"] for event in events} == {symbol}
        for number, event in zip(valid, events):
            first, last = market.trades_of(number)
            assert [trade["id"] for trade in event["trades"]] == list(range(first, last + 1))
        for trade in scaled(events):
            assert trade == market.trade(trade[0]), trade
        now = time.time() * 1e6
        assert all(0 <= now - event["eventTime"] < 60e6 for event in events)
        sent = place.stats()["symbols"][symbol]
        ids = [trade["id"] for event in events for trade in event["trades"]]
        assert sent["trade"] == {"first": ids[0], "last": ids[-1], "messages": len(valid)}
        assert sent["newestTrade"] == ids[-1]


def best(place):
    market = Market("BTCUSDT")
    client = place.client("/ws/btcusdt@bestBidAsk")
    place.do("market?newest=300")
    for number in range(101, 301):
        event = client.event()
        bids, asks = market.book(number * 4)
        bid, ask = max(bids), min(asks)
        assert event["bookUpdateId"] == number * 4
        assert (event["bidPrice"], event["bidQty"]) == (bid * 10**6, bids[bid] * 10**3)
        assert (event["askPrice"], event["askQty"]) == (ask * 10**6, asks[ask] * 10**3)


def side(levels):
    return {level["price"] // 10**6: level["qty"] // 10**3 for level in levels}


def depth(place):
    """Snapshot and diffs give the book of the formulas, and REST's later snapshot."""
    market = Market("BTCUSDT")
    client = place.client("/stream?streams=btcusdt@depth/btcusdt@depth20")

    def snapshot():
        reply = get(f"{place.rest}/api/v3/depth?symbol=BTCUSDT&limit=5000")
        sides = [{round(float(price) * 100): round(float(quantity) * 10**5)
                  for price, quantity in reply[name]} for name in ("bids", "asks")]
        return reply["lastUpdateId"], sides

    update, book = snapshot()
    assert update == 400 and book == list(market.book(400))
    pictures = 0
    for newest in [101, 103, 140, 900, 901, 4000]:
        place.do(f"market?newest={newest}")
        while update < newest * 4:
            event = client.event()
            if event["kind"] == "depth20":
                pictures += 1
                bids, asks = market.book(event["bookUpdateId"])
                assert list(side(event["bids"]).items()) == [(p, bids[p]) for p in sorted(bids)[:-21:-1]]
                assert list(side(event["asks"]).items()) == [(p, asks[p]) for p in sorted(asks)[:20]]
                continue
            assert event["firstBookUpdateId"] == update + 1
            update = event["lastBookUpdateId"]
            for levels, name in zip(book, ("bids", "asks")):
                for ticks, steps in side(event[name]).items():
                    assert steps > 0 or ticks in levels
                    levels[ticks] = steps
                    if steps == 0:
                        del levels[ticks]
            assert book == list(market.book(update))
    assert (update, book) == snapshot()
    while pictures == 0:
        pictures += client.event()["kind"] == "depth20"


def live(place):
    """The market of the clock: no hole, transact times near now, and REST has the same trades."""
    client = place.client("/stream?streams=btcusdt@trade/btcusdt@bestBidAsk")
    found, updates = [], []
    while len(found) < 400:
        event = client.event()
        delay = event["eventTime"] - event.get("transactTime", event["eventTime"])
        assert 0 <= delay < 2_000_000, delay
        assert abs(time.time() * 1e6 - event["eventTime"]) < 2_000_000
        if event["kind"] == "trade":
            found += [event]
        else:
            updates.append(event["bookUpdateId"])
    rows = list(scaled(found))
    assert [row[0] for row in rows] == list(range(rows[0][0], rows[0][0] + len(rows)))
    assert updates == list(range(updates[0], updates[0] + 4 * len(updates), 4))
    first = rows[0][0]
    reply = get(f"{place.rest}/api/v3/historicalTrades?symbol=BTCUSDT&fromId={first}&limit=300",
                {"X-MBX-TIME-UNIT": "MICROSECOND"})
    assert [(row["id"], row["time"], round(float(row["price"]) * 100), round(float(row["qty"]) * 1e5),
             row["isBuyerMaker"]) for row in reply] == rows[:300]


def exponents(place):
    market = Market("BTCUSDT")
    client = place.client("/stream?streams=btcusdt@trade/btcusdt@bestBidAsk")
    place.do("market?newest=101")
    for _ in range(2):
        event = client.event()
        assert (event["priceExponent"], event["qtyExponent"]) == (-2, -5)
        if event["kind"] == "trade":
            for trade in event["trades"]:
                expected = market.trade(trade["id"])
                assert (trade["price"], trade["qty"]) == (expected[2], expected[3])


def newer(place):
    """Version 1 with a larger root block, and everything where the block length says."""
    market = Market("BTCUSDT")
    client = place.client("/stream?streams=btcusdt@trade/btcusdt@bestBidAsk/btcusdt@depth/btcusdt@depth20")
    place.do("market?newest=110")
    sizes = {"trade": 18, "bestBidAsk": 50, "depth": 26, "depth20": 18}
    seen = set()
    while len(seen) < 4:
        event = client.event()
        seen.add(event["kind"])
        assert event["version"] == 1 and event["blockLength"] == sizes[event["kind"]] + 9
        assert event["symbol"] == "BTCUSDT"
        for trade in event.get("trades", []):
            assert trade["price"] == market.trade(trade["id"])[2] * 10**6


# Requests

def requests(place):
    client = place.client("/ws")
    table = [
        ({"method": "SUBSCRIBE", "params": ["btcusdt@trade", "nobody@depth"], "id": 1}, {"result": None, "id": 1}),
        ({"method": "LIST_SUBSCRIPTIONS", "id": "a-Z9"}, {"result": ["btcusdt@trade", "nobody@depth"], "id": "a-Z9"}),
        ({"method": "UNSUBSCRIBE", "params": ["nobody@depth"], "id": None}, {"result": None, "id": None}),
        ({"method": "LIST_SUBSCRIPTIONS", "id": -(2**63)}, {"result": ["btcusdt@trade"], "id": -(2**63)}),
    ]
    for request, reply in table:
        assert client.ask(request) == reply, request
    place.do("market?newest=101")
    assert client.event()["kind"] == "trade"
    for target, expected in [("/ws", False), ("/stream", True)]:
        client = place.client(target)
        assert client.ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 6}) == {"result": expected, "id": 6}
        assert client.ask({"method": "SET_PROPERTY", "params": ["combined", not expected], "id": 5}) == {
            "result": None, "id": 5}
        assert client.ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 6}) == {
            "result": not expected, "id": 6}


ERRORS = [
    ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0, "Unknown property", 1),
    ('{"method":"SET_PROPERTY","params":["combined",3],"id":1}', 1, "Invalid value type: expected Boolean", 1),
    ('{"method":"GET_PROPERTY","params":[3],"id":1}', 2, "Invalid request: property name must be a string", 1),
    ('{"method":"LIST_SUBSCRIPTIONS"}', 2, "Invalid request: request ID must be an unsigned integer", None),
    ('{"method":"LIST_SUBSCRIPTIONS","id":1.5}', 2,
     "Invalid request: request ID must be an unsigned integer", None),
    ('{"method":"LIST_SUBSCRIPTIONS","id":"' + "x" * 37 + '"}', 2,
     "Invalid request: request ID must be an unsigned integer", None),
    ('{"method":"DANCE","id":1}', 2,
     "Invalid request: unknown variant DANCE, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, "
     "`SET_PROPERTY`, `GET_PROPERTY` at line 1 column 17", None),
    ('{"method":"SUBSCRIBE","params":["a@trade"],"id":1,"more":2}', 2,
     "Invalid request: too many parameters", None),
    ('{"params":["a@trade"],"id":1}', 2, "Invalid request: missing field `method` at line 1 column 29", None),
    ('{"method":"SUBSCRIBE","params":["btcusdt"],"id":4}', 2, "Invalid request: invalid stream", 4),
    ("SUBSCRIBE", 3, "Invalid JSON: expected value at line 1 column 1", None),
]


def errors(place):
    for text, code, message, number in ERRORS:
        reply = place.client().ask(text)
        expected = {"code": code, "msg": message}
        if place.shape == "nested":
            expected = {"error": expected}
        if number is not None:
            expected["id"] = number
        assert reply == expected, (text, reply)


def too_many(place):
    client = place.client("/stream?streams=" + "/".join(f"s{number}@trade" for number in range(1000)))
    names = [f"t{number}@trade" for number in range(25)]
    reply = client.ask({"method": "SUBSCRIBE", "params": names, "id": 1})
    assert reply == {"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 1}, reply
    assert client.ask({"method": "SUBSCRIBE", "params": names[:24], "id": 2}) == {"result": None, "id": 2}


def overlong(place):
    client = place.client()
    client.send_text('{"method":"LIST_SUBSCRIPTIONS","id":1}' + " " * 4096)
    assert client.ask('{"method":"LIST_SUBSCRIPTIONS","id":2}') == {"result": [], "id": 2}
    assert place.stats()["ignored"] == 1


# Deadlines and limits

def pings(place):
    """A client that answers lives; one that does not is told 1008; an unsolicited pong helps nobody."""
    good = place.client("/ws/btcusdt@trade")
    try:
        good.message(2)
        assert False, "a message of a market that stands still"
    except TimeoutError:
        pass
    assert len(good.pings) >= 5
    good.close()
    silent = place.client("/ws/btcusdt@trade", answers=False)
    start = time.time()
    code, reason = silent.message()
    assert (code, reason) == (1008, "Pong timeout")
    assert 1.1 <= time.time() - start < 6, time.time() - start
    assert len(silent.pings) >= 3 and len(set(silent.pings)) == len(silent.pings)
    assert place.stats()["pongs"] >= 5
    stray = place.client("/ws/btcusdt@trade", answers=False)
    stray.pong(b"unasked")
    assert stray.message() == (1008, "Pong timeout")
    assert place.stats()["strayPongs"] == 1


def message_limit(place):
    for sends in [lambda client: client.pong(), lambda client: client.ping(),
                  lambda client: client.send_text('{"method":"LIST_SUBSCRIPTIONS","id":1}')]:
        client = place.client()
        for _ in range(6):
            sends(client)
        message = client.message()
        while not isinstance(message, tuple):
            message = client.message()
        assert message == (1008, "Too many requests"), message
    client = place.client()
    for _ in range(2):
        for _ in range(5):
            client.pong()
        # Strictly sliding: after a second and a little, all five are forgotten.
        time.sleep(1.05)
    assert client.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1}) == {"result": [], "id": 1}


def lifetime(place):
    start = time.time()
    assert place.client("/ws/btcusdt@trade").message() == (1001, "Connection lifetime reached")
    assert time.time() - start >= 0.5


def shutdown(place):
    client = place.client("/ws/btcusdt@trade")
    place.do("stream/do?action=shutdown")
    bare = client.message()
    assert bare["e"] == "serverShutdown" and abs(bare["E"] - time.time() * 1000) < 60_000
    place.do("stream/do?action=shutdownWrapped")
    wrapped = client.message()
    assert wrapped["stream"] == "!serverShutdown" and wrapped["data"]["e"] == "serverShutdown"
    place.do("market?newest=101")
    assert client.event()["kind"] == "trade"


def culling(place):
    """A reader that does not read loses old best prices, and no trade."""
    client = place.client("/stream?streams=btcusdt@trade/btcusdt@bestBidAsk", buffer=4096)
    newest = 100
    while place.stats()["culled"] == 0:
        newest += 20_000
        place.do(f"market?newest={newest}")
        place.until(lambda stats: stats["symbols"]["BTCUSDT"]["newestAggregate"] == newest)
    last, update, updates = 0, 0, 0
    ids = []
    while update < newest * 4 or ids[-1] < place.stats()["symbols"]["BTCUSDT"]["newestTrade"]:
        event = client.event()
        if event["kind"] == "bestBidAsk":
            assert event["bookUpdateId"] > update
            update, updates = event["bookUpdateId"], updates + 1
        else:
            ids += [trade["id"] for trade in event["trades"]]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert updates == newest - 100 - place.stats()["culled"]


# Faults

def ids_of(client, last):
    ids = []
    while not ids or ids[-1] < last:
        ids += [trade["id"] for trade in client.event()["trades"]]
    return ids


def drop(place):
    """A hole in the ids of one connection that REST and the other connection do not have."""
    one, other = place.client("/ws/btcusdt@trade"), place.client("/ws/btcusdt@trade")
    market = Market("BTCUSDT")
    place.do(f"stream/next?fault=drop&count=2&stream=trade&connection={place.connection()}")
    place.do("market?newest=120")
    last = market.trades_of(120)[1]
    whole = ids_of(one, last)
    holed = ids_of(other, last)
    missing = sorted(set(whole) - set(holed))
    assert missing == list(range(market.trades_of(101)[0], market.trades_of(102)[1] + 1))
    reply = get(f"{place.rest}/api/v3/historicalTrades?symbol=BTCUSDT&fromId={missing[0]}&limit={len(missing)}")
    assert [row["id"] for row in reply] == missing
    assert place.stats()["faults"] == {"trade drop": 2}


def broken_depth(place):
    client = place.client("/ws/btcusdt@depth")
    place.do("stream/next?fault=drop&stream=depth")
    place.do("market?newest=101")
    place.until(lambda stats: stats["faults"] == {"depth drop": 1})
    place.do("market?newest=102")
    assert client.event()["firstBookUpdateId"] == 405


def spoiled(place):
    """Each fault, and the stream sound behind it."""
    market = Market("BTCUSDT")
    client = place.client("/ws/btcusdt@trade")
    newest = 100

    def next_with(fault):
        nonlocal newest
        newest += 1
        if fault:
            place.do(f"stream/next?fault={fault}")
        place.do(f"market?newest={newest}")
        return client.raw()

    whole = len(next_with(None)) - 25 * (market.trades_of(101)[1] - market.trades_of(101)[0])

    def length():
        first, last = market.trades_of(newest)
        return whole + 25 * (last - first)

    assert len(next_with("truncate")) < length()
    assert struct.unpack_from("<4H", next_with("template"))[1] == 10099
    assert struct.unpack_from("<4H", next_with("schema"))[2] == 77
    garbage = next_with("garbage")
    assert len(garbage) == length() and b"BTCUSDT" not in garbage
    assert len(next_with("overlong")) == length() + 4
    first = next_with("duplicate")
    assert client.raw() == first
    pings = len(client.pings)
    assert decode(next_with("fragment"))["trades"][0]["id"] == market.trades_of(newest)[0]
    assert len(client.pings) == pings + 1
    assert decode(next_with(None))["trades"][0]["id"] == market.trades_of(newest)[0]


def reorder(place):
    client = place.client("/stream?streams=btcusdt@trade/btcusdt@bestBidAsk")
    place.do("stream/next?fault=reorder&stream=trade")
    place.do("market?newest=101")
    assert [client.event()["kind"] for _ in range(2)] == ["bestBidAsk", "trade"]
    place.do("market?newest=102")
    assert [client.event()["kind"] for _ in range(2)] == ["trade", "bestBidAsk"]


def random_faults(place):
    """With a rate, some messages are spoiled and the counts say how many."""
    place.do("stream/faults?rate=0.2&kinds=drop,duplicate&stream=trade")
    client = place.client("/ws/btcusdt@trade")
    place.do("market?newest=1100")
    place.until(lambda stats: stats["messages"] > 0)
    faults = place.stats()["faults"]
    assert 50 < faults["trade drop"] < 200 and 50 < faults["trade duplicate"] < 200, faults
    expected = 1000 - faults["trade drop"] + faults["trade duplicate"]
    for _ in range(expected):
        client.event()
    assert place.stats()["messages"] == expected


def cuts(place):
    for action in ["cut", "tear", "reset"]:
        for base, ca in [(place.ws, None), (place.wss, place.ca)]:
            client = Client(base, "/ws/btcusdt@trade", ca=ca)
            other = Client(base, "/ws/btcusdt@trade", ca=ca)
            place.do(f"stream/do?action={action}&connection={place.connection() - 1}")
            try:
                message = client.message()
                assert False, f"{action}: {message}"
            except (Cut, OSError) as end:
                assert not isinstance(end, TimeoutError), action
            assert other.ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 1}) == {"result": False, "id": 1}
    place.do("stream/do?action=close&code=1012&reason=moved")
    assert other.message() == (1012, "moved")


def cut_every(place):
    clients = [place.client() for _ in range(3)]
    place.until(lambda stats: stats["open"] == 0)
    assert place.stats()["actions"] == {"cut": 3}
    for client in clients:
        try:
            client.message()
            assert False
        except Cut:
            pass


def stall(place):
    client = place.client("/ws/btcusdt@trade", answers=False)
    place.do("stream/do?action=stall&connection=all")
    place.do("market?newest=105")
    place.until(lambda stats: stats["symbols"]["BTCUSDT"]["newestAggregate"] == 105)
    client.ping()
    try:
        client.frame(0.5)
        assert False, "a frame from a connection that stalls"
    except TimeoutError:
        pass
    assert place.stats()["open"] == 1
    place.do("stream/do?action=resume")
    place.do("market?newest=106")
    assert client.event()["trades"][0]["id"] == Market("BTCUSDT").trades_of(106)[0]


def flood(place):
    """Ids without a hole, REST keeps up, and the control port answers meanwhile."""
    market = Market("BTCUSDT")
    client = place.client("/stream?streams=btcusdt@trade/btcusdt@bestBidAsk")
    first = place.stats()["symbols"]["BTCUSDT"]["newestAggregate"] + 1
    count = int(place.flood)
    number, expected, update = 0, None, 0
    while True:
        message = client.message()
        if isinstance(message, tuple):
            break
        event = decode(message)
        number += 1
        if event["kind"] == "bestBidAsk":
            assert event["bookUpdateId"] > update
            update = event["bookUpdateId"]
            continue
        ids = [trade["id"] for trade in event["trades"]]
        assert expected is None or ids[0] == expected
        expected = ids[-1] + 1
        if number < 1000:
            assert list(scaled([event])) == [market.trade(trade) for trade in ids]
    assert message == (1000, "") and number == count, (message, number)
    assert place.stats()["messages"] == count
    reply = get(f"{place.rest}/api/v3/historicalTrades?symbol=BTCUSDT&fromId={expected - 1}&limit=1")
    assert [row["id"] for row in reply] == [expected - 1]
    assert first >= 1


if __name__ == "__main__":
    globals()[sys.argv[1]](Place(sys.argv[2:]))
