"""Reads a stream back as a consumer would, and checks what is in it.

usage: read_stream.py URL KEY SECRET STREAM FORMAT SCHEMA SYMBOLS COUNT

boto3 reads, AWS's own module takes containers apart, fastavro and json decode. Every id from 1 to
COUNT of each of SYMBOLS has to be there once, in the order of its partition key. Prints how many
records were in containers.
"""

import base64
import json
import struct
import sys

import boto3
import fastavro
import zstandard
from aws_kinesis_agg.deaggregator import deaggregate_records

url, key, secret, stream, form, schema_path, symbols, count = sys.argv[1:]
client = boto3.client("kinesis", endpoint_url=url, region_name="us-east-1", aws_access_key_id=key,
                      aws_secret_access_key=secret)
schema = json.load(open(schema_path))
parsed = fastavro.parse_schema(dict(schema))
fingerprint = fastavro.schema.fingerprint(
    fastavro.schema.to_parsing_canonical_form(schema), "CRC-64-AVRO")


def decode(data):
    """Symbol and id."""
    if form.endswith("+zstd"):
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    kind = form.split("+")[0]
    if kind == "json":
        row = json.loads(data)
        assert not data.endswith(b"\n"), data
    elif kind == "avro":
        assert data[:2] == b"\xc3\x01", data[:2]
        found = struct.unpack("<Q", data[2:10])[0]
        assert found in (int(fingerprint, 16),
                         int.from_bytes(bytes.fromhex(fingerprint), "little")), fingerprint
        import io
        row = fastavro.schemaless_reader(io.BytesIO(data[10:]), parsed)
    else:
        assert struct.unpack(">IH", data[:6]) == (len(data), 0xEB50)
        block = data[14:]
        return block[32:64].rstrip(b"\0").decode(), struct.unpack_from("<q", block, 16)[0]
    return row["symbol"], row["trade_id"]


last = {symbol: 0 for symbol in symbols.split(",")}
contained = 0
for shard in client.list_shards(StreamName=stream)["Shards"]:
    iterator = client.get_shard_iterator(
        StreamName=stream, ShardId=shard["ShardId"],
        ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    low = int(shard["HashKeyRange"]["StartingHashKey"])
    high = int(shard["HashKeyRange"]["EndingHashKey"])
    while True:
        answer = client.get_records(ShardIterator=iterator, Limit=10000)
        for record in answer["Records"]:
            wrapped = {"kinesis": {
                "kinesisSchemaVersion": "1.0", "sequenceNumber": record["SequenceNumber"],
                "approximateArrivalTimestamp": 0, "partitionKey": record["PartitionKey"],
                "data": base64.b64encode(record["Data"]).decode()}}
            for inner in deaggregate_records(wrapped):
                inner = inner["kinesis"]
                if inner.get("aggregated"):
                    contained += 1
                    # A consumer drops the container when this is not so.
                    assert low <= int(inner["explicitHashKey"]) <= high, inner
                symbol, number = decode(base64.b64decode(inner["data"]))
                assert inner["partitionKey"] == symbol, inner["partitionKey"]
                assert number == last[symbol] + 1, f"{symbol}: {number} after {last[symbol]}"
                last[symbol] = number
        if not answer["Records"] or answer["MillisBehindLatest"] == 0:
            break
        iterator = answer["NextShardIterator"]
assert all(number == int(count) for number in last.values()), last
print(contained)
