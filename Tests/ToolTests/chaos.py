"""Kills stages of rest-pull | dedup | s3-put at random moments, then proves the outcome.

The simulated venue misbehaves meanwhile. In the end the objects must hold exactly the ids from 1
to N, once each, with the values that market.py works out, and `ledgerctl verify` must say so.
"""

import argparse
import datetime
import glob
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

import fastavro

from market import Market

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def start_simulator(tools, ids, seed):
    simulator = subprocess.Popen(
        [f"{tools}/exchange-sim", "--newest", str(ids), "--invalid-aggregates", "101",
         "--weight-limit", "100000000", "--fault-rate", "0.05", "--fault-seed", str(seed)],
        stdout=subprocess.PIPE, text=True)
    line = simulator.stdout.readline()
    return simulator, re.search(r"rest=(\S+)", line).group(1)


def start_pipeline(tools, url, ids, data, logs):
    log = open(logs, "ab")
    pull = subprocess.Popen(
        [f"{tools}/rest-pull", "aggTrades", "--base-url", url, "--from", "1", "--to", str(ids),
         "--resume", f"{data}/.s3-put/ledger", "--initial-backoff", "0.05", "--max-backoff", "0.2",
         "--max-attempts", "50"],
        stdout=subprocess.PIPE, stderr=log)
    dedup = subprocess.Popen(
        [f"{tools}/dedup"], stdin=pull.stdout, stdout=subprocess.PIPE, stderr=log)
    put = subprocess.Popen(
        [f"{tools}/s3-put", "--to", f"file://{data}", "--format", "avro",
         "--object-bytes", "1MiB", "--object-age", "0.5"],
        stdin=dedup.stdout, stderr=log)
    pull.stdout.close()
    dedup.stdout.close()
    return [pull, dedup, put]


def check(tools, data, ids):
    """Everything that is wrong with the outcome, as sentences."""
    wrong = []
    market = Market("BTCUSDT", invalid=101)
    seen = bytearray(ids + 1)
    for path in glob.glob(f"{data}/exchange=*/**/*.avro", recursive=True):
        if "kind=aggTrade" not in path:
            wrong.append(f"an object that nobody asked for: {path}")
            continue
        with open(path, "rb") as file:
            for row in fastavro.reader(file):
                number = row["agg_trade_id"]
                if not 1 <= number <= ids:
                    wrong.append(f"id {number} does not exist")
                    continue
                seen[number] += 1
                _, moment, ticks, steps, first, last, maker = market.aggregate(number)
                scale = 10 ** (-8 - row["price_exponent"])
                expected = (moment, ticks * 1_000_000, steps * 1000, first, last, maker)
                found = ((row["event_time"] - EPOCH) // datetime.timedelta(microseconds=1), row["price_mantissa"] // scale,
                         row["qty_mantissa"] // scale, row["first_trade_id"],
                         row["last_trade_id"], row["is_buyer_maker"])
                if first < 0:
                    expected = (moment, 0, 0, -1, -1, False)
                    found = found[:1] + (row["price_mantissa"], row["qty_mantissa"]) + found[3:]
                if found != expected:
                    wrong.append(f"id {number}: {found} instead of {expected}")
    lost = sum(1 for number in range(1, ids + 1) if seen[number] == 0)
    doubled = sum(1 for number in range(1, ids + 1) if seen[number] > 1)
    if lost or doubled:
        wrong.append(f"{lost} ids are lost and {doubled} doubled")
    verify = subprocess.run(
        [f"{tools}/ledgerctl", "verify", f"{data}/.s3-put/ledger", "--kind", "aggTrade",
         "--from", "1", "--to", str(ids)], capture_output=True, text=True)
    if verify.returncode != 0:
        wrong.append(f"ledgerctl verify ends with {verify.returncode}: {verify.stdout[:500]}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tools", required=True)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--ids", type=int, default=300_000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--longest", type=float, default=1.0, help="latest moment of a kill, s")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    print(f"chaos: seed {arguments.seed}, {arguments.kills} kills, {arguments.ids} ids")
    with tempfile.TemporaryDirectory() as scratch:
        data, logs = f"{scratch}/data", f"{scratch}/log"
        simulator, url = start_simulator(arguments.tools, arguments.ids, arguments.seed)
        kills = ended = 0
        started = time.monotonic()
        try:
            while kills < arguments.kills:
                stages = start_pipeline(arguments.tools, url, arguments.ids, data, logs)
                victim = chance.choice(stages)
                moment = chance.uniform(0.0, arguments.longest)
                try:
                    victim.wait(moment)
                    ended += 1
                    # Finished before the kill: start over in a new place, so that kills count.
                    if all(stage.wait() == 0 for stage in stages):
                        wrong = check(arguments.tools, data, arguments.ids)
                        if wrong:
                            break
                        data = f"{scratch}/data{ended}"
                except subprocess.TimeoutExpired:
                    victim.send_signal(signal.SIGKILL)
                    kills += 1
                for stage in stages:
                    try:
                        stage.wait(60)
                    except subprocess.TimeoutExpired:
                        stage.kill()
                        print(f"chaos: {stage.args[0]} did not end after its neighbour was killed")
                        sys.exit(1)
            else:
                stages = start_pipeline(arguments.tools, url, arguments.ids, data, logs)
                codes = [stage.wait() for stage in stages]
                wrong = check(arguments.tools, data, arguments.ids)
                if codes != [0, 0, 0]:
                    wrong.append(f"the last run ended with {codes}")
        finally:
            simulator.kill()
            simulator.wait()
        if wrong:
            print("\n".join(wrong[:20]))
            print(open(logs, errors="replace").read()[-4000:])
            sys.exit(1)
        seconds = time.monotonic() - started
        print(f"chaos: {kills} kills, {ended} runs that ended before theirs, {seconds:.0f} s: "
              f"every id from 1 to {arguments.ids} once, each as the market has it")


if __name__ == "__main__":
    main()
