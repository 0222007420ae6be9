"""The live path and what watches it: Benchmarks/stream.c and stream_clients.py."""

import http.client
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from bench.measuring import BENCHMARKS, ROUNDS, Run

TARGET = "/stream?streams=btcusdt@bestBidAsk"


class LiveRows:
    def bench_figures(self):
        """What its figures cost a stage: a batch of dedup's input is 256 KiB."""
        path = self.dense()
        batches = 1_000_000
        with tempfile.TemporaryDirectory(dir=self.scratch) as place:
            text = subprocess.run([self.core, "figures", place, str(batches)], check=True,
                                  capture_output=True, text=True).stdout
        cost = int(text.split()[0])
        run = statistics.median(Run([self.bin / "dedup"], path, False).cpu for _ in range(3))
        batch = run * 1e9 / (path.stat().st_size / (256 << 10))
        return [f"Figures, states and heartbeat cost {cost} ns a batch; a batch of 256 KiB takes dedup "
                f"{batch / 1000:.0f} µs: {100 * cost / batch:.2f} % of its time"]

    def bench_health(self):
        """healthd with 50 stages of 60 figures: memory, CPU at a scrape a second, and /metrics under load."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as place:
            stages = subprocess.Popen([self.core, "stages", place, "50"], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
            healthd = None
            try:
                stages.stdout.readline()
                healthd = subprocess.Popen(
                    [self.bin / "healthd", "--stats-dir", place, "--listen", "127.0.0.1:0",
                     "--metrics-port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                url = healthd.stdout.readline().split("metrics=")[1].strip()
                return self.measure_health(healthd.pid, url)
            finally:
                for process in (healthd, stages):
                    if process:
                        process.kill()
                        process.wait()

    @staticmethod
    def resident(pid):
        """MiB that a process has in memory now."""
        with open(f"/proc/{pid}/status") as lines:
            return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))

    @staticmethod
    def scrape_share(pid, url, seconds):
        """Per cent of a core that healthd takes at a scrape a second, and the bytes of a scrape."""
        def spent():
            with open(f"/proc/{pid}/stat") as line:
                fields = line.read().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        for _ in range(100):  # 503 until it has looked for the first time.
            try:
                size = len(urllib.request.urlopen(url).read())
                break
            except urllib.error.HTTPError:
                time.sleep(0.1)
        begin, start = spent(), time.monotonic()
        for number in range(seconds):
            time.sleep(max(0, start + number + 1 - time.monotonic()))
            urllib.request.urlopen(url).read()
        return 100 * (spent() - begin) / (time.monotonic() - start), size

    def measure_health(self, pid, url):
        share, size = self.scrape_share(pid, url, 20)
        delays, errors = self.scrape(url, connections=4, rate=50, seconds=10)
        high = sorted(delays)[len(delays) * 99 // 100]
        return [f"healthd, 50 stages: {self.resident(pid):.1f} MiB; {share:.2f} % of a core at a scrape a second "
                f"({size / 1e3:.0f} kB); /metrics p99 {high * 1000:.2f} ms at {len(delays) / 10:.0f} "
                f"requests/s, {errors} errors"]

    @staticmethod
    def scrape(url, connections, rate, seconds):
        """Asks at a rate on some connections; the seconds that each answer took, and the failures."""
        place = urllib.parse.urlsplit(url)
        delays, errors = [], []

        def ask():
            peer = http.client.HTTPConnection(place.hostname, place.port, timeout=5)
            begin = time.monotonic()
            for number in range(rate * seconds):
                time.sleep(max(0, begin + number / rate - time.monotonic()))
                start = time.monotonic()
                try:
                    peer.request("GET", place.path)
                    answer = peer.getresponse()
                    answer.read()
                    (delays if answer.status == 200 else errors).append(time.monotonic() - start)
                except (OSError, http.client.HTTPException) as error:
                    errors.append(error)
                    peer.close()
            peer.close()

        threads = [threading.Thread(target=ask) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return delays or [float("nan")], len(errors)

    def exchange(self, *options):
        """A running exchange-sim, and the words of its first line."""
        process = subprocess.Popen([self.bin / "exchange-sim", "--start", "now", *map(str, options)],
                                   stdout=subprocess.PIPE, text=True)
        self.servers.append(process)
        return dict(word.split("=", 1) for word in process.stdout.readline().split()[1:])

    def bench_tap(self):
        """Messages of bestBidAsk as fast as they are taken, from one server to one client at a time."""
        os.environ["BINANCE_API_KEY"] = "any"
        peer, count = self.built("stream.c", "-lssl", "-lcrypto"), 8_000_000
        place = self.exchange("--flood", count, "--tls-dir", self.scratch)
        for scheme in ("ws", "wss"):
            counts = {"C, records": count, "C, ids only": count, "sbe-tap": count, "python, picows": count // 16,
                      "python, websockets": count // 80}
            url, ca = place[scheme], [place["ca"]] if scheme == "wss" else []
            port = url.rpartition(":")[2]
            self.table.compare(
                f"stream, {scheme}", counts, "messages",
                {"C, records": [peer, "records", port, TARGET, count, *ca],
                 "C, ids only": [peer, "recv", port, TARGET, *ca],
                 "sbe-tap": self.tap(url, ca, "--limit", count),
                 **{name: self.client(name, url, counts[name], ca)
                    for name in ("python, picows", "python, websockets")}},
                same=False, keep_output=False)
        return ["`C, records` and sbe-tap decode each message and write a record of 118 bytes for it; the other clients "
                "add ids up."]

    def tap(self, url, ca, *options):
        return [self.bin / "sbe-tap", "--ws-url", url, "--symbols", "BTCUSDT", "--streams", "bestBidAsk",
                "--no-snapshots", *options, *(["--ca", *ca] if ca else [])]

    def client(self, name, url, count, ca):
        return [self.python[0], BENCHMARKS / "stream_clients.py", name.split()[1], url + TARGET, count, *ca]

    def bench_tap_live(self):
        """bestBidAsk by TLS as it comes, at three rates: CPU of a message, the start left out."""
        os.environ["BINANCE_API_KEY"] = "any"
        peer = self.built("stream.c", "-lssl", "-lcrypto")
        for rate in (1_000, 20_000, 200_000):
            place = self.exchange("--rate", rate, "--tls-dir", self.scratch)
            url, ca, work = place["wss"], [place["ca"]], f"live by wss, {rate} messages/s"
            anchor = None
            programs = {
                "C, records": lambda count: [peer, "records", url.rpartition(":")[2], TARGET, count, *ca],
                "sbe-tap": lambda count: self.tap(url, ca, "--limit", count),
                "python, picows": lambda count: self.client("python, picows", url, count, ca)}
            few, many = rate, 4 * rate
            runs = {name: [] for name in programs}
            for _ in range(min(ROUNDS, 3)):
                for name, command in programs.items():
                    runs[name].append([Run(command(count), keep_output=False) for count in (few, many)])
            for name, pairs in runs.items():
                each = [(long.cpu - short.cpu) / (many - few) for short, long in pairs]
                row = {"cpu": statistics.median(each), "least": min(each), "instructions": None}
                anchor = anchor or row
                self.table.row(work, name, f"{row['cpu'] * 1e6:.2f} µs a message", [long for _, long in pairs], row,
                               anchor)
            self.stop_servers()

    def bench_delay(self):
        """From the venue's socket to sbe-tap's stdout, and to kinesis-put's request, at three rates."""
        os.environ.update(BINANCE_API_KEY="any", AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret",
                          AWS_REGION="us-east-1")
        peer, sink = self.built("stream.c", "-lssl", "-lcrypto"), self.kinesis_peer()
        notes = ["", "| messages/s | from | to | records | p50 µs | p99 µs | p99.9 µs |", "|---|---|---|---|---|---|---|"]
        for rate in (1_000, 20_000, 200_000):
            place = self.exchange("--rate", rate)
            tap = [self.bin / "sbe-tap", "--ws-url", place["ws"], "--symbols", "BTCUSDT", "--streams",
                   "bestBidAsk", "--no-snapshots", "--duration", "10"]

            def note(start, end, line):
                total, *shares = line.split()
                notes.append(f"| {rate} | {start} | {end} | {total} | {' | '.join(shares)} |")

            source = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            text = subprocess.run([peer, "delays"], stdin=source.stdout, capture_output=True, text=True,
                                  check=True).stdout.splitlines()
            source.wait()
            note("sent by the simulator", "reader of stdout", text[0])
            note("read from the socket", "reader of stdout", text[1])
            server = subprocess.Popen([sink, "ages", "60"], stdout=subprocess.PIPE, text=True)
            self.servers.append(server)
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            shutil.rmtree(self.scratch / "delay-state", ignore_errors=True)
            source = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            subprocess.run([self.bin / "kinesis-put", "--endpoint-url", url, "--state-dir",
                            self.scratch / "delay-state", "--format", "sbe", "--no-aggregate"],
                           stdin=source.stdout, stderr=subprocess.DEVNULL, check=True)
            source.wait()
            note("read from the socket", "request at the sink", urllib.request.urlopen(f"{url}/delays").read().decode())
            self.stop_servers()
        return notes
