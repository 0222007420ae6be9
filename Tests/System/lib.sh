# shellcheck shell=bash
# Of the cases of Scripts/systemd-test, which run inside a booted Debian: /ov has this folder, the
# package and the programs that only tests need, /out takes what is to be seen outside.
set -uo pipefail
export PATH=/ov/peers:$PATH
failures=0

say() { echo "[$(date +%T)] $*"; }

# fail WORDS    notes what is wrong and goes on, so that one run tells everything
fail() { say "FAILED: $*"; failures=$((failures + 1)); }

# finish    what a case ends with
finish() {
    journalctl -b --no-pager -o short-precise > "/out/journal.$(cat /proc/sys/kernel/random/boot_id | cut -c1-8)" 2> /dev/null
    if ((failures)); then
        systemctl --failed --no-pager
        journalctl -b --no-pager -n 60 -o cat _SYSTEMD_SLICE=system.slice
        say "$failures checks failed"
        exit 1
    fi
    say "all well"
    exit 0
}

# wait_for SECONDS COMMAND...    until the command succeeds
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@" > /dev/null 2>&1; do
        if ((SECONDS >= end)); then return 1; fi
        sleep 0.1
    done
}

pid_of() { systemctl show -p MainPID --value "$1"; }

# restarted UNIT OLD_PID    true when another process of the unit is ready
restarted() {
    local now
    now=$(pid_of "$1")
    ((now != 0 && now != $2)) && systemctl is-active -q "$1"
}

# kill_stage UNIT    as the kernel does that is out of memory; waits for the next process
kill_stage() {
    local pid
    pid=$(pid_of "$1")
    # Between two processes it is 0, and kill -9 0 kills this script.
    if ((pid == 0)); then wait_for 60 restarted "$1" 0; pid=$(pid_of "$1"); fi
    if ((pid == 0)); then fail "$1 does not run"; return; fi
    kill -9 "$pid"
    wait_for 60 restarted "$1" "$pid" || fail "$1 did not come back after kill -9"
}

# simulator OPTIONS...    starts the simulated exchange as a unit of its own
simulator() {
    # Where no libraries are installed, those of the archive serve it.
    systemd-run -q --unit=exchange -p StandardOutput=file:/run/exchange \
        -E LD_LIBRARY_PATH="${SIMULATOR_LIBRARIES:-}" /ov/peers/exchange-sim \
        --port 9001 --control-port 9002 --ws-port 9003 --weight-limit 100000000 "$@"
    wait_for 20 grep -q listening /run/exchange || fail "the simulated exchange did not start"
}

# get URL [METHOD]    by bash alone: a minimal Debian has no curl
get() {
    local address=${1#http://} path line length=0
    path=/${address#*/} address=${address%%/*}
    exec 9<> "/dev/tcp/${address%:*}/${address#*:}" || return 1
    printf '%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' "${2:-GET}" "$path" "$address" >&9
    while read -r -t 10 line <&9 && [[ $line != $'\r' ]]; do
        if [[ ${line,,} == content-length:* ]]; then line=${line##*[: ]}; length=${line%$'\r'}; fi
    done
    head -c "$length" <&9
    exec 9>&-
}

# install_package    the package as a person installs it
install_package() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends /ov/ingestor.deb > /out/apt.log 2>&1 || { cat /out/apt.log; fail install; finish; }
}

# kinesis_server    starts a simulated Kinesis as a unit of its own
kinesis_server() {
    systemd-run -q --unit=kinesis -p StandardOutput=file:/run/kinesis python3 /ov/System/kinesis_sink.py --port 4566
    wait_for 20 grep -q listening /run/kinesis || fail "the simulated Kinesis did not start"
}

# configure    writes main.yaml for the simulated exchange and objects that are soon done
configure() {
    cat > /etc/bitcoin-ingestor/main.yaml << YAML
binance:
  symbols: [BTCUSDT, ETHUSDT]
  stream_types: [trade, bestBidAsk, depth]
  rest_base_url: http://127.0.0.1:9001
  sbe_ws_url: ws://127.0.0.1:9003
s3:
  destination: file:///var/lib/bitcoin-ingestor/main/bronze
  object_seconds: 2
YAML
    mkdir -p /etc/credstore
    printf 'any\n' > /etc/credstore/binance-api-key
}

objects() { find /var/lib/bitcoin-ingestor/main/bronze -type f -path '*kind=trade*' ! -path '*/.*' 2> /dev/null | grep -q .; }

# whole_in_the_end [LEDGER]    stops the market, and waits until the ledger has each trade up to the newest one
whole_in_the_end() {
    local sent symbol newest last ledger=${1:-/var/lib/bitcoin-ingestor/main/s3-put/ledger}
    streams() { [[ $(get http://127.0.0.1:9002/sent | grep -o '"trade"' | wc -l) == 2 ]]; }
    wait_for 90 streams || fail "the exchange streams to no one"
    newest=$(get http://127.0.0.1:9002/sent | python3 -c 'import json,sys; print(max(s["newestAggregate"] for s in json.load(sys.stdin)["symbols"].values()))')
    get "http://127.0.0.1:9002/market?newest=$newest" POST > /dev/null
    for symbol in BTCUSDT ETHUSDT; do
        sent=$(get http://127.0.0.1:9002/sent)
        last=$(python3 -c 'import json,sys; print(json.loads(sys.argv[1])["symbols"][sys.argv[2]]["trade"]["last"])' "$sent" $symbol)
        is_whole() {
            local first
            first=$(ledgerctl show $ledger | sed -nE "s/^$symbol trade .* ids +([0-9]+) to .*/\1/p" | head -1)
            ledgerctl verify $ledger --symbol $symbol --kind trade --from "${first:-1}" --to "$last" > /run/verify 2>&1
        }
        wait_for 120 is_whole || fail "$symbol: $(head -5 /run/verify)"
        say "in the end: $(head -1 /run/verify)"
    done
}
