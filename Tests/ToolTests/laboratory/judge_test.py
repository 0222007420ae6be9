"""Shows that judge.py can fail: spoils copies of what a good run left, and wants each found.

    judge_test.py DIRECTORY      as laboratory.py --keep leaves it
"""

import base64
import collections
import hashlib
import io
import json
import os
import random
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pyarrow
import pyarrow.parquet
from judge import Judge


class Copy:
    """A copy of a run's evidence, and ways to spoil it."""

    def __init__(self, source, target):
        shutil.copytree(source, target)
        self.path = target

    def objects(self, kind):
        for folder, _, names in sorted(os.walk(f"{self.path}/bucket")):
            for name in sorted(names):
                if f"kind={kind}/" in folder and name.endswith(".parquet"):
                    yield os.path.join(folder, name)

    def object(self, kind, rows=2):
        return next(path for path in self.objects(kind) if pyarrow.parquet.read_metadata(path).num_rows >= rows)

    def rewrite(self, path, change, forge=True):
        """Changes the table of an object; with `forge`, manifests tell of the new bytes, chain and all."""
        table = change(pyarrow.parquet.read_table(path))
        out = io.BytesIO()
        pyarrow.parquet.write_table(table, out)
        with open(path, "wb") as file:
            file.write(out.getvalue())
        if forge:
            self.forge(os.path.relpath(path, f"{self.path}/bucket"), bytes=len(out.getvalue()),
                       sha256=hashlib.sha256(out.getvalue()).hexdigest())

    def forge(self, name_of_object, **members):
        """Changes what manifests say of an object, and all that follow in the chain."""
        base = f"{self.path}/bucket/_manifests"
        for sink in os.listdir(base):
            previous = None
            for name in sorted(os.listdir(f"{base}/{sink}")):
                with open(f"{base}/{sink}/{name}", "rb") as file:
                    data = file.read()
                manifest = json.loads(data)
                if previous is not None:
                    manifest["previous"] = previous
                for entry in manifest["objects"]:
                    if entry["key"] == name_of_object:
                        entry.update(members)
                if manifest != json.loads(data):
                    data = json.dumps(manifest).encode()
                with open(f"{base}/{sink}/{name}", "wb") as file:
                    file.write(data)
                previous = hashlib.sha256(data).hexdigest()

    def stream(self, change):
        with open(f"{self.path}/streams.jsonl") as file:
            records = [json.loads(line) for line in file]
        with open(f"{self.path}/streams.jsonl", "w") as file:
            for record in change(records):
                file.write(json.dumps(record) + "\n")


def deleted(copy):
    os.remove(copy.object("trade"))


def deleted_with_its_manifest_entry(copy):
    path = copy.object("trade")
    os.remove(path)
    copy.forge(os.path.relpath(path, f"{copy.path}/bucket"), key="exchange=binance/kind=trade/elsewhere.parquet")


def repeated(copy):
    path = copy.object("trade")
    copy.rewrite(path, lambda table: pyarrow.concat_tables([table, table.slice(0, 1)]))
    copy.forge(os.path.relpath(path, f"{copy.path}/bucket"), records=pyarrow.parquet.read_metadata(path).num_rows)


def column(name, change):
    def apply(table):
        place = table.column_names.index(name)
        values = table.column(name).to_pylist()
        values[len(values) // 2] = change(values[len(values) // 2])
        return table.set_column(place, table.field(name), pyarrow.array(values, table.field(name).type))
    return apply


def wrong_price(copy):
    copy.rewrite(copy.object("trade"), column("price", lambda price: price + price.__class__("0.01")))


def wrong_quantity_of_an_aggregate(copy):
    copy.rewrite(copy.object("aggTrade"), column("qty", lambda qty: qty * 2))


def wrong_quote(copy):
    for path in copy.objects("bestBidAsk"):
        copy.rewrite(path, lambda table: table.set_column(
            table.column_names.index("ask_sz"), table.field("ask_sz"), table.column("bid_sz")))


def changed_bytes(copy):
    copy.rewrite(copy.object("trade"), column("price", lambda price: price), forge=False)


def overstated(copy):
    path = copy.object("trade")
    key = os.path.relpath(path, f"{copy.path}/bucket")
    ids = pyarrow.parquet.read_table(path).column("trade_id").to_pylist()
    copy.forge(key, ids=[[min(ids), max(ids) + 5]])


def broken_chain(copy):
    base = f"{copy.path}/bucket/_manifests"
    sink = max(os.listdir(base), key=lambda name: len(os.listdir(f"{base}/{name}")))
    os.remove(f"{base}/{sink}/{sorted(os.listdir(f'{base}/{sink}'))[1]}")


def stray_object(copy):
    path = copy.object("trade")
    shutil.copy(path, os.path.join(os.path.dirname(path), "000000000000-000000000000.parquet"))


def trades_of_stream(copy):
    with open(f"{copy.path}/streams.jsonl") as file:
        streams = collections.Counter(json.loads(line)["stream"] for line in file)
    return next(name for name in streams if "trade" in name)


def swapped(copy):
    name = trades_of_stream(copy)

    def change(records):
        places = [i for i, record in enumerate(records) if record["stream"] == name]
        for a, b in zip(places[4:], places[5:]):
            if records[a]["shard"] == records[b]["shard"] and records[a]["key"] == records[b]["key"]:
                records[a], records[b] = records[b], records[a]
                return records
        raise SystemExit("judge_test: no two records of a key follow each other")
    copy.stream(change)


def lost_from_the_stream(copy):
    name = trades_of_stream(copy)
    copy.stream(lambda records: [record for number, record in enumerate(records)
                                 if record["stream"] != name or number % 50])


def spoiled_in_the_stream(copy):
    name = trades_of_stream(copy)

    def change(records):
        for record in [record for record in records if record["stream"] == name][3:]:
            data = bytearray(base64.b64decode(record["data"]))
            # One byte could be of the receive time, which no market tells.
            for place in range(len(data) // 3, len(data)):
                data[place] ^= 0x55
            record["data"] = base64.b64encode(data).decode()
            return records
    copy.stream(change)


CASES = [
    (deleted, {"deleted", "lost"}), (deleted_with_its_manifest_entry, {"deleted", "lost"}),
    (repeated, {"repeated in S3"}), (wrong_price, {"wrong values"}),
    (wrong_quantity_of_an_aggregate, {"wrong values"}), (wrong_quote, {"wrong values"}),
    (changed_bytes, {"claims"}), (overstated, {"claims"}), (broken_chain, {"chain"}), (stray_object, {"unlisted"}),
    (swapped, {"order"}), (lost_from_the_stream, {"lost"}),
    (spoiled_in_the_stream, {"unreadable", "wrong values", "repeats", "order"}),
]


def main():
    source, missed = sys.argv[1], []
    good = Judge(source)
    if not good.run():
        good.report()
        sys.exit("judge_test: the run itself is not good")
    random.seed(1)
    for case, causes in CASES:
        with tempfile.TemporaryDirectory() as scratch:
            copy = Copy(source, f"{scratch}/copy")
            case(copy)
            judge = Judge(copy.path)
            judge.run()
            found = set(judge.problems)
            if not found & causes:
                missed.append(f"{case.__name__}: found {found or 'nothing'} instead of {causes}")
            print(f"judge_test: {case.__name__}: {', '.join(sorted(found)) or 'nothing'}")
    if missed:
        print("\n".join(missed))
        sys.exit(1)
    print(f"judge_test: all {len(CASES)} found")


main()
