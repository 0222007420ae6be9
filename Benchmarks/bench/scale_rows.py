"""What grows: ledgers, sequences in a sink, and the whole pipeline at a rate."""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

from bench.measuring import ROUNDS, BenchError, Run
from bench.sink_rows import make_partitions


class ScaleRows:
    def bench_ledger(self):
        """Loading a ledger: what a sink does at each start."""
        for work, intervals, batches in (("10 M intervals", 10_000_000, 0), ("1 M intervals, 2 000 batches", 1_000_000, 2_000)):
            path = self.scratch / "ledger"
            subprocess.run([self.core, "ledger", path, str(intervals), str(batches)], check=True, capture_output=True)
            runs = [Run([self.bin / "ledgerctl", "show", path], keep_output=False) for _ in range(ROUNDS)]
            wall = statistics.median(run.wall for run in runs)
            self.table.row(f"ledger loaded, {work}", "ledgerctl show", f"{intervals / wall / 1e6:.1f} M intervals", runs)
            path.unlink()

    def bench_sequences(self):
        """Memory of a sink by the number of sequences, of the kind that needs most and of all kinds."""
        quotes = self.file("quotes of 20", "quotes", 2_000_000, 20)
        many = self.scratch / "sequences"
        make_partitions(many, 1500, 1_000_000)
        peer = self.kinesis_peer()
        sink = subprocess.Popen([peer, "sink", "900"], stdout=subprocess.PIPE, text=True)
        self.servers.append(sink)
        os.environ.update(AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret", AWS_REGION="us-east-1")
        url = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
        for work, path in (("20 bestBidAsk symbols", quotes), ("1 500 symbols of 3 kinds", many)):
            for name in ("kinesis-put", "s3-put"):
                target = pathlib.Path(tempfile.mkdtemp(prefix="sequences", dir=self.scratch))
                options = {"kinesis-put": ["--endpoint-url", url, "--state-dir", target / "state"],
                           "s3-put": ["--to", f"file://{target}/bucket"]}[name]
                run = Run([self.bin / name, *options], path)
                size = path.stat().st_size
                self.table.row(f"memory, {work}", name, f"{size / run.wall / 1e6:.0f} MB", [run])
                shutil.rmtree(target)
        many.unlink()

    def bench_pace(self):
        """A sink at a thousand records a second, each alone: its CPU and its calls of fsync."""
        frames = self.file("paced", "gen", 20_000, 0).read_bytes()
        length = int.from_bytes(frames[:4], "big")
        peer = self.kinesis_peer()
        sink = subprocess.Popen([peer, "sink", "900"], stdout=subprocess.PIPE, text=True)
        self.servers.append(sink)
        os.environ.update(AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret", AWS_REGION="us-east-1")
        url = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
        notes = []
        for name in ("kinesis-put", "s3-put"):
            def command():
                target = pathlib.Path(tempfile.mkdtemp(prefix="paced", dir=self.scratch))
                return [self.bin / name, *{
                    "kinesis-put": ["--endpoint-url", url, "--state-dir", target / "state"],
                    "s3-put": ["--to", f"file://{target}/bucket"]}[name]]

            def paced(words, rate, seconds):
                """Runs a program with records at a rate; its CPU seconds by measure.c."""
                reading, writing = os.pipe()
                figures, end = os.pipe()
                process = subprocess.Popen([Run.measure, str(end), *map(str, words)], stdin=reading, pass_fds=[end],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                os.close(reading)
                os.close(end)
                begin = time.monotonic()
                for number in range(rate * seconds):
                    time.sleep(max(0, begin + number / rate - time.monotonic()))
                    place = number * length % len(frames)
                    os.write(writing, frames[place:place + length])
                os.close(writing)
                errors = process.stderr.read()
                with open(figures) as lines:
                    cpu, _, status = lines.readline().split()
                process.wait()
                if int(status):
                    raise BenchError(f"{name} ended with {status}: {errors.decode()[-300:]}")
                return float(cpu)

            each = (paced(command(), 1000, 6) - paced(command(), 1000, 1)) / 5000
            limit = self.table.targets.get(f"paced, 1000 records/s | {name}", {}).get("cpu")
            verdict = "" if limit is None else f" (target {limit * 1e6:.0f}{', missed' if each > limit else ''})"
            notes.append(f"{name} at 1 000 records a second, each alone: {each * 1e6:.1f} µs of CPU a record{verdict}")
            if not shutil.which("strace"):
                notes.append("Calls of fsync were not counted: strace is not installed.")
                continue
            for rate in (5, 40, 1000):
                seconds, counts = 8, self.scratch / "calls"
                paced(["strace", "-f", "-c", "-o", counts, "-e", "trace=fsync,fdatasync,syncfs", *command()], rate, seconds)
                few = self.scratch / "calls few"
                paced(["strace", "-f", "-c", "-o", few, "-e", "trace=fsync,fdatasync,syncfs", *command()], rate, 2)

                def calls(path):
                    return sum(int(line.split()[3]) for line in path.read_text().splitlines()
                               if line.endswith(("fsync", "fdatasync", "syncfs")))
                share = (calls(counts) - calls(few)) / (seconds - 2)
                notes.append(f"{name} at {rate} records/s: {share:.1f} calls of fsync a second (target 2"
                             f"{', missed' if share > 2 else ''})")
        return notes

    def bench_pipeline(self):
        """exchange-sim | sbe-tap | dedup | sinks, by TLS, on this machine: CPU of the stages together."""
        os.environ.update(BINANCE_API_KEY="any", AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret",
                          AWS_REGION="us-east-1")
        peer, seconds = self.kinesis_peer(), 10
        server = subprocess.Popen([peer, "sink", "900"], stdout=subprocess.PIPE, text=True)
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        names = ",".join(f"S{number:04}USDT" for number in range(3000))
        try:
            for work, rate, symbols, both in (
                    ("333 000 messages/s, one symbol", 333_000, "BTCUSDT", False),
                    ("20 000 messages/s, 3 000 symbols", 20_000, names, False),
                    ("20 000 messages/s, 3 000 symbols, both sinks", 20_000, names, True)):
                # The rate is that of each symbol.
                each = rate / (symbols.count(",") + 1)
                place = self.exchange("--rate", each, "--symbols", symbols, "--tls-dir", self.scratch)
                target = tempfile.mkdtemp(prefix="pipeline", dir=self.scratch)
                programs = {name: self.bin / name for name in ("sbe-tap", "dedup", "kinesis-put", "s3-put", "fan-out")}
                kinesis = f"{programs['kinesis-put']} --endpoint-url {url} --state-dir {target}/kinesis 2> {target}/log"
                s3 = f"{programs['s3-put']} --to file://{target}/bucket"
                if both:
                    # Each sink reads a FIFO, and the shell waits for both: else their time would not count.
                    before = f"mkfifo {target}/a {target}/b; {kinesis} < {target}/a & {s3} < {target}/b & "
                    sink = f"{programs['fan-out']} --state-dir {target}/fan-out {target}/a {target}/b"
                else:
                    before, sink = "", kinesis
                tap = (f"{programs['sbe-tap']} --ws-url {place['wss']} --ca {place['ca']} --symbols {symbols} "
                       f"--streams bestBidAsk --no-snapshots --duration {seconds}")
                line = f"set -o pipefail; {before}{tap} | {programs['dedup']} | {sink}; code=$?; wait; exit $code"
                run = Run(["bash", "-c", line], keep_output=False)
                count = int(re.findall(r"(\d+) records? confirmed", pathlib.Path(target, "log").read_text())[-1])
                row = {"cpu": run.cpu / seconds, "least": run.cpu / seconds, "instructions": None}
                self.table.row(f"pipeline, {work}", "sbe-tap, dedup, " + ("fan-out, both sinks" if both else "kinesis-put"),
                               f"{count / seconds / 1e3:.0f} k records, {row['cpu']:.2f} core", [run], row)
                self.stop_servers()
                shutil.rmtree(target)
        finally:
            server.kill()
