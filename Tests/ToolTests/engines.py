"""Runs the lines of docs/query.md that are for one format, and compares what they print with the market.

usage: engines.py DOCUMENT FOLDER FORMAT COMPRESSION [--rows] [--s3]

FOLDER has data/bronze in it, with trades of BTCUSDT and ETHUSDT over two hours at one aggregate a
second. For each engine a line: its name, `ok` and seconds, or `no` and why. --rows opens a table of
every other kind as well. --s3 runs the lines once more against the same files in a local S3.
"""

import contextlib
import datetime
import decimal
import glob
import io
import json
import os
import re
import sys
import time

from market import Market

document, folder, form, compression = sys.argv[1:5]
SCALE = decimal.Decimal("0.00000001")
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def blocks():
    """(engine, language, lines) of the document for this format."""
    text = open(document).read()
    found = []
    for language, engine, own, lines in re.findall(r"```(\w+) (\w+) (\w+)\n(.*?)```", text, re.S):
        if own == form:
            if form == "ndjson":
                ending = {"zstd": ".zst", "gzip": ".gz", "none": ""}[compression]
                lines = lines.replace(".ndjson.zst", ".ndjson" + ending)
            found.append((engine, language, lines))
    assert found, f"{document} has no lines for {form}"
    return found


def expected():
    """Trades of BTCUSDT in the second hour: count, volume, first and last time in µs, low, high."""
    market = Market("BTCUSDT", spacing=1_000_000)
    hour = market.start // 3_600_000_000 + 1
    rows, number = [], 0
    while True:
        number += 1
        _, at, ticks, steps, _ = market.trade(number)
        if at // 3_600_000_000 > hour:
            break
        if at // 3_600_000_000 == hour:
            rows.append((at, ticks, steps))
    return (
        len(rows), decimal.Decimal(sum(row[2] for row in rows)).scaleb(-5),
        min(row[0] for row in rows), max(row[0] for row in rows),
        decimal.Decimal(min(row[1] for row in rows)).scaleb(-2),
        decimal.Decimal(max(row[1] for row in rows)).scaleb(-2),
    )


def number(value):
    """A price or sum, exact; None for a double that is off in the last digit."""
    if hasattr(value, "as_py"):
        value = value.as_py()
    if isinstance(value, float):
        return decimal.Decimal(repr(float(value))).quantize(SCALE)
    return decimal.Decimal(str(value)).quantize(SCALE)


def micros(value):
    """A time as µs since the epoch."""
    if hasattr(value, "as_py"):
        value = value.as_py()
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    if isinstance(value, str):
        value = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    return int(value)


def row_of(values):
    if len(values) == 1:
        values = values[0]
    if hasattr(values, "row"):  # Polars
        values = values.row(0)
    return tuple(values)


def run_python(lines):
    printed = []
    exec(compile(lines, "docs/query.md", "exec"), {"print": lambda *values: printed.append(values)})
    assert len(printed) == 1, "the lines print once"
    return row_of(printed[0])


def run_duckdb(lines):
    import duckdb

    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    if form == "avro":
        import duckdb_extension_avro

        con.execute("SET allow_unsigned_extensions = false")
        path = glob.glob(os.path.dirname(duckdb_extension_avro.__file__) + "/**/*.duckdb_extension", recursive=True)
        con.execute(f"LOAD '{path[0]}'")
    con.execute("CREATE TABLE answer AS " + lines)
    return con.execute(
        "SELECT trades, volume, epoch_us(first), epoch_us(last), low, high FROM answer").fetchone()


def run_clickhouse(lines):
    import chdb

    wrapped = (
        "SELECT trades, toString(volume), toUnixTimestamp64Micro(CAST(first AS DateTime64(6, 'UTC'))), "
        "toUnixTimestamp64Micro(CAST(last AS DateTime64(6, 'UTC'))), toString(low), toString(high) "
        f"FROM ({lines})")
    return json.loads(str(chdb.query(wrapped, "JSONCompactEachRow")))


def run_datafusion(lines, context=None):
    import datafusion

    context = context or datafusion.SessionContext()
    *before, last = [part for part in lines.split(";") if part.strip()]
    for part in before:
        context.sql(part)
    batch = context.sql(last).to_arrow_table().to_pylist()[0]
    return tuple(batch.values())


RUNNERS = {"duckdb": run_duckdb, "clickhouse": run_clickhouse, "datafusion": run_datafusion}


def judge(row, want):
    found = (int(number(row[0])), number(row[1]), micros(row[2]), micros(row[3]), number(row[4]), number(row[5]))
    want = (want[0], number(want[1]), want[2], want[3], number(want[4]), number(want[5]))
    assert found == want, f"{found} instead of {want}"


def run_on_s3(want):
    """The lines with the bucket in place of the folder; DuckDB's httpfs is a download, pandas is pyarrow's reader."""
    import boto3
    import datafusion
    import datafusion.object_store
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0)
    with contextlib.redirect_stdout(io.StringIO()):
        server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    os.environ.update(
        AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b", AWS_REGION="us-east-1", AWS_DEFAULT_REGION="us-east-1",
        AWS_ENDPOINT_URL=url, AWS_ALLOW_HTTP="true", AWS_EC2_METADATA_DISABLED="true")
    client = boto3.client("s3", endpoint_url=url)
    client.create_bucket(Bucket="my-bucket")
    for path in glob.glob("data/bronze/exchange=binance/**/*.*", recursive=True):
        if os.path.isfile(path):
            client.upload_file(path, "my-bucket", path.removeprefix("data/"))
    store = datafusion.object_store.AmazonS3(
        bucket_name="my-bucket", region="us-east-1", access_key_id="a", secret_access_key="b", endpoint=url,
        allow_http=True)

    def s3_datafusion(lines):
        context = datafusion.SessionContext()
        context.register_object_store("s3://", store, "my-bucket")
        return run_datafusion(lines, context)

    folder = "s3://my-bucket/bronze/"
    runners = {
        "polars": lambda lines: run_python(lines.replace("data/bronze/", folder)),
        "pyarrow": lambda lines: run_python(
            re.sub(r'"data/bronze/([^"]*)"', rf'"{folder}\1?endpoint_override={host}:{port}&scheme=http"', lines)),
        "clickhouse": lambda lines: run_clickhouse(
            re.sub(r"file\('data/bronze/([^']*)', (\w+)\)", rf"s3('{url}/my-bucket/bronze/\1', 'a', 'b', '\2')", lines)),
        "datafusion": lambda lines: s3_datafusion(lines.replace("data/bronze/", folder)),
    }
    for engine, _, lines in blocks():
        if engine in runners:
            report(engine, f"{form} {compression}+s3", lambda: judge(runners[engine](lines), want))


def check_kinds():
    """Every kind's folder opens in every engine that reads Parquet, with the same number of rows."""
    import chdb
    import datafusion
    import duckdb
    import pandas
    import polars
    import pyarrow.dataset

    kinds = 0
    for path in sorted(glob.glob("data/bronze/exchange=binance/kind=*")):
        kind = path.rsplit("=", 1)[1]
        own = f"{path}/**/*.parquet"
        counts = {
            "duckdb": duckdb.sql(f"SELECT count(*) FROM read_parquet('{own}', hive_partitioning = true)").fetchone()[0],
            "clickhouse": int(str(chdb.query(f"SELECT count() FROM (SELECT * FROM file('{own}', Parquet))"))),
            "polars": polars.scan_parquet(path + "/", hive_partitioning=True).collect().height,
            "pandas": len(pandas.read_parquet(path + "/")),
            "pyarrow": pyarrow.dataset.dataset(path + "/", partitioning="hive").to_table().num_rows,
        }
        context = datafusion.SessionContext()
        context.sql(f"CREATE EXTERNAL TABLE own STORED AS PARQUET LOCATION '{path}/'")
        counts["datafusion"] = sum(batch.num_rows for batch in context.sql("SELECT * FROM own").collect())
        assert len(set(counts.values())) == 1 and counts["duckdb"] > 0, f"{kind}: {counts}"
        print(f"rows {kind} {counts['duckdb']}")
        kinds += 1
    return kinds


def report(engine, what, work):
    start = time.monotonic()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            work()
        print(f"{engine} {what} ok {time.monotonic() - start:.2f}")
    except Exception as error:  # noqa: BLE001: any refusal is an answer
        reason = " ".join(str(error).split())[:160]
        print(f"{engine} {what} no {type(error).__name__}: {reason}")


def main():
    os.chdir(folder)
    want = expected()
    assert want[0] > 5000, "an hour of trades"
    for engine, language, lines in blocks():
        runner = RUNNERS[engine] if language == "sql" else run_python
        report(engine, f"{form} {compression}", lambda: judge(runner(lines), want))
    if "--rows" in sys.argv:
        check_kinds()
    if "--s3" in sys.argv:
        run_on_s3(want)


main()
# pyarrow's threads may abort a process that ends in order.
sys.stdout.flush()
os._exit(0)
