"""Runs the commands that documents print, as a reader would, and compares what they promise.

    documents.py --tools DIR DOCUMENT...

A block ```sh is one script, a block ```console has lines `$ command` and what they print, where
`…` stands for anything. All blocks of a document run in one directory, with the pipelines and the
configurations of the repository and nothing else, and a HOME of its own, in their order. The venue is a simulated exchange, AWS is moto: addresses come by the
environment, so that commands stay as printed. A comment in the line before a block says more:

    <!-- run: until PATTERN -->   stopped with SIGINT when what it writes matches
    <!-- run: each until PATTERN -->   each line of it, one after another
    <!-- run: status N -->        ends with another status than 0
    <!-- run: not REASON -->      is not run
    <!-- run: as FILE -->         for any block: its text is put into FILE

Blocks whose commands need a machine of their own (sudo, docker, systemctl, ...) are not run.
Prints one line a block; the last line has the sums. Status 1 when a block did not do as printed.
"""

import argparse
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ELSEWHERE = {"sudo", "apt-get", "docker", "podman", "systemctl", "journalctl", "kubectl", "aws", "make", "git", "curl"}
BLOCK = re.compile(
    r"(?:^<!-- run: (?P<note>[^\n]*?) -->\n)?^```(?P<lang>[a-z]+)\n(?P<text>.*?)^```$", re.M | re.S)
LIMIT = 60
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Failed(Exception):
    pass


def first_line(command, environment=None, wanted="listening"):
    """Starts a server; gives it and the first line that it writes."""
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    line = server.stdout.readline()
    if not line:
        raise Failed(f"{command[0]} did not start")
    threading.Thread(target=server.stdout.read, daemon=True).start()
    return server, line


class World:
    """The servers that stand in for the venue and for AWS."""

    def __init__(self, tools):
        self.tools = tools
        sim = str(tools / "exchange-sim")
        self.servers = []
        past = self._start([sim, "--newest", "900000", "--symbol", "BTCUSDT,ETHUSDT"])
        live = self._start([
            sim, "--start", "now", "--history", "2000", "--rate", "50", "--symbol", "BTCUSDT,ETHUSDT"])
        from moto.server import ThreadedMotoServer
        self.aws = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.aws.start()
        host, port = self.aws.get_host_and_port()
        self.url = f"http://{host}:{port}"
        import boto3
        self.s3, self.kinesis = (boto3.client(
            service, endpoint_url=self.url, region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret") for service in ("s3", "kinesis"))
        self.past, self.live = past, live

    def reset(self):
        """An account with the streams that there are by default, and an empty bucket."""
        request = urllib.request.Request(self.url + "/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=LIMIT).close()
        self.s3.create_bucket(Bucket="my-bucket")
        for kind in ("trade", "bestbidask", "depth", "depthsnapshot", "gap"):
            self.kinesis.create_stream(StreamName=f"market-sbe-{kind}", ShardCount=1)

    def _start(self, command):
        server, line = first_line(command)
        self.servers.append(server)
        return dict(field.split("=", 1) for field in line.split()[1:])

    def environment(self, home, text):
        """What a reader's shell has; commands of the live source meet a market that moves."""
        market = self.live if "sbe-tap" in text or "pipelines/" in text else self.past
        kept = {name: os.environ[name] for name in ("LANG", "TZ", "PYTHON") if name in os.environ}
        return kept | {
            "PATH": f"{self.tools}:{pathlib.Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
            "HOME": home, "XDG_RUNTIME_DIR": home, "TMPDIR": home,
            "BINANCE__REST_BASE_URL": market["rest"], "BINANCE__SBE_WS_URL": market["ws"], "BINANCE__JSON_WS_URL": market["ws"],
            "AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def end(self):
        for server in self.servers:
            server.kill()
            server.wait()
        self.aws.stop()


class Run:
    """One script in a process group of its own, with what it writes."""

    def __init__(self, script, place, environment):
        self.output = b""
        self.process = subprocess.Popen(
            ["bash", "-c", "set -e -o pipefail\n" + script], cwd=place, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while chunk := os.read(self.process.stdout.fileno(), 65536):
            self.output = (self.output + chunk)[-4_000_000:]

    @property
    def text(self):
        return self.output.decode("utf-8", "replace")

    def wait_for(self, pattern):
        end = time.monotonic() + LIMIT
        while not re.search(pattern, self.text):
            if self.process.poll() is not None:
                self.reader.join(5)
                if re.search(pattern, self.text):
                    return
                raise Failed(f"ended with {self.process.returncode} before it wrote {pattern!r}")
            if time.monotonic() > end:
                raise Failed(f"did not write {pattern!r} within {LIMIT} s")
            time.sleep(0.05)

    def status(self, limit=LIMIT):
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failed(f"still runs after {limit} s") from None
        finally:
            self.clear()

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def clear(self):
        """Ends what the script left running, in order and then at once."""
        self.signal(signal.SIGTERM)
        self.reader.join(10)
        self.signal(signal.SIGKILL)
        self.reader.join(10)


def compare(expected, found):
    """Lines as printed, `…` for anything."""
    wanted = [line.rstrip() for line in expected if line.strip()]
    pattern = r"\s*".join(
        ".*?".join(re.escape(part) for part in line.split("…")) for line in wanted)
    if not re.fullmatch(r"(?s)\s*" + pattern + r"\s*", found):
        raise Failed("the document prints\n" + "\n".join(wanted) + "\nand the program wrote\n" + found)


def console(text, place, environment):
    command, expected = None, []
    for line in text.splitlines() + ["$ "]:
        if not line.startswith("$ "):
            if command is not None and line.startswith("> "):
                command += "\n" + line[2:]
            else:
                expected.append(line)
            continue
        if command is not None:
            run = Run("set +e\n" + command, place, environment)
            run.status()
            compare(expected, run.text)
        command, expected = line[2:], []


def script(text, note, place, environment):
    run = Run(text, place, environment)
    wanted = 0
    try:
        if note.startswith("until "):
            run.wait_for(note.removeprefix("until "))
            # Twice with a breath in between would end it at once; the group hears it as from Ctrl-C.
            run.signal(signal.SIGINT)
            status = run.status()
            if status not in (0, 130, 141, -signal.SIGINT):
                raise Failed(f"ended with {status} after SIGINT")
            return
        if note.startswith("status "):
            wanted = int(note.removeprefix("status "))
        status = run.status()
        if status != wanted:
            raise Failed(f"ended with {status} instead of {wanted}")
    except Failed as failure:
        run.clear()
        raise Failed(f"{failure}\n--- it wrote\n{run.text[-3000:]}") from None


def words(text):
    """The first word of each command line."""
    return {line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith(("#", " "))}


def run_document(path, world):
    counts = {"ran": 0, "not run": 0, "failed": 0}
    text = path.read_text()
    world.reset()
    with tempfile.TemporaryDirectory() as home:
        place = pathlib.Path(home, "here")
        place.mkdir()
        for name in ("pipelines", "config"):
            (place / name).symlink_to(ROOT / name)
        for match in BLOCK.finditer(text):
            note, body = match["note"] or "", match["text"]
            line = text.count("\n", 0, match.start("text"))
            where = f"{path}:{line}"
            if note.startswith("as "):
                target = place / note.removeprefix("as ")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(body)
                continue
            if match["lang"] not in ("sh", "console"):
                continue
            commands = body if match["lang"] == "sh" else re.sub(r"(?m)^\$ ", "", body)
            if note.startswith("not ") or words(commands) & ELSEWHERE:
                print(f"not run  {where}  {note.removeprefix('not ') or 'needs a machine of its own'}")
                counts["not run"] += 1
                continue
            try:
                environment = world.environment(home, body)
                if match["lang"] == "console":
                    console(body, place, environment)
                elif note.startswith("each "):
                    for command in filter(None, map(str.strip, body.splitlines())):
                        script(command, note.removeprefix("each "), place, environment)
                else:
                    script(body, note, place, environment)
                print(f"ran      {where}")
                counts["ran"] += 1
            except Failed as failure:
                print(f"FAILED   {where}\n{body}\n--- {failure}")
                counts["failed"] += 1
    return counts


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", type=pathlib.Path, required=True)
    parser.add_argument("documents", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    world = World(options.tools.resolve())
    sums = {}
    try:
        for document in options.documents:
            for key, count in run_document(document, world).items():
                sums[key] = sums.get(key, 0) + count
    finally:
        world.end()
    print(", ".join(f"{count} {key}" for key, count in sums.items()))
    if sums["failed"] or not sums["ran"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
