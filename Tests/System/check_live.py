"""Compares what the simulated exchange sent with what the simulated Kinesis has.

check_live.py EXCHANGE_CONTROL KINESIS HOLES [LEDGER]

Each trade and each depth update from the first that came to the last must be there, or be in one of at
most HOLES holes a sequence, or be declared by a gap record. Repeats are counted: a stage that is killed
may send again what it had not confirmed. With LEDGER, the ledger must name the same holes of trades.
"""

import json
import subprocess
import sys
import urllib.request


def ask(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.loads(answer.read())


def main():
    exchange, kinesis, allowed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    ledger = sys.argv[4] if len(sys.argv) > 4 else None
    sent, report = ask(exchange + "/sent"), ask(kinesis + "/report")
    wrong, came, repeats, missing, holes = [], 0, 0, 0, 0
    for sequence in report["sequences"]:
        name = f"{sequence['symbol']} {sequence['kind']}"
        came += sequence["records"] - sequence["repeats"]
        repeats += sequence["repeats"]
        if sequence["kind"] not in ("trade", "depthDiff"):
            continue
        holes += len(sequence["holes"])
        if sequence["kind"] == "trade":
            missing += sum(last - first + 1 for first, last in sequence["holes"])
        if len(sequence["holes"]) > allowed:
            wrong.append(f"{name}: {len(sequence['holes'])} holes where {allowed} may be: {sequence['holes'][:5]}")
        stream = {"trade": "trade", "depthDiff": "depth"}[sequence["kind"]]
        newest = sent["symbols"][sequence["symbol"]][stream]["last"]
        if ledger and sequence["last"] != newest:
            wrong.append(f"{name}: ends with {sequence['last']} instead of {newest}")
        if ledger and sequence["kind"] == "trade":
            answer = subprocess.run(
                ["ledgerctl", "verify", ledger, "--symbol", sequence["symbol"], "--kind", "trade",
                 "--from", str(sequence["first"]), "--to", str(sequence["last"])],
                capture_output=True, text=True)
            if answer.returncode != (1 if sequence["holes"] else 0):
                wrong.append(f"{name}: ledgerctl verify ends with {answer.returncode}: {answer.stdout}{answer.stderr}")
            for first, last in sequence["holes"]:
                if f"{first}" not in answer.stdout or f"{last}" not in answer.stdout:
                    wrong.append(f"{name}: the ledger does not name the hole {first} to {last}")
    if not came:
        wrong.append("nothing came")
    print(f"{came} records came, {repeats} more than once; {holes} holes with {missing} trades")
    print("\n".join(wrong[:20]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
