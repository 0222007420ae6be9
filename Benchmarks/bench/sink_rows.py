"""s3-put and kinesis-put: Benchmarks/s3.c, kinesis.c and their clients in Python."""

import contextlib
import os
import pathlib
import statistics
import struct
import subprocess
import tempfile

from bench.measuring import BENCHMARKS, PYTHON, RECORDS, ROUNDS, Run


def make_partitions(path, symbols, count):
    """Trades, aggregates and quotes of many symbols, one record of each in turns."""
    with open(path, "wb") as out:
        bodies = {1: (96, b"\0" * 16 + b"\0\xff" + b"\0" * 6), 2: (112, b"\0" * 32 + b"\0\xff" + b"\0" * 6),
                  4: (104, b"\0" * 32)}
        names = [f"S{number:04}USDT".encode().ljust(32, b"\0") for number in range(symbols)]
        written = number = 0
        while written < count:
            number += 1
            for name in names:
                for template, (block, body) in bodies.items():
                    time = 1_704_067_200_000_000 + number * 1000
                    prefix = struct.pack("<qqqq32sHBBbbH", time, time * 1000, number, number, name, 0, 1, 2, -8, -8, 0)
                    price = struct.pack("<qq", 6_500_000_000_000 + number * 1_000_000, 1000 * (number % 977))
                    own = price + body[16:] if template != 4 else price + price
                    message = struct.pack("<HHHH", block, template, 8802, 1) + (prefix + own).ljust(block, b"\0")
                    out.write(struct.pack(">IH", len(message) + 6, 0xEB50) + message)
            written += 3 * symbols


class SinkRows:
    def store(self, work, path, options, records, anchor=None, name="s3-put"):
        """Rows of s3-put into an empty directory; returns what `anchor` of the next ones may be."""
        size, runs = path.stat().st_size, []
        for _ in range(ROUNDS):
            # A new one each time, none removed: for minutes ext4 passes over the inodes of files that
            # were removed, one by one, which with 9 000 objects was three quarters of the time.
            target = pathlib.Path(tempfile.mkdtemp(prefix="objects", dir=self.scratch)) / "bucket"
            runs.append(Run([self.bin / "s3-put", "--to", f"file://{target}", *options], path))
        stored = [file for form in ("parquet", "avro", "sbe") for file in target.rglob(f"*.{form}*")
                  if ".s3-put" not in str(file)]
        wall = statistics.median(run.wall for run in runs)
        row = {"cpu": statistics.median(run.cpu for run in runs) / records,
               "least": min(run.cpu for run in runs) / records, "instructions": None}
        written = sum(file.stat().st_size for file in stored)
        self.table.row(work, name, f"{size / wall / 1e6:.0f} MB in, {written / wall / 1e6:.1f} MB out, "
                       f"{len(stored)} objects", runs, row, anchor or row)
        return row

    def bench_partitions(self):
        """Partitions that take turns record by record, three kinds of each symbol.

        With 9 000 an object has 34 records, and what is measured is what an object costs. So these are
        compared with as many objects of three partitions, and with a C program that has the file system
        do the same and does nothing else.
        """
        few = RECORDS // 10
        for form in ("parquet", "avro"):
            anchor = None
            for symbols in (1, 11, 333):
                row = self.store(f"s3-put to file://, {form}, {3 * symbols} partitions",
                                 self.partitions(symbols, few), ["--format", form], few, anchor)
                anchor = anchor or row
        few = RECORDS * 3 // 100
        many = self.partitions(3000, few)
        size = max(4096, many.stat().st_size // 9000)
        peer, runs = self.built("objects.c"), []
        for form in ("parquet", "avro"):
            work = f"9 000 small objects to file://, {form}"
            anchor = self.store(work, self.partitions(1, few), ["--format", form, "--object-bytes", size], few,
                                name="s3-put, 3 partitions")
            self.store(work, many, ["--format", form], few, anchor, name="s3-put, 9 000 partitions")
        for _ in range(ROUNDS):
            target = tempfile.mkdtemp(prefix="objects", dir=self.scratch)
            runs.append(Run([peer, f"{target}/bucket", 9000, 9000, size]))
        self.table.row("9 000 small objects to file://", "C, the file system's calls alone",
                       f"{9000 / statistics.median(run.wall for run in runs):.0f} objects", runs)

    def partitions(self, symbols, count):
        path = self.scratch / f"partitions{symbols}-{count}"
        if not path.exists():
            make_partitions(path, symbols, count)
        return path

    def bench_objects(self):
        """To a directory, one partition and 32."""
        count = RECORDS * 3 // 10
        one = self.file("three million", "gen", count, 0)
        many = self.file("three million symbols", "gen", count, 0, 32)
        for form, codec in (("parquet", "zstd"), ("avro", "zstd"), ("sbe", "none")):
            options = ["--format", form, "--compression", codec]
            anchor = self.store(f"s3-put to file://, {form}, {codec}", one, options, count)
            self.store(f"s3-put to file://, {form}, {codec}, 32 symbols", many, options, count, anchor)

    def bench_s3(self):
        """To a sink that keeps nothing. s3-put has the bytes on disk first, twice: in the spool, and in the
        object that it would deliver again after a crash. The durable C program has them there once."""
        peer, path = self.s3_peer(), self.million()
        kept = self.scratch / "s3-kept"
        with self.sink(peer, "sink") as url:
            self.table.compare(
                "upload of 102 MB", path.stat().st_size, "bytes",
                {"C, durable": [peer, "put", url, "8", "2", kept],
                 "C, libcurl": [peer, "put", url, "8", "2"],
                 "s3-put, as it comes": self.s3_put(url, "--format", "sbe", "--compression", "none"),
                 "s3-put, Parquet": self.s3_put(url),
                 "s3-put, Avro, zstd": self.s3_put(url, "--format", "avro", "--compression", "zstd"),
                 "python, boto3": [PYTHON, BENCHMARKS / "s3_boto3.py", url]},
                path, same=False, keep_output=False)
        certificate, secret = self.certificate()
        os.environ["AWS_CA_BUNDLE"] = str(certificate)
        with self.sink(peer, "sink", certificate, secret) as url:
            self.table.compare(
                "upload of 102 MB, https", path.stat().st_size, "bytes",
                {"boto3": [PYTHON, BENCHMARKS / "s3_boto3.py", url],
                 "C, durable": [peer, "put", url, "8", "2", kept],
                 "s3-put, as it comes": self.s3_put(url, "--format", "sbe", "--compression", "none"),
                 "s3-put, Parquet": self.s3_put(url)},
                path, same=False, keep_output=False)

    def bench_deliveries(self):
        """Many objects to a service that takes 50 ms for each answer."""
        peer, few = self.s3_peer(), RECORDS // 100
        path = self.partitions(333, few)
        with self.sink(peer, "slow", "50") as url:
            self.table.compare(
                "999 objects, answers after 50 ms", 999, "objects", {"s3-put": self.s3_put(url)}, path,
                same=False, keep_output=False)

    def s3_peer(self):
        os.environ.update(AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret", AWS_REGION="us-east-1")
        peer = self.scratch / "s3-peer"
        if not peer.exists():
            subprocess.run(["gcc", "-O2", "-Wall", "-msse4.2", "-o", peer, BENCHMARKS / "s3.c",
                            "-lcurl", "-lcrypto", "-lssl", "-lpthread"], check=True)
        return peer

    def s3_put(self, url, *options):
        state = self.scratch / "s3-state"
        return ["sh", "-c", f"rm -rf {state}; exec \"$@\"", "sh", self.bin / "s3-put", "--to",
                "s3://bucket/x", "--endpoint-url", url, "--state-dir", state, *options]

    @contextlib.contextmanager
    def sink(self, peer, kind, *words):
        """The URL of a sink that runs meanwhile."""
        process = subprocess.Popen([peer, kind, "900", *words], stdout=subprocess.PIPE, text=True)
        scheme = "https" if len(words) == 2 else "http"
        try:
            yield f"{scheme}://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()
            process.wait()

    def certificate(self):
        """A certificate of 127.0.0.1 that signs itself, and its key."""
        certificate, secret = self.scratch / "sink.pem", self.scratch / "sink.key"
        if not certificate.exists():
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                 "subjectAltName=IP:127.0.0.1", "-keyout", secret, "-out", certificate],
                check=True, stderr=subprocess.DEVNULL)
        return certificate, secret

    def kinesis_peer(self):
        program = self.scratch / "kinesis-peer"
        if not program.exists():
            subprocess.run(["gcc", "-O2", "-Wall", "-o", program, BENCHMARKS / "kinesis.c",
                            "-lcurl", "-lcrypto", "-lssl", "-lpthread"], check=True)
        return program

    def bench_kinesis_build(self):
        peer, path, passes = self.kinesis_peer(), self.small(), 20
        self.table.compare(
            "PutRecords built and signed", RECORDS // 100 * passes, "records",
            {"C, AVX2": [peer, "build", path, passes],
             "bench-core": [self.core, "kinesis", path, passes]})

    def bench_kinesis(self):
        """The whole program against a sink that answers at once; the state goes to a fresh directory."""
        peer, path, count = self.kinesis_peer(), self.million(), RECORDS // 10
        certificate, secret = self.certificate()
        os.environ.update(AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret",
                          AWS_REGION="us-east-1", AWS_CA_BUNDLE=str(certificate))
        for scheme in ("http", "https"):
            words = [peer, "sink", "900"] + ([certificate, secret] if scheme == "https" else [])
            sink = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
            url = f"{scheme}://127.0.0.1:{sink.stdout.readline().strip()}"
            def put(*options):
                state = self.scratch / "kinesis-state"
                return ["sh", "-c", f"rm -rf {state}; exec \"$@\"", "sh", self.bin / "kinesis-put",
                        "--endpoint-url", url, "--state-dir", state, *options]
            try:
                self.table.compare(
                    f"PutRecords, 500 a call, {scheme}",
                    {"C, libcurl": count, "kinesis-put --no-aggregate": count,
                     "kinesis-put, containers (default)": count, "python, boto3": count // 20}, "records",
                    {"C, libcurl": [peer, "send", url, path, "2"],
                     "kinesis-put --no-aggregate": put("--no-aggregate", "--format", "sbe"),
                     "kinesis-put, containers (default)": put(),
                     "python, boto3": [PYTHON,
                                       BENCHMARKS / "kinesis_boto3.py", url, path, count // 20]},
                    path, same=False, keep_output=False)
            finally:
                sink.kill()

    def bench_kinesis_busy_symbol(self):
        """One symbol, and a service that takes 10 ms for each answer: what the order of a key costs."""
        os.environ.update(AWS_ACCESS_KEY_ID="AKID", AWS_SECRET_ACCESS_KEY="secret", AWS_REGION="us-east-1")
        peer, count, few, frame = self.kinesis_peer(), 300_000, 500, 110
        path = self.file("busy", "gen", count, 0)
        sink = subprocess.Popen([peer, "slow", "900", "10"], stdout=subprocess.PIPE, text=True)
        url = f"http://127.0.0.1:{sink.stdout.readline().strip()}"

        def put(records, *options):
            state = self.scratch / "busy-state"
            return ["sh", "-c", f"rm -rf {state}; head -c {records * frame} | \"$@\"", "sh",
                    self.bin / "kinesis-put", "--endpoint-url", url, "--state-dir", state, *options]
        try:
            self.table.compare(
                "one symbol, answers after 10 ms",
                {"kinesis-put": count, "kinesis-put --no-aggregate": count,
                 "kinesis-put --no-aggregate --order strict": few}, "records",
                {"kinesis-put": put(count), "kinesis-put --no-aggregate": put(count, "--no-aggregate"),
                 "kinesis-put --no-aggregate --order strict":
                     put(few, "--no-aggregate", "--order", "strict")},
                path, same=False, keep_output=False)
        finally:
            sink.kill()
