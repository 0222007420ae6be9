"""ledgerctl verify against pyarrow reading the same objects."""

import shutil
import subprocess

from bench.measuring import BENCHMARKS, PYTHON, RECORDS


class BucketRows:
    def bench_verify(self):
        """A day of trades: from manifests alone, and with the objects read."""
        count = RECORDS * 3 // 10
        place = self.scratch / "verified"
        shutil.rmtree(place, ignore_errors=True)
        with open(self.file("three million", "gen", count, 0), "rb") as source:
            subprocess.run([self.bin / "s3-put", "--to", f"file://{place}", "--object-bytes", "32MiB"],
                           stdin=source, check=True, stderr=subprocess.DEVNULL)
        objects = [file for file in place.rglob("*.parquet") if ".s3-put" not in str(file)]
        size = sum(file.stat().st_size for file in objects)
        verify = [self.bin / "ledgerctl", "verify", f"file://{place}"]
        self.table.compare(
            f"a day of 3 M trades verified, {len(objects)} objects", size, "bytes",
            {"pyarrow, all columns": [PYTHON, BENCHMARKS / "read_parquet.py", place],
             "ledgerctl verify --read": [*verify, "--read"],
             "ledgerctl verify, from manifests": verify},
            same=False, keep_output=False)
