"""Runs sbe-tap | dedup | kinesis-put for a while under faults, then proves what arrived.

The simulated exchange streams trades, best bids and asks, and depth of two symbols; connections are
rotated all the time and cut at random; the Kinesis throttles shards and has an outage. In the end every
trade id that the exchange produced has come once and in order, or is covered by a gap record; the same
holds for depth; and the stages need no more memory at the end than in the middle.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
SYMBOLS = ["BTCUSDT", "ETHUSDT"]


def ask(url, data=None):
    with urllib.request.urlopen(url, data=data, timeout=30) as answer:
        return json.loads(answer.read() or b"{}")


def memory(process):
    """MiB in memory now; None once the process ended."""
    try:
        with open(f"/proc/{process.pid}/status") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
    except (OSError, StopIteration):
        return None


class Soak:
    def __init__(self, arguments, scratch):
        self.options = arguments
        self.scratch = scratch
        self.log = open(f"{scratch}/log", "ab")
        self.peaks = {}
        self.servers = []

    def server(self, command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.servers.append(process)
        return process.stdout.readline()

    def start(self):
        tools, o = self.options.tools, self.options
        # Of each symbol, an aggregate is a message of trades and one of the best prices; depth comes
        # fifty times a second.
        rate = max(10, int((o.rate / len(SYMBOLS) - 50) / 2))
        command = [f"{tools}/exchange-sim", "--start", "now", "--history", "1000", "--symbol",
                   ",".join(SYMBOLS), "--rate", str(rate), "--cut-every", str(o.cut_every)]
        line = self.server(command + (["--tls-dir", self.scratch] if o.tls else []))
        place = dict(re.findall(r"(\w+)=(\S+)", line))
        self.control = place["control"]
        self.sink = self.server([sys.executable, f"{HERE}/kinesis_sink.py"]).split()[1]
        ask(f"{self.sink}/faults?throttle={o.throttle}")
        environment = dict(os.environ, BINANCE_API_KEY="soak", AWS_ACCESS_KEY_ID="soak",
                           AWS_SECRET_ACCESS_KEY="soak", AWS_REGION="us-east-1",
                           STATS_DIR=f"{self.scratch}/stats")
        tap = [f"{tools}/sbe-tap", "--ws-url", place["wss" if o.tls else "ws"], "--base-url", place["rest"],
               "--symbols", ",".join(SYMBOLS), "--streams", "trade,bestBidAsk,depth",
               "--connections", str(o.connections), "--max-connection-age", str(o.rotate),
               "--initial-backoff", "0.05", "--encoding", o.encoding] + (["--ca", place["ca"]] if o.tls else [])
        put = [f"{tools}/kinesis-put", "--endpoint-url", self.sink, "--state-dir", f"{self.scratch}/state",
               "--format", "sbe", "--circuit-cooldown", "2"]
        first = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=self.log, env=environment)
        second = subprocess.Popen([f"{tools}/dedup"], stdin=first.stdout, stdout=subprocess.PIPE,
                                  stderr=self.log, env=environment)
        third = subprocess.Popen(put, stdin=second.stdout, stderr=self.log, env=environment)
        first.stdout.close()
        second.stdout.close()
        self.stages = {"sbe-tap": first, "dedup": second, "kinesis-put": third}

    def watch(self):
        """Looks at the stages every second, and has the outage in the middle."""
        o = self.options
        begin, outage = time.monotonic(), False
        while (passed := time.monotonic() - begin) < o.seconds:
            for name, stage in self.stages.items():
                if stage.poll() is not None:
                    raise SystemExit(f"soak: {name} ended with {stage.returncode}\n{self.tail()}")
                self.peaks.setdefault(name, []).append(memory(stage))
            if not outage and o.outage and passed > o.seconds * 0.4:
                outage = True
                ask(f"{self.sink}/faults?outage={o.outage}")
                print(f"soak: {passed:.0f} s: an outage of {o.outage:g} s begins", flush=True)
            time.sleep(1)

    def stop(self):
        """Stops the market, lets everything arrive, and ends the stages from the source on."""
        sent = ask(f"{self.control}/sent")
        newest = max(sent["symbols"][symbol]["newestAggregate"] for symbol in SYMBOLS)
        ask(f"{self.control}/market?newest={newest}", b"")
        seen, since = -1, time.monotonic()
        while time.monotonic() - since < 3:
            now = ask(f"{self.sink}/report")["messages"]
            if now != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.2)
        self.stages["sbe-tap"].send_signal(signal.SIGTERM)
        return [stage.wait(120) for stage in self.stages.values()]

    def tail(self):
        with open(f"{self.scratch}/log", errors="replace") as log:
            return log.read()[-4000:]


def merged(ranges):
    result = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1][1] = max(result[-1][1], last)
        else:
            result.append([first, last])
    return result


# The simulator's names of the streams in the form that needs no key.
JSON_NAMES = {"trade": "json/trade", "depth": "json/depth@100ms", "bestBidAsk": "json/bookTicker"}


def check(sent, report):
    """What is wrong, as sentences; and how many ids came and how many were declared missing."""
    wrong, came, declared = [], 0, 0
    found = {(s["kind"], s["symbol"]): s for s in report["sequences"]}
    for symbol in SYMBOLS:
        for stream, kind in (("trade", "trade"), ("depth", "depthDiff"), ("bestBidAsk", "bestBidAsk")):
            name, streams = f"{symbol} {kind}", sent["symbols"][symbol]
            produced = streams.get(stream) or streams[JSON_NAMES[stream]]
            sequence = found.get((kind, symbol))
            if not sequence:
                wrong.append(f"{name}: nothing came")
                continue
            if sequence["repeats"] or sequence["disorder"]:
                wrong.append(f"{name}: {sequence['repeats']} records came again or late: "
                             f"{sequence['disorder'][:3]}")
            if sequence["last"] != produced["last"]:
                wrong.append(f"{name}: ends with {sequence['last']} instead of {produced['last']}")
            if kind == "bestBidAsk":
                continue
            gaps = merged([first, last] for missing, of, first, last in report["gaps"]
                          if (missing, of) == (kind, symbol))
            holes = list(sequence["holes"])
            if produced["first"] < sequence["first"]:
                holes.insert(0, [produced["first"], sequence["first"] - 1])
            for first, last in holes:
                if not any(low <= first and last <= high for low, high in gaps):
                    wrong.append(f"{name}: {first} to {last} is missing without a gap record")
            if kind == "trade":
                missing = sum(last - first + 1 for first, last in holes)
                came += sequence["records"]
                declared += missing
                if sequence["records"] + missing != produced["last"] - produced["first"] + 1:
                    wrong.append(f"{name}: {sequence['records']} came and {missing} are missing, of "
                                 f"{produced['last'] - produced['first'] + 1}")
                if missing > 0.3 * (sequence["records"] + missing):
                    wrong.append(f"{name}: {missing} of {sequence['records'] + missing} are missing: "
                                 "connections come back too late")
                for low, high in gaps:
                    if not any(first <= low and high <= last for first, last in holes):
                        wrong.append(f"{name}: the gap record {low} to {high} covers ids that came")
    return wrong, came, declared


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=float, default=20_000, help="messages a second, of both symbols")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--rotate", type=float, default=30, help="age of a connection at its rotation, s")
    parser.add_argument("--cut-every", type=float, default=10, help="seconds between two cuts")
    parser.add_argument("--throttle", type=float, default=0.05, help="share of calls with a refusing shard")
    parser.add_argument("--outage", type=float, default=60, help="length of the outage, s; 0 for none")
    parser.add_argument("--encoding", default="auto", help="form of the streams: auto, sbe or json")
    parser.add_argument("--tls", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        soak = Soak(options, scratch)
        try:
            soak.start()
            soak.watch()
            codes = soak.stop()
            sent, report = ask(f"{soak.control}/sent"), ask(f"{soak.sink}/report")
        finally:
            for process in soak.servers + list(getattr(soak, "stages", {}).values()):
                process.kill()
                process.wait()
        wrong, came, declared = check(sent, report)
        if codes != [0, 0, 0]:
            wrong.append(f"the stages ended with {codes}")
        for name, values in soak.peaks.items():
            values = [value for value in values if value]
            third = len(values) // 3
            middle, end = max(values[third:2 * third] or [0]), max(values[2 * third:] or [0])
            print(f"soak: {name}: {middle:.1f} MiB at most in the middle third, {end:.1f} MiB in the last")
            if end > 1.2 * middle + 8:
                wrong.append(f"{name} grew from {middle:.1f} to {end:.1f} MiB")
        if wrong:
            print("\n".join(wrong[:20]))
            print(soak.tail())
            sys.exit(1)
        print(f"soak: {options.seconds:g} s, {sent['messages']} messages sent, {report['messages']} records "
              f"in {report['calls']} calls; {sent['actions'].get('cut', 0)} cuts, "
              f"{report['throttled_records']} refused by shards, {report['refused_calls']} calls in the outage")
        print(f"soak: {came} trades came once and in order, {declared} are declared in "
              f"{len(report['gaps'])} gap records, none is missing in silence")


if __name__ == "__main__":
    main()
