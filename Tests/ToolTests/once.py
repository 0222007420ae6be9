"""Kills and stops stages whose source never repeats, then proves that nothing they read is lost.

Frames are written once into a FIFO that stays open, as systemd's socket units hold it:

    capture -> FIFO -> dedup -> FIFO -> s3-put -> directory

A stage that ends is started again. Trades must be in the objects once each, best prices once each
(their exact ids are remembered), raw messages at least once.
"""

import argparse
import collections
import glob
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

EVENT = 1_704_067_200_000_000


def lines(count):
    """JSON lines of records in turn: trades without holes, best prices and raw messages with."""
    common = {"symbol": "BTCUSDT", "source": "sbe", "price_exponent": -8, "qty_exponent": -8,
              "venue": 1, "flags": 0}
    for number in range(1, count + 1):
        moment = EVENT + number * 1000
        times = {"event_time_us": moment, "ingest_time_ns": str(moment * 1000)}
        yield {"kind": "trade", **common, **times, "trade_id": number, "price": number,
               "qty": 1, "is_buyer_maker": False, "is_best_match": True}
        if number % 3 == 0:
            yield {"kind": "bestBidAsk", **common, **times, "update_id": number * 7,
                   "bid_px": 1, "bid_sz": 1, "ask_px": 2, "ask_sz": number}
        if number % 50 == 0:
            # Some longer than PIPE_BUF.
            yield {"kind": "raw", **common, **times, "symbol": "*", "arrival": number,
                   "message": "AAAA" * (3000 if number % 500 == 0 else 5)}


class Stage:
    """A program that is started again whenever it ends."""

    def __init__(self, name, arguments, source, sink, log):
        self.name, self.arguments, self.source, self.sink = name, arguments, source, sink
        self.log = log
        self.codes = collections.Counter()
        self.start()

    def start(self):
        source = os.open(self.source, os.O_RDONLY | os.O_NONBLOCK)
        os.set_blocking(source, True)
        sink = os.open(self.sink, os.O_RDWR) if self.sink else os.open(os.devnull, os.O_WRONLY)
        self.process = subprocess.Popen(self.arguments, stdin=source, stdout=sink, stderr=self.log)
        os.close(source)
        os.close(sink)

    def keep_up(self):
        code = self.process.poll()
        if code is not None:
            self.codes[code] += 1
            self.start()

    def stop(self, patience=60):
        self.process.terminate()
        return self.process.wait(patience)


def found(data):
    """How often each (kind, id) is in the objects."""
    seen = collections.Counter()
    for path in glob.glob(f"{data}/**/*.ndjson", recursive=True):
        if "/.s3-put/" in path:
            continue
        with open(path) as file:
            for line in file:
                row = json.loads(line)
                ids = {"trade": "trade_id", "bestBidAsk": "update_id", "raw": "arrival"}
                if row["record_kind"] in ids:
                    seen[row["record_kind"], row[ids[row["record_kind"]]]] += 1
    return seen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--ids", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--longest", type=float, default=0.5, help="longest time between kills, s")
    parser.add_argument("--patience", type=float, default=120, help="longest time to deliver, s")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    print(f"once: seed {arguments.seed}, {arguments.kills} kills and stops, {arguments.ids} trades")
    wanted = [(row["kind"], row.get("trade_id") or row.get("update_id") or row.get("arrival"))
              for row in lines(arguments.ids)]
    with tempfile.TemporaryDirectory() as scratch:
        text = "".join(json.dumps(row) + "\n" for row in lines(arguments.ids))
        capture = subprocess.run(
            [f"{arguments.tools}/recq", "pack"], input=text.encode(), capture_output=True,
            check=True).stdout
        first, second, data = f"{scratch}/in", f"{scratch}/middle", f"{scratch}/data"
        os.mkfifo(first)
        os.mkfifo(second)
        held = [os.open(path, os.O_RDWR) for path in (first, second)]
        log = open(f"{scratch}/log", "ab")
        environment_stats = f"{scratch}/stats"
        os.environ["STATS_DIR"] = environment_stats
        stages = [
            Stage("dedup", [f"{arguments.tools}/dedup"], first, second, log),
            Stage("s3-put", [f"{arguments.tools}/s3-put", "--to", f"file://{data}",
                             "--format", "ndjson", "--compression", "none", "--object-age", "1",
                             "--object-idle", "0.5"], second, None, log),
        ]
        done = threading.Event()

        def write():
            pieces = random.Random(arguments.seed + 1)
            place = 0
            pace = len(capture) / max(1.0, arguments.kills * arguments.longest / 2)
            while place < len(capture):
                # Cuts anywhere, so that a reader often has half a frame.
                size = pieces.randrange(1, 40_000)
                place += os.write(held[0], capture[place:place + size])
                time.sleep(size / pace / 2)
            done.set()

        threading.Thread(target=write, daemon=True).start()
        sent = collections.Counter()
        deadline = time.monotonic() + arguments.kills * arguments.longest + arguments.patience
        while not done.is_set() or sum(sent.values()) < arguments.kills:
            time.sleep(chance.uniform(0, arguments.longest))
            if sum(sent.values()) < arguments.kills:
                stage = chance.choice(stages)
                name = chance.choice(["SIGKILL", "SIGTERM"])
                stage.process.send_signal(getattr(signal, name))
                sent[stage.name, name] += 1
            for stage in stages:
                stage.keep_up()
            if time.monotonic() > deadline:
                break
        while time.monotonic() < deadline:
            for stage in stages:
                stage.keep_up()
            seen = found(data)
            if all(key in seen for key in wanted):
                break
            time.sleep(0.5)
        # Only one that runs can be stopped in order: not one that a kill has yet to end, nor one that
        # has only just begun.
        for _ in range(4):
            time.sleep(0.5)
            for stage in stages:
                stage.keep_up()
        time.sleep(1)
        codes = [stage.stop() for stage in stages]
        seen = found(data)
        wrong = []
        missing = [key for key in wanted if key not in seen]
        if missing:
            kinds = collections.Counter(kind for kind, _ in missing)
            wrong.append(f"lost: {dict(kinds)}, the first {missing[0]}, the last {missing[-1]}")
        doubled = [key for key, count in seen.items() if count > 1 and key[0] != "raw"]
        if doubled:
            wrong.append(f"doubled: {len(doubled)}, the first {doubled[0]}")
        for stage in stages:
            for code in stage.codes:
                # 75: it was stopped before all of its spool was delivered, and said so.
                if code not in (0, 75, -signal.SIGKILL, -signal.SIGTERM):
                    wrong.append(f"{stage.name} ended with {code}, {stage.codes[code]} times")
        if any(codes):
            wrong.append(f"the last stop ended with {codes}")
        if not done.is_set():
            wrong.append("the capture was not read to its end")
        if wrong:
            log.flush()
            print("\n".join(wrong))
            print(open(f"{scratch}/log", errors="replace").read()[-4000:])
            sys.exit(1)
        repeated = sum(count - 1 for key, count in seen.items() if key[0] == "raw")
        print(f"once: {dict(sent)}: {len(wanted)} records, none lost, "
              f"{repeated} raw messages more than once")


if __name__ == "__main__":
    main()
