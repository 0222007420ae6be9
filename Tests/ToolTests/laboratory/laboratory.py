"""The chaos laboratory: the whole live, repair and backfill pipeline under faults, and a judge.

    laboratory.py --tools DIR [--config FILE] [--minutes M] [--seed N]

A simulated venue (exchange-sim) and a local S3 and Kinesis (MiniStack, else moto) stand behind a proxy
that spoils what passes; stages are killed and stopped, clocks jump, the disk of the state is full for a
while. In the end judge.py recomputes the market and compares what S3 and Kinesis hold. Which faults come
when follows from the seed. Nothing outside of this machine is asked or written, and no state of other
runs is touched, whatever the configuration says.

Exit status: 0 all is as promised, 1 it is not, 64 wrong usage, 69 something is missing.
"""

import argparse
import base64
import collections
import datetime
import heapq
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.dirname(HERE))
import evidence  # noqa: E402
from market import Market  # noqa: E402
from pipelines import FINAL, Pipeline  # noqa: E402
from plan import BY_PROXY, BY_VENUE, KINDS, plan  # noqa: E402
from proxy import Fault, Proxy  # noqa: E402
from servers import MiniStack, Moto, Redis, Venue, end  # noqa: E402

CONFIGURATION = """\
mode: both
binance:
  symbols: [BTCUSDT, ETHUSDT]
  stream_types: [trade, bestBidAsk, depth]
s3:
  destination: s3://chaos/bronze
aws:
  kinesis_trade_stream: chaos-trade
"""
# What a test of minutes cannot wait for; --keep-pace leaves the configuration's own.
HURRY = {
    "S3__OBJECT_SECONDS": "3", "S3__IDLE_SECONDS": "2", "REPAIR__SETTLE_SECONDS": "2", "REPAIR__LOOK_SECONDS": "1",
    "RETRY__INITIAL_BACKOFF_SECONDS": "0.1", "RETRY__MAX_BACKOFF_SECONDS": "2", "RETRY__MAX_ATTEMPTS": "50",
    "AWS__CIRCUIT_COOLDOWN_SECONDS": "1", "KINESIS__HOLD_SECONDS": "1", "KINESIS__REQUEST_TIMEOUT_SECONDS": "4",
    "BINANCE__STALL_TIMEOUT_SECONDS": "3", "BINANCE__REQUEST_TIMEOUT_SECONDS": "5", "DRAIN_TIMEOUT_SECONDS": "5",
}
# The stream of the pipeline with two sinks.
FAN = "chaos-fan"
FAKETIME = [f"/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketimeMT.so.1"]
STREAMS = {"trade": "trade", "depth": "depthDiff", "bestBidAsk": "bestBidAsk"}
JSON_NAMES = {"trade": "json/trade", "depth": "json/depth@100ms", "bestBidAsk": "json/bookTicker"}
CRASH = re.compile(r"Fatal error|Segmentation fault|Illegal instruction|Trace/breakpoint|Aborted|core dumped")


def base_of(prefix):
    return prefix.rstrip("/") + "/" if prefix else ""


def say(text):
    print(f"chaos: {text}", flush=True)


class Laboratory:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.chance = random.Random(options.seed + 1)
        self.injected, self.left_out = collections.Counter(), {}
        self.later, self.order = [], 0
        self.servers, self.pipelines, self.wrong = [], [], []
        self.stopped = set()
        self.compactions, self.compacted = [], collections.Counter()
        self.kinds = set(KINDS)
        self.log_path = f"{scratch}/log"
        self.log = open(self.log_path, "ab")
        self.state, self.is_mounted = f"{scratch}/state", False

    # The set-up

    def settings(self, tool):
        """What a program makes of the configuration: value and origin of each key."""
        text = subprocess.run([f"{self.options.tools}/{tool}", "--explain-config"], env=self.environment,
                              capture_output=True, text=True)
        if text.returncode:
            raise SystemExit(f"chaos: the configuration is refused: {text.stderr}")
        found = {}
        for line in text.stdout.splitlines():
            words = line.split()
            if len(words) > 2 and "." in words[0] or words[:1] == ["mode"]:
                found[words[0]] = words[1]
        return found

    def prepare(self):
        o = self.options
        for name in ("state", "stats", "home", "run", "bucket"):
            os.makedirs(f"{self.scratch}/{name}", exist_ok=True)
        self.configuration = o.config or f"{self.scratch}/chaos.yaml"
        if not o.config:
            with open(self.configuration, "w") as file:
                file.write(CONFIGURATION)
        self.prepare_disk()
        self.prepare_servers()
        self.prepare_environment()
        self.prepare_pipelines()

    def prepare_disk(self):
        """A small disk of its own for the state, so that it can be full."""
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "chaos", self.state],
                               capture_output=True, text=True)
        self.is_mounted = mount.returncode == 0
        if not self.is_mounted:
            self.leave_out("disk: full", "no tmpfs can be mounted (needs root)")
        if not os.path.exists(FAKETIME[0]):
            self.leave_out("clock: jump", "libfaketime is not installed")

    def leave_out(self, kind, reason):
        self.kinds.discard(kind)
        self.left_out[kind] = reason

    def prepare_servers(self):
        o = self.options
        self.spacing = 1_000_000 // o.rate
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        begin = now - datetime.timedelta(seconds=o.history)
        self.begin = int(begin.timestamp()) * 1_000_000
        self.venue = Venue(o.tools, [
            "--start", begin.strftime("%Y-%m-%dT%H:%M:%S"), "--symbol", ",".join(o.symbols), "--rate", str(o.rate),
            "--seed", str(o.seed % 1000 + 1), "--weight-limit", "1000000", "--connect-limit", "1000000",
            "--depth-interval", "0.1", "--fault-seed", str(o.seed), "--stream-fault-rate", "0"], self.log)
        self.servers.append(self.venue.process)
        kind = MiniStack if MiniStack.program() and o.aws != "moto" else Moto
        if kind is Moto:
            self.leave_out("s3: wrong bytes", "moto does not compare checksums")
            self.leave_out("kinesis: wrong bytes", "moto does not compare signatures")
        self.aws = kind(f"{self.scratch}/home", self.log)
        self.servers.append(self.aws.process)
        say(f"seed {o.seed}; the venue is exchange-sim at {o.rate} aggregates a second of {', '.join(o.symbols)}, "
            f"AWS is {kind.name}")
        self.redis = None
        if "shared" in o.pieces and Redis.program():
            self.redis = Redis(f"{self.scratch}/home", self.log)
        if not self.redis:
            for kind in ("redis: stop", "redis: restart"):
                self.leave_out(kind, "no pipeline shares its claims (--pieces), or no redis-server")
        self.proxy = Proxy(o.seed)
        self.kinesis = evidence.client("kinesis", self.aws.place)
        self.proxy.put_records = lambda request: self.kinesis.put_records(
            **{name: [{**entry, "Data": base64.b64decode(entry["Data"])} for entry in value]
               if name == "Records" else value for name, value in request.items()})["Records"]
        self.aws_url = "http://127.0.0.1:%d" % self.proxy.http(
            self.aws.port, lambda headers: "kinesis" if "x-amz-target" in headers else "s3")
        self.rest_url = "http://127.0.0.1:%d" % self.proxy.http(self.venue.port("rest"), lambda headers: "rest")
        self.stream_url = "ws://127.0.0.1:%d" % self.proxy.stream(self.venue.port("ws"))

    def prepare_environment(self):
        o, place = self.options, self.aws.place
        kept = {name: value for name, value in os.environ.items()
                if not re.match(r"(AWS|BINANCE|S3|KINESIS|REPAIR|RETRY|STATS|STATE|SINK|TAP|DEDUP|HEALTH|METRICS)_", name)}
        self.clock = f"{self.scratch}/clock"
        self.set_clock(0)
        self.environment = kept | {
            "CONFIG_FILE": self.configuration, "PATH": f"{o.tools}:{os.environ['PATH']}",
            "HOME": f"{self.scratch}/home", "XDG_STATE_HOME": f"{self.scratch}/home/state",
            "XDG_CACHE_HOME": f"{self.scratch}/home/cache", "XDG_RUNTIME_DIR": f"{self.scratch}/run",
            "STATS_DIR": f"{self.scratch}/stats",
            "BINANCE__REST_BASE_URL": self.rest_url, "BINANCE__SBE_WS_URL": self.stream_url,
            "BINANCE__JSON_WS_URL": self.stream_url, "BINANCE__ARCHIVE_BASE_URL": self.rest_url,
            "AWS__LOCALSTACK_ENDPOINT": self.aws_url, "AWS__STS_ENDPOINT": self.aws_url, "AWS__REGION": "us-east-1",
            "AWS__ACCESS_KEY_ID": place["key"], "AWS__SECRET_ACCESS_KEY": place["secret"],
            "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "KINESIS__CREATE_STREAMS": "true", "KINESIS__SHARDS": "2", "LOGGING__FORMAT": "text",
        }
        # Half of all seeds stream SBE, the others JSON, which wants no key.
        if o.encoding == "sbe" or (o.encoding == "seed" and o.seed % 2 == 0):
            self.environment["BINANCE__API_KEY"] = "chaos"
        else:
            self.environment["BINANCE__STREAM_ENCODING"] = "json"
            # Trades of an aggregate are one message in SBE and several in JSON, whose order only the
            # venue can keep.
            self.leave_out("stream: reorder", "the order of JSON trades on a connection is the venue's")
        if not o.keep_pace:
            self.environment |= HURRY
        settings = self.settings("s3-put")
        url = settings.get("s3.destination", "")
        bucket = settings.get("aws.s3_bucket", "")
        if not url.startswith("s3://"):
            url = f"s3://{bucket}/{settings.get('aws.s3_bronze_prefix', 'bronze')}" if bucket and not url else "s3://chaos/bronze"
        self.environment["S3__DESTINATION"] = url
        self.bucket, _, self.prefix = url[5:].partition("/")
        evidence.client("s3", place).create_bucket(Bucket=self.bucket)
        # Last, so that the settings above are read without it.
        if "clock: jump" in self.kinds:
            self.environment |= {
                "LD_PRELOAD": FAKETIME[0], "FAKETIME_TIMESTAMP_FILE": self.clock, "FAKETIME_CACHE_DURATION": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1"}

    def prepare_pipelines(self):
        o = self.options
        mode = self.settings("healthd").get("mode", "both")
        tap = self.settings("sbe-tap")
        self.streams = [name for name in tap["binance.stream_types"].strip("[]").split(",") if name in STREAMS]
        scripts = f"{ROOT}/pipelines"

        def pipeline(name, *command, **more):
            environment = self.environment | {
                "STATE_DIRECTORY": f"{self.state}/{name}", "PIPELINE_NAME": f"chaos-{name}",
                "STAGE_INSTANCE": name} | more
            self.pipelines.append(Pipeline(name, [f"{scripts}/{command[0]}", *command[1:]], environment, self.log))

        symbols = ",".join(self.options.symbols)
        if mode in ("both", "capture"):
            pipeline(mode, mode, self.environment["S3__DESTINATION"], symbols)
        if mode in ("both", "sbe"):
            shared = {}
            if self.redis:
                # Two hosts that deliver to the same streams.
                shared = {"DEDUP__SHARED": self.redis.url, "DEDUP__SHARED_NAME": "chaos", "DEDUP__SHARED_LEASE_SECONDS": "1"}
                pipeline("live-b", "live", symbols, **shared)
            pipeline("live", "live", symbols, **shared)
        self.destinations = [self.environment["S3__DESTINATION"]] if mode != "sbe" else []
        self.fan = None
        if mode == "both" and "fan-out" in o.pieces:
            # One tap, two sinks of its own, without a repair.
            self.fan = f"{self.prefix.rstrip('/')}-fan".lstrip("-")
            self.destinations.append(f"s3://{self.bucket}/{self.fan}")
            pipeline("fan", "two-sinks", self.destinations[-1], symbols, KINESIS__STREAMS=f"*={FAN}")
        if "compact" not in o.pieces or not self.destinations:
            for kind in ("compact: run", "compact: killed"):
                self.leave_out(kind, "no compaction (--pieces), or no bucket")
        if mode in ("both", "rest"):
            # History of before the run, to a sink with a chain of manifests of its own in the same bucket.
            # An interval that ends just now may not be over for the venue yet.
            self.until = (self.begin + (self.options.history - 5) * 1_000_000) // 60_000_000 * 60_000_000
            stamp = lambda time: datetime.datetime.fromtimestamp(
                time / 1e6, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
            pipeline("history", "backfill", "aggTrades,klines", stamp(self.begin), stamp(self.until),
                     self.environment["S3__DESTINATION"], "--symbol", symbols)
        self.mode = mode
        say(f"mode {mode}: {', '.join(each.name for each in self.pipelines)}; objects go to "
            f"{self.environment['S3__DESTINATION']} of this machine; streams: {', '.join(self.streams)}")

    # The run

    def start(self):
        """Starts all; faults come only when every stream has sent something to every pipeline."""
        for pipeline in self.pipelines:
            os.makedirs(f"{self.state}/{pipeline.name}", exist_ok=True)
            pipeline.start()
        taps = sum(pipeline.name != "history" for pipeline in self.pipelines)
        deadline = time.monotonic() + 60
        while taps and time.monotonic() < deadline:
            sent = self.venue.sent()
            names = STREAMS if "BINANCE__API_KEY" in self.environment else JSON_NAMES
            flows = all(sent["symbols"][symbol].get(names[stream] if names is JSON_NAMES else stream)
                        for symbol in self.options.symbols for stream in self.streams)
            if sent["open"] >= taps and flows:
                break
            time.sleep(0.1)
        else:
            if taps:
                raise SystemExit(f"chaos: the streams did not begin:\n{self.tail()}")
        # Every tap has its streams now: from the next message on nothing may be missing.
        self.first = self.venue.sent()

    def run(self):
        o = self.options
        faults = plan(o.seed, o.minutes * 60, o.pace, self.kinds)
        begin = time.monotonic()
        # Each sink is to know its sequences before the first fault: who does not know cannot say what is missing.
        self.wait_for_first_objects()
        begin = time.monotonic()
        for moment, kind, length, draw in faults:
            self.push(begin + moment, lambda kind=kind, length=length, draw=draw: self.inject(kind, length, draw))
        shown = begin
        while self.later:
            now = time.monotonic()
            if self.later[0][0] <= now:
                heapq.heappop(self.later)[2]()
                continue
            self.keep_up()
            if now - shown > 60:
                shown = now
                say(f"{now - begin:.0f} s: {sum(self.injected.values())} faults, "
                    f"{self.injected['process: SIGKILL']} kills")
            time.sleep(min(0.05, self.later[0][0] - now))

    def wait_for_first_objects(self):
        s3 = evidence.client("s3", self.aws.place)
        prefixes = ([self.prefix] if self.mode in ("both", "capture") else []) + ([self.fan] if self.fan else [])
        wanted = {(prefix, f"kind={STREAMS[stream]}/") for prefix in prefixes for stream in self.streams}
        deadline = time.monotonic() + 60
        while wanted and time.monotonic() < deadline:
            self.keep_up()
            for prefix in prefixes:
                for key in evidence.listing(s3, self.bucket, base_of(prefix) + "exchange="):
                    wanted = {part for part in wanted if part[0] != prefix or part[1] not in key}
            time.sleep(0.2)
        if wanted:
            raise SystemExit(f"chaos: no objects of {wanted} came:\n{self.tail()}")

    def push(self, moment, action):
        self.order += 1
        heapq.heappush(self.later, (moment, self.order, action))

    def keep_up(self):
        self.reap_compactions()
        for pipeline in self.pipelines:
            code = pipeline.keep_up()
            if code is None:
                continue
            if code == 0 and pipeline.name == "history":
                pipeline.over = True
            elif code in FINAL:
                self.wrong.append(f"{pipeline.name} ended with {code}, after which no supervisor starts it again")
                pipeline.pause = time.monotonic() + 1

    def inject(self, kind, length, draw):
        family, _, what = kind.partition(": ")
        if family == "process":
            self.signal(kind, what, length, draw)
        elif family == "clock":
            self.count(kind)
            self.set_clock(int((draw - 0.5) * 7200))
            self.push(time.monotonic() + 1.2 + length, lambda: self.set_clock(0))
        elif family == "disk":
            self.count(kind)
            self.fill_disk()
            self.push(time.monotonic() + length, self.free_disk)
        elif family == "redis":
            self.count(kind)
            self.redis.restart() if what == "restart" else self.stop_redis(length)
        elif family == "compact":
            self.count(kind)
            self.compact(self.destinations[int(draw * len(self.destinations))], length if what == "killed" else None)
        elif kind in BY_VENUE:
            self.venue.post(f"/next?fault={what}")
            self.count(kind)
        elif family in BY_PROXY or kind in ("stream: slow", "stream: refused"):
            share = 1.0 if what in ("down", "refused") else 0.3 + 0.6 * draw
            self.proxy.upstreams[family].fault = Fault(what, share, time.monotonic() + length)
        elif kind == "stream: cut by the proxy":
            self.proxy.cut_streams()
        elif what in ("cut", "tear", "reset", "close", "shutdown", "stall"):
            self.count(kind)
            self.venue.post(f"/stream/do?action={what}&connection=random")
            if what == "stall":
                self.push(time.monotonic() + length, lambda: self.venue.post("/stream/do?action=resume"))
        else:
            self.count(kind)
            self.venue.post(f"/stream/next?fault={what}&count={1 + int(draw * 20)}")

    def count(self, kind, number=1):
        self.injected[kind] += number

    def signal(self, kind, what, length, draw):
        """Chance picks a stage of those that run."""
        stages = [(number, name, pipeline) for pipeline in self.pipelines for number, name in pipeline.stages()]
        if not stages:
            return
        number, name, _ = stages[int(draw * len(stages))]
        try:
            os.kill(number, getattr(signal, what))
        except ProcessLookupError:
            return
        self.count(kind)
        self.count(f"{kind} of {name}")
        if what == "SIGSTOP":
            self.stopped.add(number)
            self.push(time.monotonic() + length, lambda: self.go_on(number))

    def go_on(self, number):
        self.stopped.discard(number)
        try:
            os.kill(number, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def stop_redis(self, length):
        number = self.redis.process.pid
        os.kill(number, signal.SIGSTOP)
        self.stopped.add(number)
        self.push(time.monotonic() + length, lambda: self.go_on(number))

    def compact(self, destination, killed_after):
        """Merges what is there while sinks go on, and now and then is killed in the middle."""
        process = subprocess.Popen(
            [f"{self.options.tools}/ledgerctl", "compact", destination, "--settle", "0", "--delete-after", "0",
             "--work-dir", f"{self.scratch}/home"],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.compactions.append(process)
        if killed_after:
            self.push(time.monotonic() + killed_after / 4, process.kill)

    def reap_compactions(self):
        for process in self.compactions[:]:
            if (code := process.poll()) is not None:
                self.compactions.remove(process)
                self.compacted[code] += 1
                if code in FINAL:
                    self.wrong.append(f"ledgerctl compact ended with {code}")

    def set_clock(self, seconds):
        # Renamed into place: a half-written file would be another time.
        with open(f"{self.clock}.new", "w") as file:
            file.write(f"{seconds:+d}\n")
        os.rename(f"{self.clock}.new", self.clock)

    def fill_disk(self):
        block = bytes(1 << 20)
        with open(f"{self.state}/filler", "wb", buffering=0) as file:
            while block:
                try:
                    file.write(block)
                except OSError:
                    block = block[:len(block) // 2]

    def free_disk(self):
        try:
            os.remove(f"{self.state}/filler")
        except FileNotFoundError:
            pass

    # The end

    def calm_down(self):
        """No fault any more: every hole is to close by itself while the market goes on, then stops."""
        for upstream in self.proxy.upstreams.values():
            upstream.fault = None
        for number in list(self.stopped):
            self.go_on(number)
        self.set_clock(0)
        self.free_disk()
        self.venue.post("/stream/do?action=resume")
        say(f"{sum(self.injected.values())} faults; now all is well, and what is missing has to come")
        self.wait(self.options.calm)
        sent = self.venue.sent()
        self.venue.post("/market?newest=%d" % max(
            sent["symbols"][symbol]["newestAggregate"] for symbol in self.options.symbols))
        self.wait(1.0)
        self.last = self.venue.sent()
        deadline = time.monotonic() + self.options.patience
        self.streams_reader, self.stream_records = evidence.Streams(self.aws.place), []
        quiet, seen = 0, None
        while time.monotonic() < deadline:
            self.wait(1.0)
            self.stream_records += self.streams_reader.read()
            state = (len(self.stream_records), self.missing())
            quiet = quiet + 1 if state == seen else 0
            seen = state
            if quiet >= 3 and not state[1] and all(
                    pipeline.over for pipeline in self.pipelines if pipeline.name == "history"):
                break
        else:
            say(f"after {self.options.patience:g} s of calm: {seen and seen[1]}")

    def wait(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.keep_up()
            time.sleep(0.05)

    def missing(self):
        """What the manifests do not have yet of what can be had: a first look, the judge reads the objects."""
        ranges = collections.defaultdict(list)
        s3 = evidence.client("s3", self.aws.place)
        base = base_of(self.prefix)
        cache = self.__dict__.setdefault("manifest_cache", {})
        for key in evidence.listing(s3, self.bucket, base + "_manifests/"):
            if key not in cache:
                cache[key] = json.loads(s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())
            for entry in cache[key]["objects"]:
                ranges[entry["kind"], entry["symbol"]] += entry.get("ids", [])
        from judge import without
        open_ = {}
        for want in self.wanted():
            if want["place"] == "s3" and want["kind"] == "trade":
                count = sum(last - first + 1 for first, last in without(
                    want["first"], want["last"], ranges[want["kind"], want["symbol"]]))
                if count:
                    open_[want["symbol"]] = count
        return open_

    def wanted(self, of_fan=False):
        """The sequences that each sink was given, and from which to which id."""
        result = []
        names = STREAMS if "BINANCE__API_KEY" in self.environment else JSON_NAMES
        for symbol in self.options.symbols:
            first, last = self.first["symbols"][symbol], self.last["symbols"][symbol]
            for stream in self.streams:
                name = stream if names is STREAMS else names[stream]
                if stream == "trade":
                    low, high = first["newestTrade"] + 1, last["newestTrade"]
                elif stream == "depth":
                    low, high = first[name]["last"] + 1, last[name]["last"]
                else:
                    continue
                for place, modes in (("s3", ("both", "capture")), ("kinesis", ("both", "sbe"))):
                    # Without repair, trades of S3 have holes as those of Kinesis have.
                    if self.mode in modes:
                        result.append({"place": place, "kind": STREAMS[stream], "symbol": symbol, "first": low,
                                       "last": high, "limit": high, "repaired": not of_fan and self.mode == "both"})
            if self.mode in ("both", "rest") and not of_fan:
                market = Market(symbol, self.options.seed % 1000 + 1, self.begin, self.spacing)
                newest = (self.until - self.begin) // self.spacing
                while market.time(newest) >= self.until:
                    newest -= 1
                while market.time(newest + 1) < self.until:
                    newest += 1
                result.append({"place": "s3", "kind": "aggTrade", "symbol": symbol, "first": 1, "last": newest,
                               "limit": newest})
                minute = 60_000_000
                result.append({"place": "s3", "kind": "kline", "symbol": symbol, "series": "1m",
                               "first": -(-self.begin // minute) * minute, "last": self.until - 1,
                               "limit": self.until - 1})
        return result

    def finish(self):
        """Ends the pipelines in order, copies what they left, and lets the judge speak."""
        for pipeline in self.pipelines:
            code = pipeline.stop(60)
            if code != 0:
                self.wrong.append(f"{pipeline.name} was stopped and ended with {code}")
            if left := pipeline.left_behind():
                self.wrong.append(f"{pipeline.name} left {len(left)} programs behind: {left[:4]}")
        with open(self.log_path, errors="replace") as file:
            self.wrong += [f"in the log: {line.strip()[:300]}" for line in file if CRASH.search(line)][:5]
        self.compact_at_last()
        where = self.options.keep or f"{self.scratch}/evidence"
        self.stream_records += self.streams_reader.read()
        code = self.judge(where, self.prefix, self.wanted(), lambda name: name != FAN)
        if self.fan:
            code |= self.judge(f"{where}-fan", self.fan, self.wanted(of_fan=True), lambda name: name == FAN)
        self.verify()
        self.log.flush()
        if self.options.keep:
            shutil.copy(self.log_path, f"{where}/log")
        return code

    def compact_at_last(self):
        """Without faults all of a bucket becomes few objects, with the ids that were there."""
        if "compact: run" not in self.kinds:
            return
        for process in self.compactions:
            process.wait()
        self.reap_compactions()
        for destination in self.destinations:
            self.compact(destination, None)
            code = self.compactions[-1].wait()
            if code:
                self.wrong.append(f"ledgerctl compact {destination} ended with {code} when all was well")
        self.reap_compactions()

    def verify(self):
        """The product's own word on what it stored is to be the judge's."""
        for want in self.wanted():
            if want["place"] != "s3" or want["kind"] != "trade" or not want["repaired"]:
                continue
            run = subprocess.run(
                [f"{self.options.tools}/ledgerctl", "verify", self.environment["S3__DESTINATION"], "--read",
                 "--symbol", want["symbol"], "--kind", "trade", "--from", str(want["first"]), "--to", str(want["last"])],
                env=self.environment, capture_output=True, text=True)
            say(f"verify: {run.stdout.strip().splitlines()[:1]}")
            if run.returncode:
                self.wrong.append(f"ledgerctl verify ended with {run.returncode}: {run.stdout[:600]}{run.stderr[-300:]}")

    def judge(self, where, prefix, wanted, is_stream):
        """Copies what one pipeline or several left, and has it compared with the market."""
        os.makedirs(where, exist_ok=True)
        evidence.copy_bucket(self.aws.place, self.bucket, prefix, f"{where}/bucket")
        evidence.write_streams(f"{where}/streams.jsonl", [record for record in self.stream_records
                                                          if is_stream(record["stream"])])
        with open(f"{where}/facts.json", "w") as file:
            json.dump({
                "seed": self.options.seed % 1000 + 1, "start": self.begin, "spacing": self.spacing,
                "newest": {symbol: {"trade": self.last["symbols"][symbol]["newestTrade"],
                                    "aggregate": self.last["symbols"][symbol]["newestAggregate"]}
                           for symbol in self.options.symbols},
                "shared": bool(self.redis) and prefix != self.fan, "wanted": wanted, "faults": self.injected}, file, indent=1)
        return subprocess.run([sys.executable, f"{HERE}/judge.py", where]).returncode

    def table(self):
        """How many faults of each kind took effect."""
        say(f"{'faults injected':<40} {'count':>7}")
        # Requests that a proxy spoiled count one by one.
        rows = self.injected + self.proxy.hits
        for kind in sorted(rows):
            say(f"{kind:<40} {rows[kind]:>7}")
        for kind in sorted(self.kinds - rows.keys()):
            say(f"{kind:<40} {0:>7}")
        for kind, reason in sorted(self.left_out.items()):
            say(f"{kind:<40} left out: {reason}")
        for pipeline in self.pipelines:
            codes = ", ".join(f"{code}: {count}" for code, count in sorted(pipeline.codes.items()))
            say(f"{pipeline.name} was started {sum(pipeline.codes.values()) + (pipeline.name != 'history')} times; "
                f"ended with {codes or 'nothing before its stop'}")
        if self.compacted:
            say("compactions ended with " + ", ".join(f"{code}: {count}" for code, count in sorted(self.compacted.items())))

    def tail(self):
        self.log.flush()
        with open(self.log_path, errors="replace") as log:
            return log.read()[-4000:]

    def close(self):
        for pipeline in self.pipelines:
            pipeline.kill()
        for process in self.compactions:
            end(process)
        if self.redis:
            end(self.redis.process)
        for server in self.servers:
            end(server)
        if self.is_mounted:
            subprocess.run(["umount", "-l", self.state])


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", required=True, help="directory of the programs")
    parser.add_argument("--config", help="configuration whose settings are tried (default: a small one)")
    parser.add_argument("--minutes", type=float, default=5, help="time under faults (5)")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31), help="which faults come when (by chance)")
    parser.add_argument("--pace", type=float, default=1.5, help="faults a second (1.5)")
    parser.add_argument("--rate", type=int, default=40, help="aggregates a second and symbol, two trades each (40)")
    parser.add_argument("--symbols", type=lambda text: text.upper().split(","), help="(those of the configuration)")
    parser.add_argument("--history", type=int, default=300, help="seconds of history before the start (300)")
    parser.add_argument("--encoding", choices=["seed", "sbe", "json"], default="seed", help="of the streams (by seed)")
    parser.add_argument("--aws", choices=["auto", "moto"], default="auto", help="which local AWS (MiniStack if it is there)")
    parser.add_argument("--pieces", type=lambda text: set(filter(None, text.split(","))), default={"compact", "fan-out", "shared"},
                        help="what runs beside the pipelines of the mode (compact,fan-out,shared)")
    parser.add_argument("--only", help="kinds of faults, as the table names them, with commas")
    parser.add_argument("--calm", type=float, default=6, help="seconds of market after the last fault (6)")
    parser.add_argument("--patience", type=float, default=180, help="seconds in which all has to be there then (180)")
    parser.add_argument("--keep", help="directory for what the run left, for judge.py")
    parser.add_argument("--keep-pace", action="store_true", help="leave times of objects, repair and retries as configured")
    options = parser.parse_args()
    options.tools = os.path.abspath(options.tools)
    if options.config:
        options.config = os.path.abspath(options.config)
    if options.keep and os.path.isdir(options.keep) and os.listdir(options.keep):
        parser.error(f"{options.keep} is not empty: what another run left would be judged too")
    if options.only:
        options.only = {kind.strip() for kind in options.only.split(",")}
        if unknown := options.only - KINDS.keys():
            parser.error(f"no such kind of fault: {', '.join(sorted(unknown))}")
    return options


def symbols_of(options):
    """Those of the configuration."""
    environment = dict(os.environ)
    if options.config:
        environment["CONFIG_FILE"] = options.config
    text = subprocess.run([f"{options.tools}/sbe-tap", "--explain-config"], env=environment, capture_output=True, text=True)
    if text.returncode:
        print(text.stderr, file=sys.stderr)
        raise SystemExit(text.returncode)
    found = re.search(r"^binance\.symbols\s+(\S+)", text.stdout, re.M)
    return found[1].strip("[]").upper().split(",")


def main():
    options = arguments()
    if not os.path.exists(f"{options.tools}/exchange-sim"):
        print(f"chaos: there is no exchange-sim in {options.tools}; make peers builds it", file=sys.stderr)
        sys.exit(69)
    if not options.symbols:
        options.symbols = symbols_of(options) if options.config else ["BTCUSDT", "ETHUSDT"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    with tempfile.TemporaryDirectory(prefix="chaos", ignore_cleanup_errors=True) as scratch:
        laboratory = Laboratory(options, scratch)
        if options.only:
            laboratory.kinds &= options.only
        begin = time.monotonic()
        try:
            laboratory.prepare()
            laboratory.start()
            laboratory.run()
            laboratory.calm_down()
            code = laboratory.finish()
            laboratory.table()
        finally:
            laboratory.close()
        for text in laboratory.wrong[:20]:
            say(f"wrong: {text}")
        if code or laboratory.wrong:
            print(laboratory.tail())
            say(f"failed; the same faults again: --seed {options.seed} --minutes {options.minutes:g} --pace {options.pace:g}")
            sys.exit(1)
        say(f"{time.monotonic() - begin:.0f} s, {sum((laboratory.injected + laboratory.proxy.hits).values())} faults, "
            f"{laboratory.injected['process: SIGKILL']} kills: lost 0, repeated 0, seed {options.seed}")


if __name__ == "__main__":
    main()
