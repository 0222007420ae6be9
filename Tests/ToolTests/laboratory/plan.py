"""Which faults come when: drawn from a seed, so that a run can be had again."""

import random

# How often each kind comes, relative to the others; what it needs besides.
KINDS = {
    "process: SIGKILL": 36, "process: SIGSTOP": 12, "process: SIGTERM": 4,
    "stream: cut": 3, "stream: tear": 2, "stream: reset": 2, "stream: stall": 3, "stream: close": 2,
    "stream: shutdown": 1, "stream: slow": 3, "stream: refused": 2, "stream: cut by the proxy": 2,
    "stream: drop": 2, "stream: duplicate": 2, "stream: reorder": 2, "stream: truncate": 2,
    "stream: garbage": 2, "stream: template": 1, "stream: schema": 1, "stream: fragment": 1,
    "rest: throttle": 3, "rest: ban": 2, "rest: error": 3, "rest: page": 2, "rest: cut": 3, "rest: slow": 3,
    "rest: lost reply": 2, "rest: cut reply": 2, "rest: garbage": 2,
    "rest: duplicate": 1, "rest: missing": 1, "rest: unordered": 1, "rest: truncate": 1,
    "s3: throttle": 5, "s3: error": 5, "s3: lost reply": 5, "s3: cut": 4, "s3: cut reply": 3, "s3: slow": 4,
    "s3: wrong bytes": 4, "s3: garbage": 3, "s3: down": 3,
    "kinesis: throttle": 5, "kinesis: error": 5, "kinesis: lost reply": 5, "kinesis: cut": 4,
    "kinesis: cut reply": 3, "kinesis: slow": 4, "kinesis: partial failure": 8, "kinesis: garbage": 3,
    "kinesis: wrong bytes": 3, "kinesis: down": 3,
    "clock: jump": 5, "disk: full": 5,
    "redis: stop": 3, "redis: restart": 2, "compact: run": 4, "compact: killed": 4,
}
# What becomes of these is counted by the proxy, request by request.
BY_PROXY = ("rest", "s3", "kinesis")
# Rows of a reply that exchange-sim spoils.
BY_VENUE = {"rest: duplicate", "rest: missing", "rest: unordered", "rest: truncate"}


def plan(seed, seconds, pace, kinds):
    """(moment, kind, length, draw) of each fault, in order: `pace` a second on average."""
    chance = random.Random(seed)
    names = [name for name in KINDS if name in kinds]
    weights = [KINDS[name] for name in names]
    moment, result = 0.0, []
    # Each kind once before chance decides, where there is time: a short run has all of them.
    first = names[:]
    chance.shuffle(first)
    while True:
        moment += chance.uniform(0.2, 1.8) / pace
        if moment >= seconds:
            return result
        kind = first.pop() if first and chance.random() < 0.5 else chance.choices(names, weights)[0]
        result.append((moment, kind, chance.uniform(0.4, 3.0), chance.random()))
