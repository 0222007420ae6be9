"""What Python reaches on the work of peers.c, with the packages that people use for it.

usage: peers.py dedup | filter | avro FILE SCHEMA | page FILE PASSES | texts FILE PASSES
"""

import io
import json
import sys


def frames(stream):
    while head := stream.read(6):
        yield head + stream.read(int.from_bytes(head[:4], "big") - 6)


def dedup():
    seen = set()
    out = sys.stdout.buffer
    for frame in frames(sys.stdin.buffer):
        identity = frame[30:46]
        if identity not in seen:
            seen.add(identity)
            out.write(frame)


def filter_lines():
    for line in sys.stdin:
        if json.loads(line)["qty"] > 1:
            sys.stdout.write(line)


def avro(path, schema_path):
    import struct

    import fastavro

    with open(schema_path) as file:
        schema = fastavro.parse_schema(json.load(file))
    out = io.BytesIO()
    with open(path, "rb") as file:
        for frame in frames(file):
            time, ingest, first, _ = struct.unpack_from("<qqqq", frame, 14)
            price, quantity, buyer, best = struct.unpack_from("<qqBB", frame, 86)
            fastavro.schemaless_writer(out, schema, {
                "symbol": frame[46:78].rstrip(b"\0").decode(), "event_ts": time // 1000,
                "ingest_ts": ingest // 1_000_000, "trade_id": first, "price": price / 1e8,
                "qty": quantity / 1e8, "is_buyer_maker": bool(buyer), "source": "rest",
                "is_best_match": bool(best), "price_mantissa": price, "qty_mantissa": quantity,
                "price_exact": price.to_bytes(16, "big", signed=True),
                "qty_exact": quantity.to_bytes(16, "big", signed=True),
                "price_exponent": -8, "qty_exponent": -8, "event_time": time,
                "ingest_time_ns": ingest, "venue": 1, "flags": 0})
    print(f"{out.tell()} bytes")


def texts(path, passes):
    import orjson

    with open(path, "rb") as file:
        lines = file.read().splitlines()
    messages = total = 0
    for _ in range(int(passes)):
        for line in lines:
            trade = orjson.loads(line)["data"]
            messages += 1
            total += (trade["t"] + int(trade["p"].replace(".", "")) + int(trade["q"].replace(".", ""))
                      + trade["T"] + trade["m"])
    print(f"messages {messages}, sum {total % 2**64}")


def page(path, passes):
    with open(path) as file:
        text = file.read()
    rows = 0
    for _ in range(int(passes)):
        rows += sum(1 for row in json.loads(text) if int(row["p"].replace(".", "")))
    print(f"rows {rows}")


WORK = {"dedup": dedup, "filter": filter_lines, "avro": avro, "page": page, "texts": texts}
WORK[sys.argv[1]](*sys.argv[2:])
