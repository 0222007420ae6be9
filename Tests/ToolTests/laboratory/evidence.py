"""Copies what a run left, as anyone may read it, into a directory that judge.py reads.

    DIRECTORY/bucket/…        every object below the destination, under its key
    DIRECTORY/streams.jsonl   every record of Kinesis in the order of its shard
    DIRECTORY/facts.json      the market's numbers, what was asked of each sink, the faults
"""

import base64
import json
import os

import boto3
from botocore.config import Config


def client(service, place):
    return boto3.client(
        service, endpoint_url=place["url"], region_name="us-east-1", aws_access_key_id=place["key"],
        aws_secret_access_key=place["secret"],
        config=Config(retries={"max_attempts": 8}, s3={"addressing_style": "path"}))


def listing(s3, bucket, prefix):
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield entry["Key"]


def copy_bucket(place, bucket, prefix, target):
    """The objects before the manifests: a sink may be at work."""
    s3 = client("s3", place)
    base = prefix.rstrip("/") + "/" if prefix else ""
    for part in ("exchange=", "_manifests/", ""):
        for key in listing(s3, bucket, base + part):
            path = os.path.join(target, key[len(base):])
            if not os.path.exists(path):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


class Streams:
    """Reads all shards of all streams, each time from where it was."""

    def __init__(self, place):
        self.kinesis = client("kinesis", place)
        self.iterators = {}

    def read(self):
        """The records that came since, as dictionaries of stream, shard, sequence, key, data."""
        for name in self.kinesis.list_streams()["StreamNames"]:
            for shard in self.kinesis.list_shards(StreamName=name)["Shards"]:
                place = (name, shard["ShardId"])
                if place not in self.iterators:
                    self.iterators[place] = self.kinesis.get_shard_iterator(
                        StreamName=name, ShardId=shard["ShardId"],
                        ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        for (name, shard), iterator in list(self.iterators.items()):
            while iterator:
                page = self.kinesis.get_records(ShardIterator=iterator, Limit=10_000)
                iterator = page.get("NextShardIterator")
                self.iterators[name, shard] = iterator
                for record in page["Records"]:
                    yield {"stream": name, "shard": shard, "sequence": record["SequenceNumber"],
                           "key": record["PartitionKey"],
                           "data": base64.b64encode(record["Data"]).decode()}
                if not page["Records"]:
                    break


def write_streams(path, records):
    with open(path, "w") as file:
        for record in records:
            file.write(json.dumps(record) + "\n")
