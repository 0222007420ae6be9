"""Judges what a run of the chaos laboratory left: recomputes the market and compares S3 and Kinesis.

    judge.py DIRECTORY      as evidence.py fills it; 0 when all is as promised, 1 with what is not

It shares no code with the programs. The market is docs/exchange-sim.md's formula (market.py), the
manifests are read as docs/verify.md specifies them, files by the readers of strangers (reading.py).
"""

import argparse
import collections
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from market import Market  # noqa: E402
from reading import StreamForms, Unreadable, rows  # noqa: E402

CONTIGUOUS = {"trade", "aggTrade", "depthDiff", "kline"}
STEP = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# Books are worked out level by level: so many at most, evenly over the run.
BOOKS = 1500


def merged(ranges):
    result = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1][1] = max(result[-1][1], last)
        else:
            result.append([first, last])
    return result


def without(first, last, ranges):
    """What of first to last no range covers."""
    for low, high in merged(ranges):
        if low > last:
            break
        if high < first:
            continue
        if low > first:
            yield first, low - 1
        first = max(first, high + 1)
    if first <= last:
        yield first, last


class Prices:
    """What the market says of a row."""

    def __init__(self, facts):
        self.facts = facts
        self.markets, self.books = {}, {}

    def market(self, symbol):
        if symbol not in self.markets:
            self.markets[symbol] = Market(symbol, self.facts["seed"], self.facts["start"],
                                          self.facts["spacing"], self.facts.get("invalid", 0))
        return self.markets[symbol]

    def book(self, symbol, update):
        if (symbol, update) not in self.books:
            if len(self.books) > 64:
                self.books.clear()
            self.books[symbol, update] = self.market(symbol).book(update)
        return self.books[symbol, update]

    def wrong(self, row):
        """Why a row is not what the market has; None where it is."""
        market = self.market(row.symbol)
        tick, step = 1_000_000, 1000
        if row.kind == "trade":
            _, time, ticks, steps, maker = market.trade(row.first)
            expected = (ticks * tick, steps * step, maker)
        elif row.kind == "aggTrade":
            _, time, ticks, steps, first, last, maker = market.aggregate(row.first)
            expected = (ticks * tick, steps * step, first, last, maker)
        elif row.kind == "kline":
            length = int(row.series[:-1]) * STEP[row.series[-1]] * 1_000_000
            newest = self.facts["newest"][row.symbol]["aggregate"]
            kline, time = market.kline(row.first, length, newest), row.first
            if kline is None:
                return "an interval without aggregates" if row.values[-1] else None
            expected = tuple(price * tick for price in kline[:4]) + (
                kline[4] * step, kline[5] * 10, kline[7] * step, kline[8] * 10, kline[6])
            if row.last != row.first + length - 1:
                return f"it ends at {row.last}"
        elif row.kind == "bestBidAsk":
            bids, asks = self.book(row.symbol, row.first)
            bid, ask, time = max(bids), min(asks), row.time
            expected = (bid * tick, bids[bid] * step, ask * tick, asks[ask] * step)
        elif row.kind == "depthDiff":
            time, before, after = row.time, self.book(row.symbol, row.first - 1), self.book(row.symbol, row.last)
            expected = tuple(
                tuple(sorted((price * tick, new.get(price, 0) * step) for price in old.keys() | new.keys()
                             if old.get(price) != new.get(price)))
                for old, new in zip(before, after))
        elif row.kind == "depthSnapshot":
            time, expected = row.time, tuple(
                tuple(sorted((price * tick, steps * step) for price, steps in sorted(
                    side.items(), reverse=not number)[:row.series or 5000]))
                for number, side in enumerate(self.book(row.symbol, row.first)))
        else:
            return None
        if row.values != expected:
            return f"{shown(row.values)} instead of {shown(expected)}"
        if row.time != time:
            return f"its time is {row.time} instead of {time}"
        return None


def shown(values):
    text = str(values)
    return text if len(text) < 200 else text[:200] + "…"


class Judge:
    def __init__(self, directory):
        self.directory = directory
        with open(f"{directory}/facts.json") as file:
            self.facts = json.load(file)
        self.prices = Prices(self.facts)
        self.problems = collections.defaultdict(list)
        self.figures = collections.Counter()

    def say(self, cause, text):
        self.problems[cause].append(text)

    # S3

    def read_bucket(self):
        """The bytes of all objects and manifests."""
        base, found = f"{self.directory}/bucket", {}
        for folder, _, names in os.walk(base):
            for name in names:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, base)] = path
        return found

    def manifests(self, found):
        """Entries of objects that count, by key; ranges that were taken out; as docs/verify.md has it."""
        chains = collections.defaultdict(dict)
        for key, path in found.items():
            if match := re.fullmatch(r"_manifests/([0-9a-f]{16})/(\d{12,})\.json", key):
                with open(path, "rb") as file:
                    chains[match[1]][int(match[2])] = file.read()
            elif not key.startswith("exchange="):
                self.say("stray", f"{key} is neither object nor manifest")
        entries, replaced = {}, {}
        for sink, links in sorted(chains.items()):
            for number in range(1, max(links) + 1):
                if number not in links:
                    self.say("chain", f"manifest {number} of chain {sink} is missing")
                    continue
                manifest = json.loads(links[number])
                if (manifest["format"], manifest["sink"], manifest["number"]) != (1, sink, number):
                    self.say("chain", f"manifest {number} of chain {sink} is of another")
                before = links.get(number - 1)
                expected = hashlib.sha256(before).hexdigest() if before else None
                if manifest["previous"] != expected and (before or number == 1):
                    self.say("chain", f"manifest {number} of chain {sink} does not continue the one before")
                for gone in manifest["removed"]:
                    for entry in entries.values():
                        if entry["sink"] == sink and all(
                                entry[n] == gone[n] for n in ("symbol", "kind", "series", "epoch")):
                            entry["taken_out"] = entry.get("taken_out", []) + gone["ids"]
                for entry in manifest["objects"]:
                    entry |= {"sink": sink, "time": manifest["time_ns"]}
                    if entry["key"] not in entries or entries[entry["key"]]["time"] < entry["time"]:
                        entries[entry["key"]] = entry
                    for key in entry.get("replaces", []):
                        replaced[key] = max(replaced.get(key, 0), entry["time"])
                self.figures["manifests"] += 1
        # What was listed again after it had been merged counts again.
        return {key: entry for key, entry in entries.items() if replaced.get(key, 0) < entry["time"]}, replaced

    def s3(self):
        found = self.read_bucket()
        entries, replaced = self.manifests(found)
        for key in sorted(found):
            if key.startswith("exchange=") and key not in entries and key not in replaced:
                self.say("unlisted", f"{key} is in no manifest")
        held, gaps, books = collections.defaultdict(list), collections.defaultdict(list), []
        for key, entry in sorted(entries.items()):
            if key not in found:
                self.say("deleted", f"{key} is listed and gone")
                continue
            with open(found[key], "rb") as file:
                data = file.read()
            if (len(data), hashlib.sha256(data).hexdigest()) != (entry["bytes"], entry["sha256"]):
                self.say("claims", f"{key} has other bytes than its manifest says")
            try:
                content = rows(key, data)
            except Unreadable as error:
                self.say("unreadable", f"{key}: {error}")
                continue
            self.figures["objects"] += 1
            self.claims(key, entry, content)
            for row in content:
                self.figures[f"s3 {row.kind}"] += 1
                if row.source == "repair":
                    self.figures["s3 repaired"] += 1
                if row.kind == "gap":
                    gaps[row.values[0], row.symbol].append(row)
                    continue
                held[row.kind, row.symbol, row.series].append((row.first, row.last))
                if row.kind in ("depthDiff", "depthSnapshot", "bestBidAsk"):
                    books.append(row)
                else:
                    self.compare("s3", row)
        self.compare_books("s3", books)
        for (kind, symbol, series), ranges in held.items():
            ranges.sort()
            for (first, last), (after, _) in zip(ranges, ranges[1:]):
                if after <= last:
                    self.say("repeated in S3", f"{symbol} {kind} {series or ''}: {after} to {last} is there twice")
        for want in self.facts["wanted"]:
            if want["place"] == "s3":
                self.whole(want, held, gaps, "S3")

    def claims(self, key, entry, content):
        """What a manifest says of an object, against the object."""
        said = []
        if entry["records"] != len(content):
            said.append(f"{entry['records']} records instead of {len(content)}")
        times = [row.time for row in content]
        if times and (entry["first_time"], entry["last_time"]) != (min(times), max(times)):
            said.append(f"times {entry['first_time']} to {entry['last_time']}")
        of = {(row.kind, row.symbol) for row in content}
        if of - {(entry["kind"], entry["symbol"])}:
            said.append(f"{entry['symbol']} {entry['kind']} instead of {of}")
        if "ids" in entry:
            taken = entry.get("taken_out", [])
            ids = merged((row.first, row.last) for row in content)
            claimed = merged([first, last] for first, last in entry["ids"])
            if claimed != ids and not taken:
                said.append(f"ids {shown(claimed)} instead of {shown(ids)}")
            repaired = merged((row.first, row.last) for row in content if row.source == "repair")
            if merged(entry.get("repaired", [])) != repaired:
                said.append(f"repaired {shown(entry.get('repaired', []))} instead of {shown(repaired)}")
        elif "run" in entry and content:
            ids = [row.first for row in content]
            if (entry["run"]["first"], entry["run"]["last"]) != (min(ids), max(ids)):
                said.append(f"a run {entry['run']} instead of {min(ids)} to {max(ids)}")
        if entry["kind"] == "gap":
            claimed = merged(pair for gap in entry.get("gaps", []) for pair in gap["ids"])
            ids = merged((row.first, row.last) for row in content)
            if claimed != ids:
                said.append(f"gaps {shown(claimed)} instead of {shown(ids)}")
        for text in said:
            self.say("claims", f"{key}: its manifest says {text}")

    # Both

    def compare(self, place, row):
        if reason := self.prices.wrong(row):
            self.say("wrong values", f"{place}: {row.symbol} {row.kind} {row.first}: {reason}")
        self.figures[f"{place} compared"] += 1

    def compare_books(self, place, books):
        for kind in ("bestBidAsk", "depthDiff", "depthSnapshot"):
            some = [row for row in books if row.kind == kind]
            for row in some[::max(1, len(some) // (BOOKS // 3))]:
                self.compare(place, row)

    def whole(self, want, held, gaps, place):
        """Every id of a range is there, or declared with a reason; nothing is beyond it."""
        kind, symbol, series = want["kind"], want["symbol"], want.get("series", 0)
        there = held.get((kind, symbol, series), [])
        name = f"{place}: {symbol} {kind} {series or ''}".strip()
        if not there:
            self.say("lost", f"{name}: nothing came")
            return
        self.figures[f"{place} wanted"] += 1
        # Trades are never missing for good: the venue has them. A declaration wants its evidence.
        declared = []
        for row in gaps.get((kind, symbol), []):
            if row.series == series or kind != "kline":
                if place == "S3" and kind != "depthDiff" and want.get("repaired", True):
                    if row.values[1] not in ("notServed", "absent"):
                        continue
                    if not row.values[2]:
                        self.say("no evidence", f"{name}: {row.first} to {row.last} is declared without evidence")
                declared.append((row.first, row.last))
        for first, last in without(want["first"], want["last"], there):
            self.figures[f"{place} ids not held"] += last - first + 1
            for low, high in without(first, last, declared):
                self.say("lost", f"{name}: {low} to {high} is missing and not declared")
        self.figures[f"{place} ids wanted"] += want["last"] - want["first"] + 1
        beyond = [pair for pair in there if pair[1] > want["limit"]]
        if beyond:
            self.say("invented", f"{name}: {beyond[0]} is beyond the newest, {want['limit']}")

    # Kinesis

    def kinesis(self):
        forms, last, known = StreamForms(), {}, {}
        shared = self.facts.get("shared", False)
        held, gaps, books = collections.defaultdict(list), collections.defaultdict(list), []
        with open(f"{self.directory}/streams.jsonl") as file:
            for line in file:
                entry = json.loads(line)
                self.figures["kinesis records"] += 1
                try:
                    content = list(forms.rows(entry))
                except Exception as error:
                    self.say("unreadable", f"{entry['stream']} {entry['sequence']}: {error!r}")
                    continue
                for key, data, row in content:
                    self.figures[f"kinesis {row.kind}"] += 1
                    if row.kind == "gap":
                        gaps[row.values[0], row.symbol].append(row)
                        continue
                    sequence = (entry["stream"], key, row.kind, row.symbol, row.series)
                    # Two hosts receive a record at two times, which is all that a book of REST and a quote of
                    # the streams without a key have.
                    time = row.time if row.kind not in ("depthSnapshot", "bestBidAsk") else 0
                    what = repr((time, row.values)).encode() if shared else data
                    digest = hashlib.blake2b(what, digest_size=8).digest()
                    before = known.setdefault(sequence, {})
                    # Kinesis cannot store on condition: after a lost answer a record may come again. Its
                    # bytes are the same, so that a reader can tell.
                    if row.first in before:
                        self.figures["kinesis repeats"] += 1
                        self.figures[f"kinesis repeats of {row.kind}"] += 1
                        if before[row.first] != digest:
                            self.say("repeats", f"{row.symbol} {row.kind} {row.first} came again with other bytes")
                        continue
                    before[row.first] = digest
                    if row.first <= last.get(sequence, -1):
                        # What one of two hosts missed comes from the other, once that is known.
                        if shared:
                            self.figures["kinesis late"] += 1
                        else:
                            self.say("order", f"{entry['stream']}, key {key}: {row.kind} {row.first} "
                                              f"came after {last[sequence]}")
                    last[sequence] = max(last.get(sequence, -1), row.last)
                    held[row.kind, row.symbol, row.series].append((row.first, row.last))
                    if row.kind in ("depthDiff", "depthSnapshot", "bestBidAsk"):
                        books.append(row)
                    else:
                        self.compare("kinesis", row)
        self.compare_books("kinesis", books)
        if self.figures["kinesis repeats"] and not self.facts.get("may_repeat", True):
            self.say("repeats", f"{self.figures['kinesis repeats']} records came again without a lost answer or a kill")
        for want in self.facts["wanted"]:
            if want["place"] == "kinesis":
                self.whole(want, held, gaps, "Kinesis")

    def run(self):
        if any(want["place"] == "s3" for want in self.facts["wanted"]):
            self.s3()
        if any(want["place"] == "kinesis" for want in self.facts["wanted"]):
            self.kinesis()
        if not self.facts["wanted"]:
            self.say("nothing", "no sequence was asked for")
        return not self.problems

    def report(self):
        for name in sorted(self.figures):
            print(f"judge: {name:<26} {self.figures[name]}")
        for cause, texts in sorted(self.problems.items()):
            print(f"judge: {cause}: {len(texts)}")
            for text in texts[:6]:
                print(f"judge:     {text}")
        if not self.problems:
            order = "" if self.facts.get("shared") else " order kept in Kinesis,"
            print(f"judge: lost 0, repeated 0 in S3,{order} every hole closed or declared, manifests equal to the bucket")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    judge = Judge(parser.parse_args().directory)
    good = judge.run()
    judge.report()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
