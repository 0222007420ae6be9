"""Cuts a live pipeline off for some minutes, and shows that it is whole again by itself.

    disconnect.py --tools DIR [--minutes 10] [--trades 2000]

A simulated venue with the real limits of weight streams trades into pipelines/both; healthd watches.
Then the streams are refused. Once they are back, `/complete` has to turn red with the hole and green when
rest-pull has filled it, within the time that the weight allows plus a minute; ledgerctl proves the range.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What the venue counts for a request of historicalTrades, its rows, its limit a minute, and the share of
# it that a repair uses.
WEIGHT, ROWS, LIMIT, SHARE = 25, 1000, 6000, 0.75


def ask(url, data=None):
    """Status and body."""
    try:
        with urllib.request.urlopen(url, data=data, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def wait(what, condition, seconds):
    """Seconds until the condition held."""
    begin = time.monotonic()
    while time.monotonic() - begin < seconds:
        if condition():
            return time.monotonic() - begin
        time.sleep(0.5)
    raise SystemExit(f"disconnect: {what} did not come within {seconds:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--trades", type=int, default=2000, help="trades a second (2000)")
    options = parser.parse_args()
    tools, processes = os.path.abspath(options.tools), []
    with tempfile.TemporaryDirectory() as scratch:
        log = open(f"{scratch}/log", "ab")
        environment = dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}", STATS_DIR=f"{scratch}/stats",
                           STATE_DIRECTORY=f"{scratch}/state", HOME=scratch, BINANCE__STREAM_TYPES="trade",
                           S3__OBJECT_SECONDS="5", S3__IDLE_SECONDS="5", RETRY__MAX_BACKOFF_SECONDS="5")

        def start(*command):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True)
            processes.append(process)
            return process

        try:
            line = start(f"{tools}/exchange-sim", "--start", "now", "--history", "100", "--rate",
                         str(options.trades // 2), "--weight-limit", str(LIMIT)).stdout.readline()
            place = dict(re.findall(r"(\w+)=(\S+)", line))
            line = start(f"{tools}/healthd", "--listen", "127.0.0.1:0", "--metrics-port", "0").stdout.readline()
            health = re.search(r"health=(\S+)", line)[1].rstrip("/")
            environment |= {"BINANCE__REST_BASE_URL": place["rest"], "BINANCE__ARCHIVE_BASE_URL": place["rest"]}
            pipeline = start(f"{ROOT}/pipelines/both", f"file://{scratch}/data", "BTCUSDT", "--ws-url", place["ws"])
            ledger = f"{scratch}/state/s3-put/ledger"

            def complete():
                return ask(f"{health}/complete")[0]

            def newest():
                return json.loads(ask(f"{place['control']}/sent")[1])["symbols"]["BTCUSDT"]["newestTrade"]

            wait("an object", lambda: os.path.exists(ledger) and os.path.getsize(ledger) > 200, 60)
            wait("a green /complete", lambda: complete() == 200, 60)
            before = newest()
            print(f"disconnect: {options.trades} trades/s arrive, /complete is green; the streams are cut now", flush=True)
            ask(f"{place['control']}/stream/refuse?status=503", b"")
            ask(f"{place['control']}/stream/do?action=cut&connection=all", b"")
            time.sleep(options.minutes * 60)
            missed = newest() - before
            ask(f"{place['control']}/stream/refuse?status=0", b"")
            back = time.monotonic()
            red = wait("a red /complete", lambda: complete() != 200, 90)
            reasons = ask(f"{health}/complete")[1].decode()
            if "--repair" not in reasons:
                print(f"disconnect: {reasons[:600]}")
            allowed = missed / ROWS * WEIGHT / (LIMIT * SHARE) * 60 + 60
            print(f"disconnect: about {missed} trades were missed; red after {red:.1f} s, "
                  f"{'with' if '--repair' in reasons else 'WITHOUT'} the command that fills it; the weight "
                  f"allows the rest in {allowed - 60:.0f} s", flush=True)
            wait("a green /complete", lambda: complete() == 200, allowed + 120)
            green = time.monotonic() - back
            pipeline.send_signal(signal.SIGTERM)
            code = pipeline.wait(60)
            verify = subprocess.run([f"{tools}/ledgerctl", "verify", f"file://{scratch}/data", "--symbol", "BTCUSDT",
                                     "--kind", "trade", "--from", str(before - 1000), "--to",
                                     str(before + missed + 1000)], capture_output=True, text=True, env=environment)
            print(verify.stdout.strip())
            print(f"disconnect: whole again {green:.0f} s after the streams were back; {allowed:.0f} s are allowed")
            if green > allowed or verify.returncode or code:
                print(f"disconnect: late, not whole, or the pipeline ended with {code}\n{open(f'{scratch}/log').read()[-3000:]}")
                sys.exit(1)
        finally:
            for process in reversed(processes):
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()


if __name__ == "__main__":
    main()
