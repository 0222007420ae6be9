"""Reads the tables of a directory with pyarrow and DuckDB and compares them with what was written.

Each NAME.parquet has a NAME.json beside it with the values. The page index, which neither of them
prints, is read here and compared with the values page by page.
"""
import decimal
import json
import os
import pathlib
import struct
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

decimal.getcontext().prec = 80


def expected(column):
    kind, values = column["type"], column["values"]
    if kind == "boolean":
        return values
    if kind in ("int64", "timestamp"):
        return [None if v is None else int(v) for v in values]
    if kind.startswith("decimal"):
        scale = int(kind.split("scale: ")[1].rstrip(")"))
        return [None if v is None else decimal.Decimal(v).scaleb(-scale) for v in values]
    texts = [None if v is None else bytes.fromhex(v) for v in values]
    return [v if v is None or kind == "bytes" else v.decode() for v in texts]


def of_arrow(column, array):
    if column["type"] == "timestamp":
        assert array.type == pa.timestamp("us", tz="UTC"), array.type
        array = array.cast(pa.int64())
    return array.to_pylist()


def check_arrow(path, table):
    file = pq.ParquetFile(path, page_checksum_verification=True)
    read = file.read()
    assert read.num_rows == len(table[0]["values"])
    for column in table:
        found = of_arrow(column, read[column["name"]].combine_chunks())
        assert found == expected(column), (path, column["name"], column["type"])
    assert file.metadata.metadata[b"rows"] == str(read.num_rows).encode()
    assert file.metadata.metadata[b"empty"] == b""
    for index, field in enumerate(file.schema_arrow):
        assert field.metadata[b"PARQUET:field_id"] == str(index + 1).encode()
        assert field.nullable == table[index]["optional"], field
    check_statistics(file.metadata, table)


def check_statistics(metadata, table):
    start = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        for index, column in enumerate(table):
            own = [v for v in expected(column)[start:start + rows] if v is not None]
            statistics = metadata.row_group(group).column(index).statistics
            assert statistics.null_count == rows - len(own)
            if column["type"] in ("int64", "boolean") and own:
                assert (statistics.min, statistics.max) == (min(own), max(own)), column["name"]
        start += rows


def check_duckdb(path, table):
    names = []
    for column in table:
        name = column["name"]
        names.append(f"epoch_us({name})" if column["type"] == "timestamp" else name)
    rows = duckdb.sql(f"SELECT {', '.join(names)} FROM '{path}'").fetchnumpy()
    con = duckdb.connect()
    con.execute("SET preserve_insertion_order = true")
    rows = con.execute(f"SELECT {', '.join(names)} FROM '{path}'").fetchall()
    for index, column in enumerate(table):
        assert [row[index] for row in rows] == expected(column), (path, column["name"], column["type"])
    for index, column in enumerate(table):
        if column["type"] != "int64" or column["optional"] or not rows:
            continue
        ordered = sorted(row[index] for row in rows)
        for part in range(0, len(ordered), max(1, len(ordered) // 7)):
            low, high = ordered[part], ordered[min(part + 3, len(ordered) - 1)]
            found = con.execute(
                f"SELECT count(*) FROM '{path}' WHERE {column['name']} BETWEEN {low} AND {high}").fetchone()[0]
            assert found == sum(1 for value in ordered if low <= value <= high), (path, column["name"])


class Thrift:
    """The compact protocol, as far as the page index needs it."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def value(self, kind, in_list=False):
        if kind in (1, 2):
            return self.byte() == 1 if in_list else kind == 1
        if kind == 3:
            return self.byte()
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            length = self.varint()
            self.at += length
            return self.data[self.at - length:self.at]
        if kind == 9:
            head = self.byte()
            count = self.varint() if head >> 4 == 15 else head >> 4
            return [self.value(head & 15, True) for _ in range(count)]
        fields, last = {}, 0
        while head := self.byte():
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)
        return fields


def plain(column, raw):
    kind = column["type"]
    if kind == "boolean":
        return raw == b"\1"
    if kind.startswith("decimal38"):
        scale = int(kind.split("scale: ")[1].rstrip(")"))
        return decimal.Decimal(int.from_bytes(raw, "big", signed=True)).scaleb(-scale)
    if kind.startswith("decimal18"):
        scale = int(kind.split("scale: ")[1].rstrip(")"))
        return decimal.Decimal(struct.unpack("<q", raw)[0]).scaleb(-scale)
    if kind in ("int64", "timestamp"):
        return struct.unpack("<q", raw)[0]
    return raw


def check_page_index(path, table):
    data = path.read_bytes()
    length = struct.unpack("<I", data[-8:-4])[0]
    footer = Thrift(data, len(data) - 8 - length).value(12)
    start, pages = 0, 0
    for group in footer[4]:
        for column, chunk in zip(table, group[1]):
            offsets = Thrift(data, chunk[4]).value(12)[1]
            index = Thrift(data, chunk[6]).value(12)
            rows = group[3]
            values = expected(column)[start:start + rows]
            if column["type"] == "string":
                values = [None if v is None else v.encode() for v in values]
            ends = [page[3] for page in offsets[1:]] + [rows]
            lows, highs = [], []
            for number, (page, end) in enumerate(zip(offsets, ends)):
                pages += 1
                header = Thrift(data, page[1])
                head = header.value(12)
                assert head[1] == 0 and page[2] == header.at - page[1] + head[3], "a page's place"
                own = [v for v in values[page[3]:end] if v is not None]
                assert index[5][number] == end - page[3] - len(own), "null_counts"
                assert index[1][number] == (not own), "null_pages"
                if not own:
                    continue
                low, high = plain(column, index[2][number]), plain(column, index[3][number])
                lows.append(low)
                highs.append(high)
                if column["type"] in ("string", "bytes"):
                    assert low <= min(own) and high >= max(own), (path, column["name"])
                    assert len(low) <= max(64, len(min(own)))
                else:
                    assert (low, high) == (min(own), max(own)), (path, column["name"], number)
            order = index[4]
            if order == 1:
                assert lows == sorted(lows) and highs == sorted(highs)
            if order == 2:
                assert lows == sorted(lows, reverse=True) and highs == sorted(highs, reverse=True)
            if order == 0:
                assert lows != sorted(lows) or highs != sorted(highs)
        start += group[3]
    return pages


def main():
    tables = pages = values = 0
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.parquet")):
        table = json.loads(path.with_suffix(".json").read_text())
        check_arrow(path, table)
        check_duckdb(path, table)
        pages += check_page_index(path, table)
        tables += 1
        values += sum(len(column["values"]) for column in table)
    print(f"{tables} tables, {values} values, {pages} pages: pyarrow {pa.__version__}, DuckDB {duckdb.__version__}")


main()
# pyarrow's threads may abort a process that ends in order.
sys.stdout.flush()
os._exit(0)
