"""A Kinesis that takes records as fast as one Python process can, checks their order, and fails on command.

    kinesis_sink.py --port 0 --shards 4
    listening http://127.0.0.1:PORT

It keeps no records: per sequence it keeps the last id and what broke the rule that ids come once
and in order. Records have to be in the form `--format sbe`, plain or in KPL containers. Signatures
are not checked here; moto does that in other tests. Control, by plain GET:

    /faults?throttle=0.05     share of calls in which one shard refuses its records
    /faults?outage=60         seconds in which every call is answered with 503
    /report                   what came, as JSON
"""

import argparse
import asyncio
import base64
import hashlib
import json
import random
import struct
import sys
import time
from urllib.parse import parse_qs, urlsplit

SPACE = 1 << 128
KINDS = {1: "trade", 2: "aggTrade", 3: "kline", 4: "bestBidAsk", 5: "depthDiff",
         6: "depthSnapshot", 7: "gap", 8: "raw"}
DENSE = {"trade", "aggTrade", "depthDiff"}
CONTAINER = bytes.fromhex("f3899ac2")


def varint(text, place):
    """A protobuf number, and the place behind it."""
    value = shift = 0
    while True:
        byte = text[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def fields(text):
    """The fields of a protobuf message: number and value."""
    place = 0
    while place < len(text):
        tag, place = varint(text, place)
        value, place = varint(text, place)
        if tag & 7 == 2:
            value, place = text[place:place + value], place + value
        yield tag >> 3, value


def unpacked(entry):
    """The records in the data of one Kinesis record."""
    if entry[:4] != CONTAINER:
        return [entry]
    body, digest = entry[4:-16], entry[-16:]
    if hashlib.md5(body).digest() != digest:
        raise ValueError("a container with a wrong digest")
    return [data for number, record in fields(body) if number == 3
            for inner, data in fields(record) if inner == 3]


class Sequence:
    """What came of one kind and symbol."""

    def __init__(self):
        self.first = self.last = None
        self.records = 0
        self.holes = []
        self.repeats = 0
        self.disorder = []

    def take(self, first, last, is_dense):
        self.records += 1
        if self.last is None:
            self.first = first
        elif first <= self.last:
            self.repeats += 1
            if len(self.disorder) < 20:
                self.disorder.append([first, self.last])
            return
        elif is_dense and first != self.last + 1:
            self.holes.append([self.last + 1, first - 1])
        self.last = last


class Sink:
    def __init__(self, shards, seed):
        self.shards = shards
        self.chance = random.Random(seed)
        self.throttle = 0.0
        self.outage_until = 0.0
        self.sequences = {}
        self.gaps = []
        self.counts = {"calls": 0, "records": 0, "messages": 0, "refused_calls": 0,
                       "throttled_records": 0}
        self.number = 0
        self.keys = {}

    def shard(self, entry):
        explicit = entry.get("ExplicitHashKey")
        if explicit is not None:
            return int(explicit) * self.shards // SPACE
        key = entry["PartitionKey"]
        if key not in self.keys:
            value = int.from_bytes(hashlib.md5(key.encode()).digest(), "big")
            self.keys[key] = value * self.shards // SPACE
        return self.keys[key]

    def take(self, message):
        """One SBE message of records.xml, with or without its framing header."""
        if message[4:6] == b"\xeb\x50":
            message = message[6:]
        _, template, _, _ = struct.unpack_from("<4H", message)
        first, last = struct.unpack_from("<2q", message, 24)
        symbol = message[40:72].rstrip(b"\0").decode()
        kind = KINDS.get(template, str(template))
        if kind == "gap":
            missing = struct.unpack_from("<H", message, 80)[0]
            self.gaps.append([KINDS.get(missing, str(missing)), symbol, first, last])
            return
        self.sequences.setdefault((kind, symbol), Sequence()).take(first, last, kind in DENSE)

    def put_records(self, request):
        self.counts["calls"] += 1
        refused = None
        if self.throttle and self.chance.random() < self.throttle:
            refused = self.chance.randrange(self.shards)
        answers, failed = [], 0
        for entry in request["Records"]:
            shard = self.shard(entry)
            if shard == refused:
                failed += 1
                answers.append({"ErrorCode": "ProvisionedThroughputExceededException",
                                "ErrorMessage": f"Rate exceeded for shard {shard}"})
                continue
            for message in unpacked(base64.b64decode(entry["Data"])):
                self.counts["messages"] += 1
                self.take(message)
            self.number += 1
            answers.append({"SequenceNumber": str(self.number), "ShardId": f"shardId-{shard:012}"})
        self.counts["records"] += len(answers) - failed
        self.counts["throttled_records"] += failed
        return 200, {"FailedRecordCount": failed, "Records": answers}

    def call(self, operation, request):
        if time.monotonic() < self.outage_until:
            self.counts["refused_calls"] += 1
            return 503, {"__type": "ServiceUnavailable", "message": "an outage that was asked for"}
        if operation == "PutRecords":
            return self.put_records(request)
        if operation == "ListShards":
            step = SPACE // self.shards
            return 200, {"Shards": [{
                "ShardId": f"shardId-{n:012}",
                "HashKeyRange": {"StartingHashKey": str(n * step),
                                 "EndingHashKey": str((n + 1) * step - 1)},
                "SequenceNumberRange": {"StartingSequenceNumber": "1"}}
                for n in range(self.shards)]}
        if operation == "DescribeStreamSummary":
            name = request.get("StreamName", "")
            return 200, {"StreamDescriptionSummary": {
                "StreamName": name, "StreamStatus": "ACTIVE", "OpenShardCount": self.shards,
                "StreamARN": f"arn:aws:kinesis:us-east-1:123456789012:stream/{name}"}}
        if operation == "CreateStream":
            return 200, {}
        return 400, {"__type": "UnknownOperationException", "message": operation}

    def report(self):
        return {**self.counts, "gaps": self.gaps, "sequences": [
            {"kind": kind, "symbol": symbol, "first": s.first, "last": s.last, "records": s.records,
             "holes": s.holes, "repeats": s.repeats, "disorder": s.disorder}
            for (kind, symbol), s in sorted(self.sequences.items())]}

    def control(self, target):
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/faults":
            self.throttle = float(query.get("throttle", self.throttle))
            if "outage" in query:
                self.outage_until = time.monotonic() + float(query["outage"])
            return 200, {}
        if url.path == "/report":
            return 200, self.report()
        return 404, {}

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ", 2)
                names = {name.lower(): value.strip() for name, _, value in
                          (line.partition(":") for line in lines[1:] if line)}
                if names.get("expect"):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(int(names.get("content-length", 0)))
                if method == "POST":
                    operation = names.get("x-amz-target", "").rpartition(".")[2]
                    status, answer = self.call(operation, json.loads(body or b"{}"))
                else:
                    status, answer = self.control(target)
                text = json.dumps(answer).encode()
                writer.write(
                    b"HTTP/1.1 %d X\r\nContent-Type: application/x-amz-json-1.1\r\n"
                    b"x-amzn-RequestId: %032x\r\nContent-Length: %d\r\n\r\n"
                    % (status, self.chance.getrandbits(128), len(text)) + text)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    sink = Sink(arguments.shards, arguments.seed)
    server = await asyncio.start_server(sink.serve, "127.0.0.1", arguments.port, limit=1 << 20)
    print(f"listening http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
