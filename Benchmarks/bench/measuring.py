"""Runs programs in turns, and makes a table of what they took."""

import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BENCHMARKS = ROOT / "Benchmarks"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
RECORDS = 10_000_000
PYTHON = os.environ.get("PYTHON") or str(
    ROOT / ".venv/bin/python" if (ROOT / ".venv/bin/python").exists() else "python3")


class BenchError(Exception):
    """A row that has no number, and why."""


class Run:
    """What one run of a program took."""

    measure = None  # Where Benchmarks/measure.c was built.

    def __init__(self, command, source=None, keep_output=True):
        self.command = [str(word) for word in command]
        reading = open(source, "rb") if source else subprocess.DEVNULL
        writing = tempfile.TemporaryFile() if keep_output else open(os.devnull, "wb")
        figures, end = os.pipe()
        start = time.perf_counter()
        process = subprocess.Popen(
            [Run.measure, str(end), *self.command], pass_fds=[end],
            stdin=reading, stdout=writing, stderr=subprocess.PIPE)
        os.close(end)
        errors = process.stderr.read()
        with open(figures) as lines:
            cpu, memory, status = lines.readline().split()
        self.wall = time.perf_counter() - start
        process.wait()
        self.cpu = float(cpu)
        self.memory = int(memory) / 1024
        if int(status):
            words = " ".join(self.command)
            raise BenchError(f"{words} ended with {status}: {errors.decode(errors='replace').strip()[-400:]}")
        self.digest = None
        if keep_output:
            writing.seek(0)
            self.digest = hashlib.file_digest(writing, "sha256").hexdigest()
        writing.close()


class Workplace:
    """What all measurements need: the programs, and inputs that are made once."""

    def __init__(self, programs, scratch):
        self.bin = pathlib.Path(programs).resolve()
        self.scratch = pathlib.Path(scratch)
        Run.measure = self.built("measure.c")
        self.peers = self.built("peers.c")
        self.core = self.bin / "bench-core"
        self.servers = []
        self.python = [PYTHON, BENCHMARKS / "peers.py"]

    def built(self, source, *libraries):
        """A C program of Benchmarks."""
        program = self.scratch / source.removesuffix(".c")
        if not program.exists():
            subprocess.run(["gcc", "-O2", "-Wall", "-o", program, BENCHMARKS / source, *libraries], check=True)
        return program

    def file(self, name, *arguments):
        """A file that `peers` writes."""
        path = self.scratch / name
        if not path.exists():
            with open(path, "wb") as out:
                subprocess.run([self.peers, *map(str, arguments)], stdout=out, check=True)
        return path

    def stop_servers(self):
        for process in self.servers:
            process.kill()
            process.wait()
        self.servers.clear()


def machine():
    """What the figures were measured on."""
    with open("/proc/cpuinfo") as lines:
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")),
                     platform.machine())
    return f"{os.cpu_count()} CPUs of {model}, Linux {platform.release()}"


def commit():
    """The commit of this directory."""
    found = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return found.stdout.strip() or "unknown"


def instructions(command, source, scratch):
    """Instructions in user space, by valgrind; None where it is not installed or fails."""
    if not shutil.which("valgrind"):
        return None
    # Of our programs a copy without debugging information, which valgrind does not understand.
    program = pathlib.Path(command[0])
    bare = pathlib.Path(scratch) / "bare" / str(program).strip("/").replace("/", "-")
    if program.is_absolute() and not bare.exists():
        bare.parent.mkdir(exist_ok=True)
        if subprocess.run(["strip", "-g", "-o", bare, program], stderr=subprocess.DEVNULL).returncode:
            return None
    words = [str(bare) if bare.exists() else str(program), *map(str, command[1:])]
    reading = open(source, "rb") if source else subprocess.DEVNULL
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *words],
        stdin=reading, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    return int(found.group(1)) if found else None


def instructions_each(programs, few, many, scratch, source=True):
    """Instructions per unit of each program: a long run less a short one, so that the start is out.

    `few` and `many` are pairs of an input (a file for standard input, or words that end the
    command) and how many units are in it.
    """
    each = {}
    for name, command in programs.items():
        if name.startswith(("python", "jq")):
            continue
        counts = []
        for given, _ in (few, many):
            words = command if source else [*command, *given]
            counts.append(instructions(words, given if source else None, scratch))
        if None not in counts:
            each[name] = (counts[1] - counts[0]) / (many[1] - few[1])
    return each


class Table:
    """Prints rows as they come, and keeps their numbers for the gate.

    Targets are in Benchmarks/targets.json: a ratio, or limits by name: `ratio`, `instructions` (their
    ratio), `wall` (s), `memory` (MiB), `cpu` (s for a unit). A row says whether it meets its own.
    """

    def __init__(self):
        self.results = {}
        self.targets = json.loads((BENCHMARKS / "targets.json").read_text())
        self.lines = []
        self.add("| work | program | per s | CPU s (least–most) | wall s (least–most) "
              "| CPU, ratio to the first (target) | instructions each | peak MiB |")
        self.add("|---|---|---|---|---|---|---|---|")

    def add(self, line):
        """Prints a line, and keeps it for the document."""
        print(line, flush=True)
        self.lines.append(line)

    def compare(self, work, units, unit, programs, source=None, same=True, keep_output=True, rounds=ROUNDS,
                instructions=None, prepare=None):
        """Runs the programs in turns; the first one is the anchor.

        `units` may differ by program; `instructions` are those of a unit, by program, if they were
        counted; `prepare` is called before each run.
        """
        runs, failed = {name: [] for name in programs}, {}
        for _ in range(rounds):
            for name, command in programs.items():
                if name in failed or name.startswith(("python", "jq")) and runs[name]:
                    continue  # Those in Python take long, and are far from close.
                if prepare:
                    prepare()
                try:
                    runs[name].append(Run(command, source, keep_output))
                except (BenchError, OSError) as error:
                    failed[name] = error
        digests = {found[0].digest for name, found in runs.items() if found and name not in failed}
        if same and len(digests) > 1:
            raise BenchError(f"{work}: the programs disagree")
        anchor = None
        for place, (name, found) in enumerate(runs.items()):
            if name in failed:
                self.add(f"| {work} | {name} | failed | | | | | |")
                continue
            count = units[name] if isinstance(units, dict) else units
            row = {"cpu": statistics.median(run.cpu for run in found) / count,
                   "least": min(run.cpu for run in found) / count,
                   "instructions": (instructions or {}).get(name)}
            if place == 0:
                anchor = row
            self.row(work, name, f"{scaled(count / statistics.median(run.wall for run in found))} {unit}",
                     found, row, anchor)
        for name, error in failed.items():
            raise BenchError(f"{work}, {name}: {error}")

    def row(self, work, name, rate, runs, row=None, anchor=None):
        """Prints one program's runs."""
        def spread(values):
            return f"{statistics.median(values):.3f} ({min(values):.3f}–{max(values):.3f})"

        targets = self.targets.get(f"{work} | {name}", {})
        if not isinstance(targets, dict):
            targets = {"ratio": targets}

        def judged(kind, value):
            limit = targets.get(kind)
            return "" if limit is None else f" ({limit:g}{', missed' if value > limit else ''})"

        ratio, counted = "–", "–"
        if row and row["instructions"]:
            counted = f"{row['instructions']:.0f}"
        if row and anchor:
            ratio = f"{row['cpu'] / anchor['cpu']:.2f}" + judged("ratio", row["cpu"] / anchor["cpu"])
            if row is not anchor:
                kept = {"ratio": round(row["least"] / anchor["least"], 3)}
                if row["instructions"] and anchor["instructions"]:
                    kept["instructions"] = round(row["instructions"] / anchor["instructions"], 3)
                    counted += f" ({kept['instructions']:.2f} ×{judged('instructions', kept['instructions'])})"
                self.results[f"{work} | {name}"] = kept
        walls, memory = [run.wall for run in runs], max(run.memory for run in runs)
        rate += judged("cpu", row["cpu"]) if row else ""
        self.add(f"| {work} | {name} | {rate} | {spread([run.cpu for run in runs])} "
                 f"| {spread(walls)}{judged('wall', statistics.median(walls))} | {ratio} | {counted} "
                 f"| {memory:.0f}{judged('memory', memory)} |")


def scaled(value):
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.1f} {letter}"
    return f"{value:.1f} "
