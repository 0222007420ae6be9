"""The venue and AWS of the laboratory, on free ports of 127.0.0.1."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def ask(url, data=None, timeout=10):
    with urllib.request.urlopen(url, data=data, timeout=timeout) as answer:
        text = answer.read()
        return json.loads(text) if text[:1] in (b"{", b"[") else {}


class Venue:
    """exchange-sim, and its control port."""

    def __init__(self, tools, options, log):
        self.process = subprocess.Popen([f"{tools}/exchange-sim", *options], stdout=subprocess.PIPE,
                                        stderr=log, text=True)
        line = self.process.stdout.readline()
        self.places = dict(re.findall(r"(\w+)=(\S+)", line))
        if "control" not in self.places:
            raise SystemExit(f"chaos: exchange-sim did not start: {line}")

    def port(self, name):
        return int(self.places[name].rsplit(":", 1)[1])

    def post(self, path):
        try:
            return ask(self.places["control"] + path, b"")
        except OSError:
            return None

    def sent(self):
        return ask(f"{self.places['control']}/sent", timeout=30)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class MiniStack:
    """S3 and Kinesis of strangers that check signatures, clocks and checksums."""

    name = "MiniStack"

    @staticmethod
    def program():
        python = os.environ.get("MINISTACK_PYTHON") or f"{ROOT}/.venv-ministack/bin/python"
        path = os.path.join(os.path.dirname(python), "ministack")
        return path if os.path.exists(path) else None

    def __init__(self, home, log):
        import boto3

        self.port = free_port()
        settings = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        settings |= {
            "HOME": home, "BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "AUTH": "true",
            "SERVICES": "s3,kinesis,cloudwatch,sts,iam", "LOG_LEVEL": "WARNING", "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0", "DOCKER_HOST": "unix:///nonexistent",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        self.process = subprocess.Popen([self.program()], env=settings, cwd=home, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{self.port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                ask(f"{url}/_ministack/health")
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("chaos: MiniStack did not start")
                time.sleep(0.1)
        # Its root key is not checked at all: a user's is.
        iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test",
                           aws_secret_access_key="test")
        iam.create_user(UserName="chaos")
        pair = iam.create_access_key(UserName="chaos")["AccessKey"]
        iam.put_user_policy(UserName="chaos", PolicyName="all", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        self.place = {"url": url, "key": pair["AccessKeyId"], "secret": pair["SecretAccessKey"]}


class Moto:
    """The same from moto, which checks neither signatures nor checksums here."""

    name = "moto"

    def __init__(self, home, log):
        script = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "local_aws.py")
        self.process = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=log, text=True)
        url = self.process.stdout.readline().strip()
        self.port = int(url.rsplit(":", 1)[1])
        self.place = {"url": url, "key": "chaos", "secret": "chaos"}


def end(process):
    """Ends a server that this process started."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.wait()


class Redis:
    """A Redis server that forgets all when it is started again."""

    @staticmethod
    def program():
        return shutil.which("redis-server")

    def __init__(self, home, log):
        self.home, self.log = home, log
        self.url = f"unix://{home}/redis.sock"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.program(), "--port", "0", "--unixsocket", f"{self.home}/redis.sock", "--save", "", "--dir", self.home],
            stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 30
        while not os.path.exists(f"{self.home}/redis.sock"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("chaos: redis-server did not start")
            time.sleep(0.05)

    def restart(self):
        end(self.process)
        try:
            os.remove(f"{self.home}/redis.sock")
        except FileNotFoundError:
            pass
        self.start()
