"""Runs compose.yaml as `docker compose up` would, on a machine without Docker.

    compose_run.py IMAGE_ROOT    the root file system that the Dockerfile builds (target demo)

Each container is a mount, process and network namespace: networks are bridged, names of services are in
/etc/hosts, `network_mode: service:NAME` shares a network, read_only, tmpfs, volumes, user, environment,
depends_on with its conditions and health checks are followed. The services of our own image run in
IMAGE_ROOT with what the image says (entry point, variables, health check); moto and Prometheus are those of this
machine, as images cannot be pulled. Grafana is not run: of it only the files that it is given are read.

Then asks what a person would: objects in the bucket, records in the streams, the page, the metrics that
Prometheus scraped, its rules. Ends with 0 when all is well, 1 when not, 69 where namespaces or a program are missing.
"""

import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
PREFIX = f"cmp{os.getpid()}"
# What compose takes of a service here; another key would be followed by Docker and not by this.
KNOWN = {
    "image", "build", "read_only", "cap_drop", "security_opt", "restart", "stop_grace_period", "entrypoint",
    "command", "healthcheck", "ports", "network_mode", "environment", "tmpfs", "volumes", "depends_on",
}


def say(text):
    print(f"compose: [{time.monotonic() - STARTED:.0f} s] {text}", flush=True)


STARTED = time.monotonic()


class Failed(Exception):
    pass


def call(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def seconds(text):
    return float(str(text).rstrip("s"))


class Network:
    """A bridge, with an end for each service that has a network of its own."""

    def __init__(self):
        self.names = []
        self.addresses = {}
        self.hosts = pathlib.Path(PLACE, "hosts")
        self._namespace("sw")
        call("ip", "-n", f"{PREFIX}sw", "link", "add", "br0", "type", "bridge")
        call("ip", "-n", f"{PREFIX}sw", "link", "set", "br0", "up")

    def _namespace(self, name):
        call("ip", "netns", "add", PREFIX + name)
        self.names.append(PREFIX + name)
        call("ip", "-n", PREFIX + name, "link", "set", "lo", "up")

    def join(self, service, number):
        inside, name = f"e{number}", f"n{number}"
        self._namespace(name)
        call("ip", "-n", f"{PREFIX}sw", "link", "add", inside, "type", "veth", "peer", "name", "eth0", "netns", PREFIX + name)
        call("ip", "-n", f"{PREFIX}sw", "link", "set", inside, "master", "br0", "up")
        self.addresses[service] = f"10.77.0.{number + 10}"
        call("ip", "-n", PREFIX + name, "address", "add", f"{self.addresses[service]}/24", "dev", "eth0")
        call("ip", "-n", PREFIX + name, "link", "set", "eth0", "up")
        self.hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{a} {s}\n" for s, a in self.addresses.items()))
        return PREFIX + name

    def end(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


class Service:
    def __init__(self, name, text, root):
        self.name, self.text, self.root = name, text, root
        self.ours = text["image"].startswith("bitcoin-ingestor:")
        self.process = None
        self.log = pathlib.Path(PLACE, f"{name}.log")
        unknown = set(text) - KNOWN
        if unknown:
            raise Failed(f"{name}: {unknown} is not known to this test")

    def words(self, key):
        value = self.text.get(key)
        return shlex.split(value) if isinstance(value, str) else list(value or [])

    def environment(self):
        own = {key: str(value) for key, value in (self.text.get("environment") or {}).items()}
        return (IMAGE["environment"] if self.ours else {"PATH": os.environ["PATH"], "HOME": PLACE}) | own

    def command(self):
        entry, rest = self.words("entrypoint"), self.words("command")
        if self.ours:
            return (entry or IMAGE["entrypoint"]) + rest
        if "moto" in self.text["image"]:
            moto = [sys.executable, "-m", "moto.server", "-H", "0.0.0.0", "-p", "5000"]
            return [sys.executable if entry[0] == "python" else entry[0], *entry[1:], *rest] if entry else moto
        if "prometheus" in self.text["image"]:
            folder = pathlib.Path(PLACE, "prometheus")
            folder.mkdir(exist_ok=True)
            # In the image these are volumes.
            return ["prometheus"] + [
                word.replace("=/etc/prometheus/", f"={ROOT}/deploy/prometheus/").replace("=/prometheus", f"={folder}")
                for word in rest]
        raise Failed(f"{self.name}: {self.text['image']} is of no kind that can be run here")

    def enter(self, words):
        """What runs words in the namespaces of this service, in those of its process when it has one."""
        network = ["ip", "netns", "exec", self.network]
        variables = [f"{key}={value}" for key, value in self.environment().items()]
        if not self.ours:
            hosts = f'mount --bind "{NETWORK.hosts}" /etc/hosts; exec "$@"'
            return network + ["unshare", "--mount", "bash", "-c", hosts, "-", "env", "-i", *variables, *words]
        mounts = [f'mount --bind "{self.root}" "{self.root}"', f'mount --bind "{NETWORK.hosts}" "{self.root}/etc/hosts"']
        if self.text.get("read_only"):
            mounts.append(f'mount -o remount,bind,ro "{self.root}"')
        for entry in self.text.get("tmpfs", []):
            place, _, options = entry.partition(":")
            mounts.append(f'mount -t tmpfs -o "{options}" tmpfs "{self.root}{place}"')
        for entry in self.text.get("volumes", []):
            name, place = entry.split(":")[:2]
            volume = pathlib.Path(PLACE, "volume-" + name)
            if not volume.exists():
                volume.mkdir()
                os.chown(volume, 10001, 10001)
            mounts.append(f'mount --bind "{volume}" "{self.root}{place}"')
        mounts += [f'mount -t proc proc "{self.root}/proc"', f'mount --bind /dev "{self.root}/dev"']
        script = "set -e; " + "; ".join(mounts) + f'; exec chroot --userspec={IMAGE["user"]} "{self.root}" "$@"'
        # The user's change takes every capability away, which is what cap_drop asks for.
        return network + [
            "unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "bash", "-c", script, "-",
            "/usr/bin/env", "-i", *variables, *words]

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.enter(self.command()), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)

    def check(self):
        """One health check, as Docker makes it: inside the container's networks and files."""
        test = (self.text.get("healthcheck") or {}).get("test") or (IMAGE["healthcheck"] if self.ours else None)
        if not test or test[0] != "CMD":
            raise Failed(f"{self.name} has no health check")
        words = [sys.executable if word == "python" else word for word in test[1:]]
        return subprocess.run(self.enter(words), capture_output=True, timeout=30).returncode == 0

    def until_healthy(self, limit=90):
        until(limit, self.check, f"{self.name} does not become healthy")

    def first_process(self):
        """Process 1 of the container, as seen from outside."""
        pid = self.process.pid
        while True:
            children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[1:]
            if len(numbers) > 1:
                return pid
            if not children:
                raise Failed(f"{self.name} has no process")
            pid = int(children[0])

    def stop(self):
        """SIGTERM to process 1, then as long as compose.yaml gives it."""
        os.kill(self.first_process(), signal.SIGTERM)
        try:
            return self.process.wait(seconds(self.text.get("stop_grace_period", "10s")))
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} did not end within its grace period")

    def end(self):
        if self.process and self.process.poll() is None:
            try:
                os.kill(self.first_process() if self.ours else self.process.pid, signal.SIGKILL)
            except (OSError, Failed):
                pass
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def until(limit, condition, complaint):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    raise Failed(complaint)


def image():
    """What the Dockerfile says of its last image, which `docker build` would put into it."""
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    last = max(n for n, line in enumerate(lines) if line.startswith("FROM ${BASE_IMAGE}"))
    found = {"environment": {}}
    for line in lines[last:]:
        key, _, rest = line.partition(" ")
        if key == "ENV":
            found["environment"] |= dict(word.split("=", 1) for word in shlex.split(rest))
        elif key == "ENTRYPOINT":
            found["entrypoint"] = json.loads(rest)
        elif key == "USER":
            found["user"] = rest.strip()
        elif key == "HEALTHCHECK":
            found["healthcheck"] = ["CMD"] + json.loads(rest[rest.index("["):])
    return found


def order(services):
    """Names in the order that depends_on asks for."""
    done, left = [], dict(services)
    while left:
        ready = [n for n, s in left.items() if all(d in done for d in (s.text.get("depends_on") or []))]
        if not ready:
            raise Failed(f"depends_on has a cycle among {sorted(left)}")
        for name in ready:
            done.append(name)
            del left[name]
    return done


def ask(service, url):
    words = [sys.executable, "-c", "import sys, urllib.request as u; r = u.Request(sys.argv[1], headers={'Accept': 'text/html, */*;q=0.5'});"
             "sys.stdout.buffer.write(u.urlopen(r, timeout=10).read())", url]
    done = subprocess.run(["ip", "netns", "exec", service.network, "unshare", "--mount", "bash", "-c",
                           f'mount --bind "{NETWORK.hosts}" /etc/hosts; exec "$@"', "-", *words], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{url}: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def account(services):
    """What is in the local AWS: keys of the bucket, records of the stream of trades."""
    script = """
import json, boto3
o = dict(endpoint_url="http://aws:5000", region_name="us-east-1", aws_access_key_id="demo", aws_secret_access_key="demo-secret")
k, s = boto3.client("kinesis", **o), boto3.client("s3", **o)
keys = [x["Key"] for x in s.list_objects_v2(Bucket="bronze").get("Contents", [])]
count = {}
for name in k.list_streams()["StreamNames"]:
    for shard in k.list_shards(StreamName=name)["Shards"]:
        i = k.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        count[name] = count.get(name, 0) + len(k.get_records(ShardIterator=i)["Records"])
print(json.dumps([keys, count]))
"""
    done = subprocess.run(
        services["prometheus"].enter([sys.executable, "-c", script]), capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise Failed(f"the account: {done.stderr[-400:]}")
    return json.loads(done.stdout)


def run(services):
    for name in order(services):
        service = services[name]
        conditions = service.text.get("depends_on") or {}
        for other in conditions:
            wanted = conditions[other]["condition"] if isinstance(conditions, dict) else "service_started"
            if wanted == "service_healthy":
                services[other].until_healthy()
            elif wanted == "service_completed_successfully" and services[other].process.wait(60) != 0:
                raise Failed(f"{other} ended with {services[other].process.returncode}: {services[other].log.read_text()[-600:]}")
        if name == "grafana":
            continue
        service.start()
        say(f"{name}: {' '.join(service.command())[:120]!r}")
    ingestor = services["ingestor"]
    ingestor.until_healthy()
    say("the ingestor's health check says that it is ready")

    def arrived():
        keys, records = account(services)
        trades = [key for key in keys if "kind=trade" in key]
        return any("BTCUSDT" in key for key in trades) and any("ETHUSDT" in key for key in trades) and records.get("market-sbe-trade", 0) > 0
    until(150, arrived, f"no objects and records: {account(services)[1]} {ingestor.log.read_text()[-1500:]}")
    keys, records = account(services)
    say(f"{len(keys)} objects below {keys[0].split('/')[0]}/, records in streams: {records}")
    # As a browser and as Prometheus ask: by the name that the service has in the network.
    if "<html" not in ask(services["prometheus"], "http://exchange:8080/"):
        raise Failed("the page does not answer at the published port")
    prometheus = services["prometheus"]

    def scraped():
        try:
            answer = json.loads(ask(prometheus, "http://127.0.0.1:9090/api/v1/query?query=ingestor_stage_records_in_total"))
        except Failed:
            return False
        return len({row["metric"].get("stage") for row in answer["data"]["result"]}) >= 3
    until(60, scraped, "Prometheus has no series of three stages: " + services["prometheus"].log.read_text()[-800:])
    rules = json.loads(ask(prometheus, "http://127.0.0.1:9090/api/v1/rules"))["data"]["groups"]
    say(f"Prometheus has scraped, with {sum(len(group['rules']) for group in rules)} rules")
    if not rules or any(rule["health"] == "err" for group in rules for rule in group["rules"]):
        raise Failed("rules that cannot be evaluated")
    status = ingestor.stop()
    if status != 0 or "run: ended with 0" not in ingestor.log.read_text():
        raise Failed(f"SIGTERM to the ingestor: {status} {ingestor.log.read_text()[-800:]}")
    say("SIGTERM: ended in order, with 0")


def main():
    global PLACE, NETWORK, IMAGE
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    for program in ("ip", "unshare", "prometheus"):
        if not shutil.which(program):
            print(f"compose: {program} is missing", file=sys.stderr)
            return 69
    IMAGE = image()
    text = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services, status = {}, 0
    with tempfile.TemporaryDirectory(prefix="compose.") as PLACE:
        os.chmod(PLACE, 0o755)
        try:
            NETWORK = Network()
        except Failed as error:
            print(f"compose: no namespaces of networks: {error}", file=sys.stderr)
            return 69
        try:
            for number, (name, service) in enumerate(text["services"].items()):
                services[name] = Service(name, service, sys.argv[1])
                mode = service.get("network_mode", "")
                services[name].network = (
                    services[mode.removeprefix("service:")].network if mode else NETWORK.join(name, number))
            run(services)
        except (Failed, subprocess.TimeoutExpired) as error:
            print(f"compose: FAILED: {error}", file=sys.stderr)
            for service in services.values():
                if service.log.exists():
                    print(f"--- {service.name}\n{service.log.read_text()[-1200:]}", file=sys.stderr)
            status = 1
        finally:
            for service in services.values():
                service.end()
            NETWORK.end()
    say("all well" if status == 0 else "failed")
    return status


if __name__ == "__main__":
    sys.exit(main())
