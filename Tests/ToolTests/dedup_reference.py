"""What dedup has to pass on, from its documentation alone and with plain sets of ids, compared with
what it does on streams that a seed makes: all kinds, repeats, disorder, holes, gap records.

usage: dedup_reference.py PROGRAM FIRST-SEED COUNT
"""
import datetime
import random
import struct
import subprocess
import sys

MICROSECONDS = {1: 10**6, 2: 60 * 10**6, 3: 180 * 10**6, 4: 300 * 10**6, 15: 7 * 86_400 * 10**6}
DAY = 86_400 * 10**6
MONTH, WEEK = 16, 15
TRADE, AGGREGATE, KLINE, QUOTE, DEPTH, SNAPSHOT, GAP, RAW, UNKNOWN = 1, 2, 3, 4, 5, 6, 7, 8, 99
NUMBERED = (TRADE, AGGREGATE, KLINE, DEPTH)
BY_LAST_IDS = (QUOTE, SNAPSHOT)
REPAIR = 4
MISSED = 1
# Above so many pieces a gap record goes on as it came.
MOST_PIECES = 256


def frame(kind, first, last, symbol, series=0, venue=1, source=1, is_closed=1, missing=1, reason=1):
    time = 1_704_067_200_000_000
    block = struct.pack("<qqqq32sHBBbbH", time, time * 1000 + 7, first, last, symbol.encode(), series, venue,
                        source, -8, -8, 0)
    groups = b""
    if kind == KLINE:
        block = (block + bytes(40 + 64 + 8) + bytes([is_closed])).ljust(192, b"\0")
    elif kind == GAP:
        block = (block + struct.pack("<HB", missing, reason)).ljust(80, b"\0")
        groups = struct.pack("<I", 0)
    elif kind in (DEPTH, SNAPSHOT):
        groups = struct.pack("<HI", 16, 0) * 2
    elif kind == RAW:
        groups = struct.pack("<I", 3) + b"xyz"
    else:
        block = block.ljust({TRADE: 96, AGGREGATE: 112}.get(kind, 104), b"\0")
    message = struct.pack("<HHHH", len(block), kind, 8802, 1) + block + groups
    return struct.pack(">IH", len(message) + 6, 0xEB50) + message


class Stream:
    """Records of a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        pick = self.random.choice
        self.symbols = [f"S{number}" for number in range(pick([1, 2, 5, 40]))]
        self.symbols += ["LONGSYMBOLNAMETHATHAS32BYTES0123", "LONGSYMBOLNAMETHATHAS32BYTES0124"]
        self.kinds = pick([[1], [1, 2], [3], [5], [4, 6], [1, 2, 3, 4, 5, 6, 7, 8, 99], [1, 7], [3, 7], [5, 7],
                           [4, 7]])
        self.order = pick(["near", "shuffled", "jumping"])
        self.newest = {}
        self.frames = []
        for _ in range(pick([50, 500, 3000])):
            self.frames.append(self.record())
            if self.random.random() < 0.05:
                self.frames.append(pick(self.frames[-300:]))
        if self.order == "shuffled":
            width = pick([5, 100, 10**6])
            places = {number: number + self.random.random() * width for number in range(len(self.frames))}
            self.frames = [self.frames[number] for number in sorted(places, key=places.get)]

    def record(self):
        pick, chance = self.random.choice, self.random.random
        kind, symbol = pick(self.kinds), pick(self.symbols)
        series = pick([2, 2, 2, 1, 4, WEEK, MONTH, 99]) if kind == KLINE else 0
        venue = 1 if chance() < 0.95 else 2
        source = pick([1, 2, 3, REPAIR, 5]) if chance() < 0.1 else 1
        key = (kind, symbol, series, venue)
        known = self.newest.setdefault(key, pick([0, 1, 1000, 10**6]))
        if kind == GAP:
            return self.gap(symbol, venue, source)
        step = 1 if chance() < 0.8 else self.random.randint(0, 6)
        if self.order == "jumping" and chance() < 0.1:
            step = pick([-3000, -600, -50, -1, 0, 511, 513, 700, 5000])
        number = max(0, known + step)
        self.newest[key] = number
        first = last = number
        if kind == KLINE:
            # Early history has open times that are not aligned.
            unit = {MONTH: 30 * DAY}.get(series, MICROSECONDS.get(series, 60 * 10**6))
            first = last = 1_700_000_000_000_000 + number % 5000 * unit + pick([0, 0, 0, 123, -1])
        if kind == DEPTH:
            last = self.newest[key] = first + pick([0, 0, 3, 40, 600, 1200])
        return frame(kind, first, last, symbol, series, venue, source, is_closed=int(chance() < 0.9))

    def gap(self, symbol, venue, source):
        pick = self.random.choice
        kind = pick([kind for kind in self.kinds if kind not in (GAP, RAW)])
        series = 2 if kind == KLINE else 0
        near = self.newest.get((kind, symbol, series, venue), 0) - self.random.randint(-10, 60)
        first = max(0, near)
        last = first + pick([-1, 0, 1, 5, 100, 2000])
        if kind == KLINE:
            first = 1_700_000_000_000_000 + near % 5000 * 60 * 10**6 + pick([0, 17])
            last = first + pick([1, 3, 50]) * 60 * 10**6 - pick([1, 5])
        return frame(GAP, first, last, symbol, series, venue, source, missing=kind,
                     reason=self.random.randint(0, 5))


def unit_of(kind, series):
    """Of klines: what all of their times are multiples of."""
    if kind != KLINE or series not in (*MICROSECONDS, MONTH):
        return 1
    return min(MICROSECONDS.get(series, DAY), DAY)


def taken_up(kind, series, first, last):
    """The ids that a record takes up: a kline its whole interval."""
    if kind != KLINE or unit_of(kind, series) == 1:
        return first, last
    if series == MONTH:
        epoch, microsecond = datetime.datetime(1970, 1, 1), datetime.timedelta(microseconds=1)
        time = epoch + first * microsecond
        start = datetime.datetime(time.year, time.month, 1)
        end = datetime.datetime(time.year + time.month // 12, time.month % 12 + 1, 1)
        return (start - epoch) // microsecond, (end - epoch) // microsecond - 1
    length, monday = MICROSECONDS[series], 4 * DAY if series == WEEK else 0
    start = (first - monday) // length * length + monday
    return start, start + length - 1


def without(ranges, known):
    for low, high in known:
        rest = []
        for first, last in ranges:
            if high < first or low > last:
                rest.append((first, last))
                continue
            if first < low:
                rest.append((first, low - 1))
            if last > high:
                rest.append((high + 1, last))
        ranges = rest
    return ranges


class Expected:
    """The frames that go on, and of gap records that are made (ids, sequence, reason)."""

    def __init__(self, frames, marks):
        self.seen, self.newest, self.declared, self.out = {}, {}, {}, []
        self.marks = marks
        for bytes_ in frames:
            self.take(bytes_)

    def take(self, bytes_):
        kind, = struct.unpack_from("<H", bytes_, 8)
        first, last = struct.unpack_from("<qq", bytes_, 30)
        series, venue, source = struct.unpack_from("<HBB", bytes_, 78)
        symbol = bytes_[46:78]
        if kind == GAP:
            return self.take_gap(bytes_, first, last, symbol, series, venue)
        sequence = (venue, kind, series, symbol)
        seen = self.seen.setdefault(sequence, set())
        if kind in BY_LAST_IDS:
            if (first, last, None) in seen and source != REPAIR:
                return
            seen.add((first, last, None))
        elif kind in NUMBERED and not (kind == KLINE and bytes_[14 + 184] == 0):
            low, high = taken_up(kind, series, first, last)
            unit = unit_of(kind, series)
            own = range(low // unit, high // unit + 1)
            is_known = all(number in seen for number in own)
            before = self.newest.get(sequence)
            seen.update(own)
            if unit > 1:
                # Several klines may begin in one interval.
                is_known = (first, None) in seen
                seen.add((first, None))
            self.newest[sequence] = max(own[-1], own[-1] if before is None else before)
            if is_known and source != REPAIR:
                return
            if self.marks and not is_known and before is not None and own[0] > before + 1:
                missing = [((before + 1) * unit, own[0] * unit - 1)]
                for (other, _), ranges in self.declared.items():
                    if other == sequence:
                        missing = without(missing, ranges)
                self.out += [(ids, sequence, MISSED) for ids in missing]
        self.out.append(bytes_)

    def take_gap(self, bytes_, first, last, symbol, series, venue):
        kind, reason = struct.unpack_from("<HB", bytes_, 86)
        sequence = (venue, kind, series, symbol)
        if first > last:
            return self.out.append(bytes_)
        if kind not in NUMBERED:
            seen = self.seen.setdefault(sequence, set())
            if (first, last, reason) not in seen:
                seen.add((first, last, reason))
                self.out.append(bytes_)
            return
        unit, seen = unit_of(kind, series), self.seen.setdefault(sequence, set())
        missing = []
        for number in range(first // unit, last // unit + 1):
            if number in seen:
                continue
            low, high = max(first, number * unit), min(last, number * unit + unit - 1)
            if missing and missing[-1][1] == low - 1:
                missing[-1] = (missing[-1][0], high)
            else:
                missing.append((low, high))
        declared = self.declared.setdefault((sequence, reason), [])
        news = without(missing, declared)
        if len(news) > MOST_PIECES:
            news = [(first, last)]
        else:
            declared += news
        if news[:1] == [(first, last)]:
            self.out.append(bytes_)
        else:
            self.out += [(ids, sequence, reason) for ids in news]


def records(output):
    place = 0
    while place < len(output):
        length, = struct.unpack_from(">I", output, place)
        yield output[place:place + length]
        place += length


def difference(expected, output):
    found = list(records(output))
    for number, (wanted, got) in enumerate(zip(expected, found)):
        if isinstance(wanted, bytes):
            if wanted != got:
                return f"record {number} is another one"
            continue
        kind, reason = struct.unpack_from("<HB", got, 86)
        series, venue = struct.unpack_from("<HB", got, 78)
        is_gap = struct.unpack_from("<H", got, 8)[0] == GAP
        made = (struct.unpack_from("<qq", got, 30), (venue, kind, series, got[46:78]), reason)
        if not is_gap or made != wanted:
            return f"record {number} is {made}, not {wanted}"
    return None if len(expected) == len(found) else f"{len(found)} records, not {len(expected)}"


def main():
    program, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    total = passed = wrong = 0
    for seed in range(first, first + count):
        stream = Stream(seed)
        marks = stream.random.random() < 0.5
        run = subprocess.run([program, *(["--mark-gaps"] if marks else [])], input=b"".join(stream.frames),
                             capture_output=True)
        expected = Expected(stream.frames, marks).out
        fault = difference(expected, run.stdout) if run.returncode == 0 else run.stderr.decode()
        total, passed = total + len(stream.frames), passed + len(expected)
        if fault:
            wrong += 1
            print(f"seed {seed}, kinds {stream.kinds}, {stream.order}, marks {marks}: {fault}")
    print(f"{count} streams, {total} records, {passed} passed, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
