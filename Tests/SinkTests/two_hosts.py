"""Two hosts, each in a network and with a host name of its own, tap one symbol into one bucket: one is
killed and brought back, the other loses its network for a while. Started by TwoHostsTests inside
`unshare -rmn`; prints what it found, ends with 0 when the bucket is whole and compaction leaves each id
once, as read by pyarrow.
"""

import io
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time

import boto3
import pyarrow.parquet

TOOLS, PIPELINES, AWS, SCRATCH = sys.argv[1:5]
URL = "s3://bronze/live"
processes = []


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def start(*command, **options):
    process = subprocess.Popen(command, **options)
    processes.append(process)
    return process


def wait(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise SystemExit(f"waited {seconds} s for {what}")


class Forwarder:
    """Passes connections to an address of a host's network on to the servers of this one."""

    def __init__(self, address, port):
        self.connections = []
        self.port = port
        self.listener = socket.create_server((address, port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.port))
            self.connections = [c for c in self.connections if c.fileno() >= 0] + [client]
            threading.Thread(target=self.copy, args=(client, server), daemon=True).start()

    @staticmethod
    def copy(client, server):
        other = {client: server, server: client}
        try:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    other[ready].sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            client.close()
            server.close()

    def cut(self):
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Host:
    """A network, a host name, and the pipeline that runs in them."""

    def __init__(self, number, name, place):
        self.name, self.number = name, number
        self.gateway, self.state = f"10.77.{number}.1", f"{SCRATCH}/{name}"
        self.space = start("unshare", "-n", "-u", "sleep", "infinity")
        wait("a network", lambda: os.readlink(f"/proc/{self.space.pid}/ns/net") != os.readlink("/proc/self/ns/net"))
        self.enter = ["nsenter", "-t", str(self.space.pid), "-n", "-u", "--"]
        run("ip", "link", "add", f"to-{name}", "type", "veth", "peer", "name", "up0", "netns", str(self.space.pid))
        run("ip", "address", "add", f"{self.gateway}/24", "dev", f"to-{name}")
        run("ip", "link", "set", f"to-{name}", "up")
        for words in (f"address add 10.77.{number}.2/24 dev up0", "link set up0 up", "link set lo up"):
            run(*self.enter, "ip", *words.split())
        run(*self.enter, "hostname", name)
        ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", " ".join(place.values()))}
        self.forwarders = [Forwarder(self.gateway, port) for port in ports]
        self.place = {name: url.replace("127.0.0.1", self.gateway) for name, url in place.items()}

    def begin(self):
        environment = dict(
            os.environ, PATH=f"{TOOLS}:{os.environ['PATH']}", HOME=self.state, STATE_DIRECTORY=self.state,
            STATS_DIR=f"{self.state}/stats", BINANCE__REST_BASE_URL=self.place["rest"],
            BINANCE__STREAM_TYPES="trade", S3__OBJECT_SECONDS="1", S3__IDLE_SECONDS="1",
            RETRY__MAX_BACKOFF_SECONDS="1", AWS_ENDPOINT_URL=self.place["s3"])
        os.makedirs(self.state, exist_ok=True)
        self.log = open(f"{self.state}/log", "ab")
        self.pipeline = start(
            *self.enter, f"{PIPELINES}/capture", URL, "BTCUSDT", "--ws-url", self.place["ws"],
            stderr=self.log, env=environment, start_new_session=True)

    def last(self):
        """The last id that its ledger holds."""
        shown = ledgerctl("show", f"{self.state}/s3-put", check=False)
        found = re.search(r"BTCUSDT trade .*?(\d+) to (\d+)", shown)
        return int(found[2]) if found else 0

    def kill(self):
        os.killpg(self.pipeline.pid, signal.SIGKILL)
        self.pipeline.wait()

    def unplug(self, seconds):
        for forwarder in self.forwarders:
            forwarder.cut()
        run("ip", "link", "set", f"to-{self.name}", "down")
        time.sleep(seconds)
        run("ip", "link", "set", f"to-{self.name}", "up")

    def end(self):
        self.pipeline.send_signal(signal.SIGTERM)
        code = self.pipeline.wait(60)
        if code:
            raise SystemExit(f"{self.name} ended with {code}: {open(f'{self.state}/log').read()[-3000:]}")


def ledgerctl(*arguments, check=True):
    done = subprocess.run([f"{TOOLS}/ledgerctl", *arguments], capture_output=True, text=True)
    if check and done.returncode:
        raise SystemExit(f"ledgerctl {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def trades(s3):
    """The ids of all trades in the bucket, sorted."""
    ids = []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="bronze", Prefix="live/exchange="):
        for entry in page.get("Contents", []):
            if "/kind=trade/" in entry["Key"]:
                body = s3.get_object(Bucket="bronze", Key=entry["Key"])["Body"].read()
                ids += pyarrow.parquet.read_table(io.BytesIO(body), columns=["trade_id"])["trade_id"].to_pylist()
    return sorted(ids)


def main():
    run("ip", "link", "set", "lo", "up")
    aws = start(sys.executable, AWS, "bronze", stdout=subprocess.PIPE, text=True).stdout.readline().strip()
    line = start(f"{TOOLS}/exchange-sim", "--start", "now", "--rate", "100", stdout=subprocess.PIPE,
                 text=True).stdout.readline()
    place = dict(re.findall(r"(\w+)=(\S+)", line), s3=aws)
    os.environ |= {"AWS_ENDPOINT_URL": aws, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y",
                   "AWS_REGION": "us-east-1", "BINANCE_API_KEY": "any"}
    first, second = Host(1, "alpha", place), Host(2, "beta", place)
    for host in (first, second):
        host.begin()
    wait("records of both hosts", lambda: first.last() > 0 and second.last() > 0)
    killed = first.last()
    first.kill()
    wait("the second to go on", lambda: second.last() > killed + 300)
    first.begin()
    wait("the first to be back", lambda: first.last() > killed + 300)
    cut = second.last()
    second.unplug(2)
    wait("the first to go on", lambda: first.last() > cut + 300)
    wait("the second to be back", lambda: second.last() > cut + 300)
    for host in (first, second):
        host.end()
    for host in (first, second):
        alone = ledgerctl("verify", f"{host.state}/s3-put", "--symbol", "BTCUSDT", "--kind", "trade", check=False)
        print(f"{host.name} alone: {alone.splitlines()[0] if alone else alone}")
        if "hole" not in alone:
            raise SystemExit(f"{host.name} has no hole: nothing is shown")
    verify = ("verify", URL, "--symbol", "BTCUSDT", "--kind", "trade", "--read")
    print(f"both: {ledgerctl(*verify).strip()}")
    s3 = boto3.client("s3")
    before = trades(s3)
    print(ledgerctl("compact", URL, "--settle", "0", "--delete-after", "0").strip())
    after, text = trades(s3), ledgerctl(*verify).strip()
    print(f"compacted: {text}")
    if "repeated" in text or "two objects" in text:
        raise SystemExit("ids are held twice after compaction")
    if after != list(range(after[0], after[-1] + 1)) or after != sorted(set(before)) or len(before) <= len(after):
        raise SystemExit(f"{len(before)} records before, {len(after)} after, {len(set(after))} of them different, "
                         f"ids {after[0]} to {after[-1]}")
    print(f"each of {len(after)} ids once; {len(before) - len(after)} repeats were left out")


try:
    main()
finally:
    for process in processes:
        if process.poll() is None:
            try:
                os.killpg(process.pid, signal.SIGKILL) if os.getpgid(process.pid) == process.pid else process.kill()
            except ProcessLookupError:
                pass
