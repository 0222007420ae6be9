#!/usr/bin/env python3
"""Proves ids of a bucket as docs/verify.md specifies it, with nothing but Python; reads all objects.

usage: verify.py DIRECTORY|https://HOST/BUCKET SYMBOL KIND [FIRST LAST]     exit status: 0 whole, 1 not"""
import collections, hashlib, json, os, re, sys, urllib.parse, urllib.request
from xml.etree import ElementTree

place, symbol, kind, *ids = sys.argv[1:]
is_remote = place.startswith("http")

def lists(prefix, token=""):
    if not is_remote:
        walk = (os.path.join(folder, name) for folder, _, names in os.walk(place) for name in names)
        keys = (os.path.relpath(path, place) for path in walk)
        return [key for key in keys if key.startswith(prefix) and "/." not in "/" + key]
    query = {"list-type": 2, "prefix": prefix} | ({"continuation-token": token} if token else {})
    page = ElementTree.parse(urllib.request.urlopen(f"{place}?{urllib.parse.urlencode(query)}"))
    keys = [entry.text for entry in page.iterfind(".//{*}Contents/{*}Key")]
    token = page.findtext(".//{*}NextContinuationToken")
    return keys + lists(prefix, token) if token else keys

def content(key):
    url = f"{place}/{urllib.parse.quote(key)}"
    with urllib.request.urlopen(url) if is_remote else open(f"{place}/{key}", "rb") as file:
        return file.read()

sha256 = lambda data: hashlib.sha256(data).hexdigest()
problems, objects, replaced, chains = [], {}, {}, {}
held, known = collections.defaultdict(list), collections.defaultdict(list)  # of each series and epoch
stored = set(lists("exchange="))  # before the manifests: a sink may be at work
for key in lists("_manifests/"):
    match = re.fullmatch(r"_manifests/([0-9a-f]{16})/(\d{12,})\.json", key)
    if match: chains.setdefault(match[1], {})[int(match[2])] = content(key)
    else: problems.append(f"{key} is not a manifest")
for sink, links in chains.items():
    for number in range(1, max(links) + 1):
        try:
            manifest, before = json.loads(links[number]), links.get(number - 1)
            if (manifest["format"], manifest["sink"], manifest["number"]) != (1, sink, number): raise ValueError("another")
        except (KeyError, ValueError) as error:
            problems.append(f"manifest {number} of chain {sink} is missing or damaged: {error!r}")
            continue
        if manifest["previous"] != (sha256(before) if before else None) and (before or number == 1):
            problems.append(f"manifest {number - 1} of chain {sink} is not the one that {number} continues")
        for gone in manifest["removed"]:
            (first, last), same = gone["ids"][0], ("symbol", "kind", "series", "epoch")
            sinks = lambda one: [one["sink"]] + [objects[k]["sink"] for k in one.get("replaces", []) if k in objects]
            for entry in (one for one in objects.values() if sink in sinks(one) and all(one[n] == gone[n] for n in same)):
                parts = [half for a, b in entry.get("ids", []) for half in ((a, min(b, first - 1)), (max(a, last + 1), b))]
                entry["ids"] = [(a, b) for a, b in parts if a <= b]
        for entry in manifest["objects"]:
            entry |= {"sink": sink, "time": manifest["time_ns"]}
            if objects.setdefault(entry["key"], entry)["time"] < entry["time"]:
                objects[entry["key"]] = entry  # what was lost and stored again: the later one counts
            for key in entry.get("replaces", []):
                replaced[key] = max(replaced.get(key, 0), entry["time"])
merged = {key for key, time in replaced.items() if key not in objects or objects[key]["time"] <= time}
for key, entry in objects.items():
    if key not in merged and key in stored:  # what only gap records speak of is missing, too
        for gap in entry.get("gaps", []):
            if (gap["symbol"], gap["kind"]) == (symbol, kind): known[gap["series"], gap["epoch"]] += gap["ids"]
    if (entry["symbol"], entry["kind"]) != (symbol, kind) or key in merged: continue
    name, data = (entry["series"], entry["epoch"]), content(key) if key in stored else b""
    known[name] += entry["ids"]
    if (len(data), sha256(data)) == (entry["bytes"], entry["sha256"]): held[name] += entry["ids"]
    elif key in stored: problems.append(f"{key} has other bytes")
path = f"exchange=binance/kind={kind}/instrument={urllib.parse.quote(symbol, safe='')}/"
problems += [f"{key} is in no manifest" for key in stored - objects.keys() - replaced.keys() if key.startswith(path)]
for name, spoken in (known or {(0, 1): []}).items():
    first, last = map(int, ids) if ids else (min((a for a, _ in spoken), default=1), max((b for _, b in spoken), default=1))
    of = " of series %d, epoch %d" % name if len(known) > 1 else ""
    for a, b in sorted(held[name]) + [(last + 1, last + 1)]:
        if a > first and first <= last: problems.append(f"missing {first} to {min(a - 1, last)}{of}")
        first = max(first, b + 1)
print(*sorted(problems) or ["whole"], sep="\n")
sys.exit(bool(problems))
