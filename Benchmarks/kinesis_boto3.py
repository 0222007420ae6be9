"""boto3's put_records with the first COUNT trade frames of a file, 500 a call: URL FILE COUNT."""

import os
import sys

import boto3
from botocore.config import Config

FRAME, CALL = 110, 500
url, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = boto3.client("kinesis", endpoint_url=url, region_name="us-east-1", config=Config(retries={"max_attempts": 1}))
with open(path, "rb") as file:
    frames = file.read(FRAME * count)
for start in range(0, len(frames), FRAME * CALL):
    rows = [{"Data": frames[place:place + FRAME], "PartitionKey": "BTCUSDT"}
            for place in range(start, min(start + FRAME * CALL, len(frames)), FRAME)]
    answer = client.put_records(StreamName="market-sbe-trade", Records=rows)
    assert answer["FailedRecordCount"] == 0 and len(answer["Records"]) == len(rows)
print(count, "records")
