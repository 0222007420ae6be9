"""Reads every object of a bucket with boto3 and fastavro: URL, number of ids that must be there."""

import io
import sys

import boto3
import fastavro

url, count = sys.argv[1], int(sys.argv[2])
s3 = boto3.client(
    "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="AKIDEXAMPLE",
    aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
ids = []
keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket="bronze").get("Contents", [])]
for key in keys:
    if key.startswith("prefix/bronze/_manifests/"):
        continue
    assert key.startswith("prefix/bronze/exchange=binance/kind=aggTrade/instrument="), key
    answer = s3.get_object(Bucket="bronze", Key=key)
    assert answer["ContentType"] == "application/avro", answer["ContentType"]
    ids += [row["agg_trade_id"] for row in fastavro.reader(io.BytesIO(answer["Body"].read()))]
assert sorted(ids) == list(range(1, count + 1)), f"{len(ids)} ids in {len(keys)} objects"
print(sum("/_manifests/" not in key for key in keys))
