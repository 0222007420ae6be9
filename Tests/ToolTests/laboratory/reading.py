"""Reads what the sinks wrote with the readers of strangers, into one form of row.

Objects: pyarrow for Parquet, fastavro for Avro, zstandard, gzip and json for NDJSON. Data of Kinesis:
aws-kinesis-agg for the containers, fastavro by the schemas in docs/schemas, json. Prices and quantities
become whole numbers of 1e-8, times µs, so that they compare exactly.
"""

import base64
import collections
import datetime
import decimal
import gzip
import io
import json
import pathlib

import aws_kinesis_agg.deaggregator
import fastavro
import fastavro.schema
import pyarrow
import pyarrow.parquet
import zstandard

# `first` and `last` are the ids that a row covers, `values` what the market is asked for, `source` who
# fetched it.
Row = collections.namedtuple("Row", "kind symbol series first last time values source")

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "docs/schemas"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
IDS = {"trade": ("trade_id",), "aggTrade": ("agg_trade_id",), "bestBidAsk": ("update_id",),
       "depthDiff": ("first_update_id", "last_update_id"), "depthSnapshot": ("last_update_id",),
       "kline": ("open_time", "close_time"), "gap": ("first_id", "last_id")}
AMOUNTS = {"trade": ("price", "qty"), "aggTrade": ("price", "qty"),
           "bestBidAsk": ("bid_px", "bid_sz", "ask_px", "ask_sz"),
           "kline": ("open_price", "high_price", "low_price", "close_price", "volume", "quote_volume",
                     "taker_buy_base_volume", "taker_buy_quote_volume")}
OTHERS = {"trade": ("is_buyer_maker",), "aggTrade": ("first_trade_id", "last_trade_id", "is_buyer_maker"),
          "kline": ("trade_count",), "gap": ("missing_kind", "reason", "evidence")}
SCALE = decimal.Decimal(10) ** 8
CONTEXT = decimal.Context(prec=60)


class Unreadable(Exception):
    """Bytes that no reader takes."""


def whole(amount):
    """A price or quantity as a whole number of 1e-8."""
    number = CONTEXT.multiply(decimal.Decimal(amount), SCALE)
    if number != number.to_integral_value():
        raise Unreadable(f"{amount} has more than eight decimals")
    return int(number)


def moment(value):
    """µs since the epoch of a time in any of the forms."""
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    return int(value)


def row_of(kind, field, levels=None):
    """The row of one record; `field` gives the value of a column, `levels` both sides of a book."""
    ids = [moment(field(name)) for name in IDS.get(kind, ())] or [0]
    if kind in ("depthDiff", "depthSnapshot"):
        values = tuple(tuple(sorted((whole(price), whole(qty)) for price, qty in side)) for side in levels)
    else:
        values = tuple(whole(field(name)) for name in AMOUNTS.get(kind, ()))
        values += tuple(field(name) for name in OTHERS.get(kind, ()))
    series = field("kline_interval") if kind == "kline" else field("series") if kind in (
        "depthSnapshot", "gap") else 0
    return Row(kind, field("symbol"), series, ids[0], ids[-1], moment(field("event_time")), values,
               field("source"))


def of_dictionary(kind, record):
    """The row of a record as Avro or JSON has it."""

    def field(name):
        for form in (f"{name}_exact", f"{name}_us", name):
            if form in record:
                return record[form]
        if name == "series":
            return 0
        raise Unreadable(f"{kind} has no {name}")

    def level(entry):
        if isinstance(entry, dict):
            return entry["price_exact"], entry["qty_exact"]
        return entry

    levels = [[level(entry) for entry in record[side]] for side in ("bids", "asks")] if "bids" in record else None
    return row_of(kind, field, levels)


def parquet(data, kind):
    table = pyarrow.parquet.read_table(io.BytesIO(data))
    columns = {}
    for name, column in zip(table.column_names, table.columns):
        if pyarrow.types.is_timestamp(column.type):
            column = column.cast(pyarrow.int64())
        columns[name] = column.to_pylist()
    if kind not in ("depthDiff", "depthSnapshot"):
        for number in range(table.num_rows):
            yield row_of(kind, lambda name: columns[name][number])
        return
    # A row for each level; those of one message are together.
    start = 0
    while start < table.num_rows:
        message, sides, end = columns["message"][start], {"bid": [], "ask": [], None: []}, start
        while end < table.num_rows and columns["message"][end] == message:
            if columns["side"][end] is not None:
                sides[columns["side"][end]].append((columns["price"][end], columns["qty"][end]))
            end += 1
        yield row_of(kind, lambda name: columns[name][start], (sides["bid"], sides["ask"]))
        start = end


def lines(data):
    for line in data.splitlines():
        yield json.loads(line, parse_float=decimal.Decimal)


def rows(key, data):
    """The rows of an object."""
    kind = next((part[5:] for part in key.split("/") if part.startswith("kind=")), None)
    try:
        if key.endswith(".zst"):
            key, data = key[:-4], zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
        elif key.endswith(".gz"):
            key, data = key[:-3], gzip.decompress(data)
        if key.endswith(".parquet"):
            return list(parquet(data, kind))
        if key.endswith(".avro"):
            return [of_dictionary(kind, record) for record in fastavro.reader(io.BytesIO(data))]
        if key.endswith(".ndjson"):
            return [of_dictionary(kind, record) for record in lines(data)]
    except Exception as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error
    raise Unreadable("not a form that this judge reads: it has readers for parquet, avro and ndjson")


class StreamForms:
    """Takes the data of Kinesis records apart, in whatever form they are."""

    def __init__(self):
        self.schemas = {}
        for path in sorted(SCHEMAS.glob("*.avsc")):
            schema = json.loads(path.read_text())
            text = fastavro.schema.to_parsing_canonical_form(schema)
            print_ = bytes.fromhex(fastavro.schema.fingerprint(text, "CRC-64-AVRO"))
            self.schemas[print_] = (path.stem, fastavro.parse_schema(schema))

    def row(self, data):
        """The row of one record of a user."""
        if data[:4] == b"\x28\xb5\x2f\xfd":
            data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()
        if data[:2] == b"\xc3\x01":
            # CRC-64-AVRO is little-endian on the wire.
            known = self.schemas.get(data[2:10]) or self.schemas.get(data[2:10][::-1])
            if known is None:
                raise Unreadable(f"a schema of fingerprint {data[2:10].hex()} that docs/schemas does not have")
            kind, schema = known
            return of_dictionary(kind, fastavro.schemaless_reader(io.BytesIO(data[10:]), schema))
        if data[:1] == b"{":
            record = json.loads(data, parse_float=decimal.Decimal)
            return of_dictionary(record.get("record_kind") or record["kind"], record)
        raise Unreadable(f"data that begins with {data[:8].hex()}: it has readers for avro and json")

    def rows(self, entry):
        """The rows in one Kinesis record, with the key of each: a container has many."""
        plain = aws_kinesis_agg.deaggregator.deaggregate_records([{
            "eventVersion": "1.0", "eventID": "", "kinesis": {
                "kinesisSchemaVersion": "1.0", "sequenceNumber": entry["sequence"],
                "partitionKey": entry["key"], "data": entry["data"],
                "approximateArrivalTimestamp": 0}}])
        for record in plain:
            data = base64.b64decode(record["kinesis"]["data"])
            yield record["kinesis"]["partitionKey"], data, self.row(data)
