"""pyarrow's writer on the columns that `bench-core parquet` writes, with the same encodings: FILE PASSES.

The columns are in memory before the first pass; a pass is what a file costs from there.
"""

import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

frames = np.fromfile(sys.argv[1], dtype=np.dtype({
    "names": ["time", "ingest", "id", "venue", "price_exponent", "qty_exponent", "flags", "price", "qty",
              "maker", "best"],
    "formats": ["<i8", "<i8", "<i8", "u1", "i1", "i1", "<u2", "<i8", "<i8", "u1", "u1"],
    "offsets": [14 + offset for offset in (0, 8, 16, 66, 68, 69, 70, 72, 80, 88, 89)],
    "itemsize": 110}))
rows = len(frames)


def decimals(values, precision):
    wide = np.empty((rows, 2), "<i8")
    wide[:, 0], wide[:, 1] = values, values >> 63
    return pa.Array.from_buffers(pa.decimal128(precision, 8), rows, [None, pa.py_buffer(wide.tobytes())])


def long(name):
    return pa.array(frames[name].astype("<i8"))


columns = {
    "symbol": pa.array(np.full(rows, "BTCUSDT")),
    "event_time": long("time").cast(pa.timestamp("us", tz="UTC")), "trade_id": long("id"),
    "price": decimals(frames["price"], 18), "qty": decimals(frames["qty"], 38),
    "is_buyer_maker": pa.array(frames["maker"] == 1), "source": pa.array(np.full(rows, "rest")),
    "is_best_match": pa.array(frames["best"] == 1, mask=frames["best"] == 255),
    "price_exponent": long("price_exponent"), "qty_exponent": long("qty_exponent"),
    "ingest_time_ns": long("ingest"), "venue": long("venue"), "flags": long("flags"),
    "extra": pa.nulls(rows, pa.string()),
}
table = pa.table(columns)
words = ["symbol", "source", "extra"]
differences = ["event_time", "trade_id", "price_exponent", "qty_exponent", "ingest_time_ns", "venue", "flags"]
total = 0
for _ in range(int(sys.argv[2])):
    sink = pa.BufferOutputStream()
    pq.write_table(
        table, sink, row_group_size=122_880, compression="zstd", compression_level=3, use_dictionary=words,
        column_encoding={name: "DELTA_BINARY_PACKED" for name in differences}, store_decimal_as_integer=True,
        write_page_index=True, write_page_checksum=True)
    total += len(sink.getvalue())
print(f"{total} bytes")
