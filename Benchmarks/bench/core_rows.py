"""The formats and decoders, in memory."""

import pathlib
import subprocess

from bench.measuring import BENCHMARKS, PYTHON, RECORDS, ROOT, BenchError, Run, instructions_each


class CoreRows:
    def in_memory(self, work, unit, what, path, passes, each, same=True, first="C"):
        """A C program and bench-core, which do the same to a file's bytes so many times."""
        programs = {first: [self.peers, what, path], "bench-core": [self.core, what, path]}
        counted = instructions_each(programs, ([2], 2 * each), ([12], 12 * each), self.scratch, source=False)
        return {"work": work, "units": each * passes, "unit": unit, "same": same, "instructions": counted,
                "programs": {name: [*words, passes] for name, words in programs.items()}}

    def bench_decode(self):
        for kind, passes in (("trade", 20000), ("quote", 20000), ("depth", 6000)):
            path = self.file(kind, "messages", kind)
            self.table.compare(**self.in_memory(f"decode, {kind}", "messages", "decode", path, passes, 4096))

    def bench_websocket(self):
        path, each = self.file("websocket frames", "stream", 5_000), 5_000
        self.table.compare(**self.in_memory("WebSocket frames of 100 bytes", "frames", "frames", path, 30_000, each))

    def bench_frames(self):
        programs = {"C": [self.peers, "copy"], "bench-core": [self.core, "copy"]}
        few, many = self.small(), self.million()
        counted = instructions_each(programs, (few, RECORDS // 100), (many, RECORDS // 10), self.scratch)
        self.table.compare("frames, read and written", RECORDS, "records", programs, self.dense(),
                           keep_output=False, instructions=counted)

    def bench_avro(self):
        each, passes = RECORDS // 100, 100
        rows = self.in_memory("records to Avro", "records", "avro", self.small(), passes, each, same=False)
        rows["programs"]["python, fastavro"] = [
            *self.python, "avro", self.small(), ROOT / "docs/schemas/trade.avsc"]
        rows["units"] = {"C": each * passes, "bench-core": each * passes, "python, fastavro": each}
        self.table.compare(**rows)

    def bench_parquet(self):
        """Trades into zstd Parquet in memory; then many partitions through s3-put."""
        peer = self.scratch / "parquet-peer"
        subprocess.run(["gcc", "-O2", "-Wall", "-o", peer, BENCHMARKS / "parquet.c", "-lzstd"], check=True)
        path = self.million()
        passes = 5
        self.table.compare(
            "trades to zstd Parquet", RECORDS // 10 * passes, "records",
            {"C, zstd of the same columns": [peer, path, passes], "bench-core": [self.core, "parquet", path, passes],
             "python, pyarrow": [PYTHON, BENCHMARKS / "parquet.py", path, passes]},
            same=False)
        sizes = {}
        for name, command in {"bench-core": [self.core, "parquet", path, 1],
                              "pyarrow": [PYTHON, BENCHMARKS / "parquet.py", path, 1]
                              }.items():
            text = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout
            sizes[name] = int(text.split()[0])
        return [f"Bytes a trade in Parquet: {sizes['bench-core'] * 10 / RECORDS:.2f}, by pyarrow with the same "
                f"encodings {sizes['pyarrow'] * 10 / RECORDS:.2f}"]

    def bench_page(self):
        page = self.scratch / "page.json"
        page.write_text("[" + ",".join(
            f'{{"a":{3000000000 + i},"p":"{42000 + i % 97}.{i % 100:02}000000","q":"0.{i * 7919 % 100000:05}000",'
            f'"f":{5000000000 + 2 * i},"l":{5000000001 + 2 * i},"T":{1704067200000 + i * 13},'
            f'"m":{"true" if i % 2 else "false"},"M":true}}' for i in range(1000)) + "]")
        rows = self.in_memory("REST page, 1000 rows of JSON", "rows", "page", page, 10_000, 1000, same=False,
                              first="C, a hand scanner")
        rows["programs"]["python json"] = [*self.python, "page", page, 100]
        rows["units"] = {name: 1000 * (100 if "python" in name else 10_000) for name in rows["programs"]}
        self.table.compare(**rows)

    def bench_texts(self):
        """Trades of the JSON streams: ours makes records of them, the peers only read them."""
        peer = self.scratch / "json-peer"
        simdjson = pathlib.Path("/usr/include/simdjson.h").exists()
        if simdjson:
            subprocess.run(["g++", "-O2", "-std=c++17", "-o", peer, BENCHMARKS / "json_stream.cpp",
                            "-lsimdjson"], check=True)
        path = self.scratch / "texts"
        path.write_text("".join(
            f'{{"stream":"btcusdt@trade","data":{{"e":"trade","E":{1785888000124356 + i * 97},"s":"BTCUSDT",'
            f'"t":{5000000001 + i},"p":"{42000 + i % 97}.{i % 100:02}000000","q":"0.{i * 7919 % 100000:05}000",'
            f'"T":{1785888000123456 + i * 97},"m":{"true" if i % 2 else "false"},"M":true}}}}\n'
            for i in range(4096)))
        passes = 1000
        words = ["texts", path, passes]
        programs = {"C++, simdjson": [peer, path, passes]} if simdjson else {}
        programs |= {"bench-core": [self.core, *words], "python, orjson": [*self.python, "texts", path, 25]}
        self.table.compare(
            "trades in JSON", {name: 4096 * (25 if "python" in name else passes) for name in programs},
            "messages", programs, same=False)
        few = {name: [*command[:-1], 2] for name, command in programs.items()}
        if len({Run(command).digest for command in few.values()}) != 1:
            raise BenchError("trades in JSON: the programs disagree")
        return [] if simdjson else ["simdjson was not measured: libsimdjson-dev is not installed."]
