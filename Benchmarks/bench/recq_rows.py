"""recq against the tools that people use on JSON."""

import shutil
import subprocess

from bench.measuring import BENCHMARKS, PYTHON, RECORDS, BenchError, Run, instructions_each


class RecqRows:
    def lines(self, path):
        """Records as JSON lines."""
        lines = self.scratch / f"{path.name}.lines"
        if not lines.exists():
            with open(path, "rb") as source, open(lines, "wb") as out:
                subprocess.run([self.peers, "json"], stdin=source, stdout=out, check=True)
        return lines

    def bench_json(self):
        path = self.million()
        lines = self.lines(path)
        few, many = self.file("few", "gen", 5_000, 0), self.file("many", "gen", 30_000, 0)
        programs = {"C, a digit table": [self.peers, "json"], "recq json": [self.bin / "recq", "json"]}
        counted = instructions_each(programs, (few, 5_000), (many, 30_000), self.scratch)
        self.table.compare("records to JSON lines", 3 * RECORDS // 10, "records", programs,
                           self.file("three million", "gen", 3 * RECORDS // 10, 0), instructions=counted,
                           keep_output=False)
        if len({Run(command, path).digest for command in programs.values()}) != 1:
            raise BenchError("records to JSON lines: the programs disagree")
        programs = {"recq pack": [self.bin / "recq", "pack"], "python json": [*self.python, "filter"],
                    "jq": ["jq", "-c", "select(.qty > 1)"]}
        pack = self.simdjson()
        if pack:
            programs = {"C++, simdjson": [pack], **programs}
            if Run([pack], lines).digest != Run(programs["recq pack"], lines).digest:
                raise BenchError("simdjson and recq pack make different records")
        counted = instructions_each(programs, (self.lines(few), 5_000), (self.lines(many), 30_000), self.scratch)
        self.table.compare("JSON lines to records", RECORDS // 10, "records", programs, lines,
                           same=False, keep_output=False, instructions=counted)

    def simdjson(self):
        """A C++ program that packs with simdjson; none where the library is not installed."""
        pack = self.scratch / "simdjson_pack"
        done = subprocess.run(["g++", "-O2", "-std=c++17", "-o", pack, BENCHMARKS / "simdjson_pack.cpp",
                               "-lsimdjson"], stderr=subprocess.DEVNULL)
        return pack if done.returncode == 0 else None

    def bench_recq(self):
        """Filters against passing frames through, JSON and SQL; checks of dense and of sparse ids."""
        recq = self.bin / "recq"
        path = self.million()
        lines = self.lines(path)
        self.table.compare(
            "records chosen", RECORDS // 10, "records",
            {"recq head, all pass": [recq, "head", "-n", RECORDS], "recq where": [recq, "where", "qty > 0.5"],
             "recq where, three conditions":
                 [recq, "where", "qty > 0.5 and symbol == BTCUSDT and not is_buyer_maker"]},
            path, same=False, keep_output=False)
        others = {"jq, from JSON": ["jq", "-c", "select(.qty > 0.5)", lines]}
        query = f"copy (select * from read_json('{lines}') where qty > 0.5) to '/dev/null' (format csv)"
        others["python duckdb, from JSON"] = self.duckdb(query)
        self.table.compare("records chosen, as people do it now", RECORDS // 10, "records",
                           {"recq where": [recq, "where", "qty > 0.5", path], **others},
                           same=False, keep_output=False)
        sparse = self.file("quotes", "quotes", RECORDS)
        for work, source in (("check, dense ids", self.dense()), ("check, every id alone", sparse)):
            self.table.compare(work, RECORDS, "records",
                               {"recq count": [recq, "count"], "recq check": [recq, "check", "--allow-holes"]},
                               source, same=False, keep_output=False)
        self.stored_rows(path, lines)

    def duckdb(self, query):
        return [PYTHON, "-c", f"import duckdb; duckdb.sql(\"{query}\")"]

    def stored_rows(self, path, lines):
        """Objects back to records, JSON lines to Parquet, and what people use for that now."""
        stored = {form: self.scratch / f"stored-{form}" for form in ("avro", "parquet")}
        for form, place in stored.items():
            shutil.rmtree(place, ignore_errors=True)
            with open(path, "rb") as source:
                subprocess.run([self.bin / "s3-put", "--to", f"file://{place}", "--format", form],
                               stdin=source, check=True, stderr=subprocess.DEVNULL)
        recq = self.bin / "recq"
        everything = f"'{stored['parquet']}/**/*.parquet'"
        self.table.compare(
            "objects back to records", RECORDS // 10, "records",
            {"recq cat, Avro": [recq, "cat", stored["avro"]], "recq cat, Parquet": [recq, "cat", stored["parquet"]],
             "recq cat, JSON lines": [recq, "cat", lines], "recq cat, frames": [recq, "cat", path],
             "python duckdb, Parquet to JSON lines": self.duckdb(
                 f"copy (select * from {everything}) to '/dev/null' (format json)"),
             "jq, JSON lines": ["jq", "-c", ".", lines]},
            same=False, keep_output=False)
        self.table.compare(
            "JSON lines to Parquet", RECORDS // 10, "records",
            {"recq pack, recq parquet": ["sh", "-c", f"{recq} pack {lines} | {recq} parquet > /dev/null"],
             "python duckdb": self.duckdb(
                 f"copy (select * from read_json('{lines}')) to '/dev/null' (format parquet, compression zstd)")},
            same=False, keep_output=False)
