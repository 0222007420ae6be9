#!/bin/bash
# The live pipeline under load: each stage killed KILLS times, target restarted, manager executed again.
# What the exchange sent has to be in Kinesis, or be a hole that was made while the source was down.
source /ov/System/lib.sh
kills=${KILLS:-20}
install_package
kinesis_server
simulator --start now --history 1000 --rate "${RATE:-200}" --symbol BTCUSDT,ETHUSDT
cat > /etc/bitcoin-ingestor/main.yaml << YAML
binance:
  symbols: [BTCUSDT, ETHUSDT]
  stream_types: [trade, bestBidAsk, depth]
  rest_base_url: http://127.0.0.1:9001
  sbe_ws_url: ws://127.0.0.1:9003
kinesis:
  format: sbe
aws:
  region: us-east-1
  localstack_endpoint: http://127.0.0.1:4566
YAML
mkdir -p /etc/credstore
echo BINANCE_API_KEY=any > /etc/bitcoin-ingestor/main.env
printf '[default]\naws_access_key_id = a\naws_secret_access_key = b\n' > /etc/credstore/aws-credentials
stages=(sbe-tap@main dedup@main kinesis-put@main)
systemctl start ingest-live@main.target
for unit in "${stages[@]}"; do wait_for 30 systemctl is-active -q "$unit" || fail "$unit does not start"; done
messages() { get http://127.0.0.1:4566/report | sed -nE 's/.*"messages": ([0-9]+).*/\1/p'; }
flows() { local now; now=$(messages); sleep 0.5; (($(messages) > now)); }
wait_for 60 flows || fail "nothing arrives"


for ((i = 0; i < kills; i++)); do kill_stage dedup@main; done
say "dedup killed $kills times"
for ((i = 0; i < kills; i++)); do kill_stage kinesis-put@main; done
say "kinesis-put killed $kills times"
for ((i = 0; i < 5; i++)); do
    kill -9 "$(pid_of dedup@main)" "$(pid_of kinesis-put@main)"
    for unit in dedup@main kinesis-put@main; do wait_for 60 systemctl is-active -q "$unit" || fail "$unit does not come back"; done
done
say "both killed at once, 5 times"
for unit in dedup@main kinesis-put@main; do say "$unit: $(systemctl show -p NRestarts "$unit")"; done
systemctl restart dedup@main kinesis-put@main || fail "restart of two stages"
systemctl daemon-reexec
systemctl daemon-reload
wait_for 60 flows || fail "nothing arrives after daemon-reexec"
python3 /ov/System/check_live.py http://127.0.0.1:9002 http://127.0.0.1:4566 0 > /run/check 2>&1 || fail "without the source being touched"
say "before the source is touched: $(cat /run/check)"

for ((i = 0; i < kills; i++)); do kill_stage sbe-tap@main; done
say "sbe-tap killed $kills times: $(systemctl show -p NRestarts sbe-tap@main)"
for ((i = 0; i < 3; i++)); do
    systemctl restart ingest-live@main.target
    for unit in "${stages[@]}"; do wait_for 60 systemctl is-active -q "$unit" || fail "$unit does not come back"; done
done
say "target restarted 3 times"
systemctl stop ingest-live@main.target "${stages[@]}"
systemctl start ingest-live@main.target
wait_for 60 flows || fail "nothing arrives after stop and start"

newest=$(get http://127.0.0.1:9002/sent | python3 -c 'import json,sys; print(max(s["newestAggregate"] for s in json.load(sys.stdin)["symbols"].values()))')
get "http://127.0.0.1:9002/market?newest=$newest" POST > /dev/null
# A book that was begun again waits for its snapshot, and that for the window of the request weights.
comes_out() {
    python3 /ov/System/check_live.py http://127.0.0.1:9002 http://127.0.0.1:4566 $((kills + 4)) \
        /var/lib/bitcoin-ingestor/main/kinesis-put/ledger > /run/check 2>&1
}
wait_for 120 comes_out || fail "ids in = ids out: $(cat /run/check)"
say "in the end: $(head -1 /run/check)"
for unit in "${stages[@]}"; do
    say "$unit: $(systemctl show -p StatusText --value "$unit")"
done
if journalctl -b -o cat -u 'sbe-tap@*' -u 'dedup@*' -u 'kinesis-put@*' | grep -E '"level":"ERROR"|Broken pipe|bytes_skipped'; then fail "errors in the log"; fi
systemctl stop ingest-live@main.target "${stages[@]}"
for unit in "${stages[@]}"; do [[ $(systemctl show -p Result --value "$unit") == success ]] || fail "$unit ended with $(systemctl show -p Result --value "$unit")"; done
finish
