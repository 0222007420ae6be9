#!/bin/bash
# A fresh minimal Debian: install the package, edit the configuration, start one unit, see records arrive.
source /ov/System/lib.sh
export DEBIAN_FRONTEND=noninteractive
started=$EPOCHREALTIME
before=$(df -k --output=used / | tail -1)
since() { awk -v a="$started" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f s", b - a }'; }

apt-get install -y --no-install-recommends /ov/ingestor.deb > /out/apt.log 2>&1 || { cat /out/apt.log; fail "apt-get install"; finish; }
say "installed after $(since): $(($(df -k --output=used / | tail -1) - before)) KiB with dependencies"

# Two minutes of history, as the backfill below takes the last whole minute.
simulator --start now --history 6000 --rate 50 --symbol BTCUSDT,ETHUSDT
# What a user edits: where the venue is, whose records, and how soon objects are finished.
sed -i -e 's|symbols: \[BTCUSDT\]|symbols: [BTCUSDT]\n  rest_base_url: http://127.0.0.1:9001\n  sbe_ws_url: ws://127.0.0.1:9003|' \
    -e 's|object_seconds: 300|object_seconds: 2|' /etc/bitcoin-ingestor/main.yaml
mkdir -p /etc/credstore
printf %s any-key > /etc/credstore/binance-api-key
chmod 600 /etc/credstore/binance-api-key

systemctl enable -q --now ingest-capture@main.target || fail "systemctl enable --now"
say "started after $(since)"
wait_for 60 objects || fail "no object with trades after a minute"
say "the first object after $(since)"

for unit in sbe-tap@main dedup@main s3-put@main healthd; do
    systemctl is-active -q "$unit" || fail "$unit is $(systemctl is-active "$unit")"
    [[ $(systemctl show -p Type --value "$unit") == notify ]] || fail "$unit does not notify"
done
status() { systemctl show -p StatusText --value "$1"; }
says_records() { [[ $(status "$1") =~ ^running:\ [0-9]+\ records/s,\ [1-9][0-9]*\ in ]]; }
for unit in sbe-tap@main dedup@main s3-put@main; do
    wait_for 30 says_records "$unit" || fail "$unit says: $(status "$unit")"
    say "$unit: $(status "$unit")"
    (($(systemctl show -p WatchdogTimestampMonotonic --value "$unit") > 0)) || fail "$unit feeds no watchdog"
done
ledgerctl show /var/lib/bitcoin-ingestor/main/s3-put/ledger | head -5
/usr/share/bitcoin-ingestor/pipelines/probe /ready || fail "probe /ready"
[[ -z $(find /run/bitcoin-ingestor -name '*.stats' -user root) ]] || fail "stats files of root"
grep -rqs any-key /proc/"$(pid_of sbe-tap@main)"/environ && fail "the key is in the environment"

# A changed configuration, without a new start.
pid=$(pid_of sbe-tap@main)
sed -i 's/symbols: \[BTCUSDT\]/symbols: [BTCUSDT, ETHUSDT]/' /etc/bitcoin-ingestor/main.yaml
for unit in sbe-tap@main dedup@main s3-put@main healthd; do systemctl reload "$unit" || fail "reload of $unit"; done
ethereum() { ledgerctl show /var/lib/bitcoin-ingestor/main/s3-put/ledger | grep -q '^ETHUSDT trade'; }
wait_for 30 ethereum || fail "no trades of the symbol that a reload added"
[[ $(pid_of sbe-tap@main) == "$pid" ]] || fail "a reload started sbe-tap again"

# Stopping loses nothing and fails nothing.
systemctl stop ingest-capture@main.target sbe-tap@main dedup@main s3-put@main || fail "systemctl stop"
for unit in sbe-tap@main dedup@main s3-put@main; do
    [[ $(systemctl show -p Result --value "$unit") == success ]] ||
        fail "$unit ended with $(systemctl show -p Result,ExecMainStatus --value "$unit" | tr '\n' ' ')"
    [[ $(status "$unit") == "done" ]] || fail "$unit says after its end: $(status "$unit")"
done
whole() { ledgerctl verify /var/lib/bitcoin-ingestor/main/s3-put/ledger --symbol BTCUSDT --kind trade; }
whole || fail "the trades have holes"

# History, in a pipeline of its own, as the timer would start it; a second time there is nothing to do.
sed -e 's|main/bronze|history/bronze|' /etc/bitcoin-ingestor/main.yaml > /etc/bitcoin-ingestor/history.yaml
printf 'BACKFILL_DATASETS=trades\nBACKFILL_FROM=%s\n' "$(date -u -d '-1 minute' +%FT%T)" > /etc/bitcoin-ingestor/history.env
for turn in first second; do
    systemctl start ingest-backfill@history || fail "the $turn backfill: $(systemctl status ingest-backfill@history | tail -5)"
done
ledgerctl verify /var/lib/bitcoin-ingestor/history/s3-put/ledger --symbol BTCUSDT --kind trade || fail "the history has holes"
systemctl start ingest-backfill@history.target || fail "the timer does not start"
systemctl is-active -q ingest-backfill@history.timer || fail "the timer is not active"

# A configuration that is wrong is not tried again and again.
sed -i 's/object_seconds: 2/object_seconds: soon/' /etc/bitcoin-ingestor/main.yaml
systemctl start s3-put@main > /dev/null 2>&1
failed() { [[ $(systemctl is-failed s3-put@main) == failed ]]; }
wait_for 20 failed || fail "a wrong configuration: s3-put is $(systemctl is-active s3-put@main)"
(($(systemctl show -p ExecMainStatus --value s3-put@main) == 78)) || fail "a wrong configuration: not 78"
finish
