"""dedup against a C program that does the same for many sequences."""

from bench.measuring import BENCHMARKS, PYTHON, RECORDS, BenchError, Run, instructions_each


class DedupRows:
    """The order and the number of sequences decide what a record costs."""

    def bench_dedup(self):
        peer, count = self.built("dedup.c"), RECORDS // 2
        ours = self.bin / "dedup"
        rows = {"one symbol": ("gen", 0, 1), "one symbol, 5 % repeats": ("gen", 5, 1),
                "20 symbols": ("gen", 0, 20), "1 000 symbols": ("gen", 0, 1000),
                "20 symbols, shuffled": ("gen", 0, 20, "shuffled"),
                "bestBidAsk, one symbol": ("quotes", 1), "bestBidAsk, 20 symbols": ("quotes", 20)}
        for work, (kind, *words) in rows.items():
            path, few, many = (self.file(f"dedup-{work}-{size}".replace(" ", ""), kind, size, *words)
                               for size in (count, count // 100, count // 20))
            programs = {"C": [peer], "dedup": [ours]}
            counted = instructions_each(programs, (few, count // 100), (many, count // 20), self.scratch)
            self.table.compare(f"dedup, {work}", count, "records", programs, path, keep_output=False,
                               instructions=counted)
            if len({Run(command, many).digest for command in programs.values()}) != 1:
                raise BenchError(f"dedup, {work}: the programs disagree")
            path.unlink()
        # Too slow, and of too much memory, to wait for more than once; and far from close.
        path = self.file("dedup-python", "gen", count // 10, 0)
        self.table.compare("dedup, one symbol", {"C": count // 10, "python, a set": count // 10}, "records",
                           {"C": [peer], "python, a set": [PYTHON, BENCHMARKS / "peers.py", "dedup"]}, path,
                           keep_output=False, rounds=1)

    def bench_dedup_holes(self):
        """Every second id, and then those between them: four million holes that are filled late."""
        count = 8_000_000
        path = self.file("holes", "gen", count, 0, 1, "holes")
        runs = [Run([self.bin / "dedup"], path, False)]
        self.table.row("dedup, 4 M holes filled late", "dedup", f"{count / runs[0].wall / 1e6:.1f} M records", runs)
        path.unlink()
