"""Reads back what a CloudWatch holds: usage read_metrics.py URL ID SECRET NAMESPACE.

Prints a JSON object: "Name" or "Name{Dimension=value,...}" to the sum, count, least and greatest
of everything that was sent.
"""

import datetime
import json
import sys

import botocore.session

url, key, secret, namespace = sys.argv[1:]
client = botocore.session.Session().create_client(
    "cloudwatch", endpoint_url=url, region_name="us-east-1", aws_access_key_id=key,
    aws_secret_access_key=secret)
metrics = {}
token = {}
while True:
    page = client.list_metrics(Namespace=namespace, **token)
    for metric in page["Metrics"]:
        dimensions = metric.get("Dimensions", [])
        words = ",".join(f"{d['Name']}={d['Value']}" for d in dimensions)
        metrics[metric["MetricName"] + (f"{{{words}}}" if words else "")] = (
            metric["MetricName"], dimensions)
    if not page.get("NextToken"):
        break
    token = {"NextToken": page["NextToken"]}
now = datetime.datetime.now(datetime.timezone.utc)
found = {}
for name, (metric, dimensions) in metrics.items():
    answer = client.get_metric_statistics(
        Namespace=namespace, MetricName=metric, Dimensions=dimensions, Period=60,
        StartTime=now - datetime.timedelta(hours=2), EndTime=now + datetime.timedelta(minutes=5),
        Statistics=["Sum", "SampleCount", "Minimum", "Maximum"])
    points = answer["Datapoints"]
    if points:
        found[name] = {
            "sum": sum(p["Sum"] for p in points), "count": sum(p["SampleCount"] for p in points),
            "min": min(p["Minimum"] for p in points), "max": max(p["Maximum"] for p in points),
            "unit": points[0].get("Unit", "")}
print(json.dumps(found))
