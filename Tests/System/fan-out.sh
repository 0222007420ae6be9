#!/bin/bash
# One stream to Kinesis and to objects, and dedup@ with the drop-in of docs/scaling.md for --shared, under load:
# each stage behind the source killed KILLS times, a sink and the Redis server away for a while. As the source
# is never touched, both sinks have to end with every trade.
source /ov/System/lib.sh
kills=${KILLS:-20}
install_package
kinesis_server
systemctl start redis-server || fail "redis-server does not start"
simulator --start now --history 1000 --rate "${RATE:-200}" --symbol BTCUSDT,ETHUSDT
configure
cat >> /etc/bitcoin-ingestor/main.yaml << YAML
kinesis:
  format: sbe
aws:
  region: us-east-1
  localstack_endpoint: http://127.0.0.1:4566
YAML
sed -i 's|/main/bronze|/main-s3/bronze|' /etc/bitcoin-ingestor/main.yaml
for sink in kinesis s3; do
    ln -s main.yaml "/etc/bitcoin-ingestor/main-$sink.yaml"
    echo PIPELINE_NAME=main > "/etc/bitcoin-ingestor/main-$sink.env"
done
printf '[default]\naws_access_key_id = a\naws_secret_access_key = b\n' > /etc/credstore/aws-credentials
mkdir -p /etc/systemd/system/dedup@.service.d
printf '[Service]\nPrivateNetwork=no\nIPAddressDeny=\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n' \
    > /etc/systemd/system/dedup@.service.d/shared.conf
echo DEDUP__SHARED=redis://127.0.0.1:6379 > /etc/bitcoin-ingestor/main.env
systemctl daemon-reload
stages=(sbe-tap@main dedup@main fan-out@main kinesis-put@main-kinesis s3-put@main-s3)
all_active() { local unit; for unit in "${stages[@]}" healthd; do systemctl is-active -q "$unit" || return 1; done; }
systemctl enable -q --now ingest-fan-out@main.target || fail "systemctl enable --now"
wait_for 60 all_active || fail "not all start: $(systemctl is-active "${stages[@]}" | tr '\n' ' ')"
messages() { get http://127.0.0.1:4566/report | sed -nE 's/.*"messages": ([0-9]+).*/\1/p'; }
flows() { local now; now=$(messages); sleep 0.5; (($(messages) > now)); }
held() { ledgerctl show /var/lib/bitcoin-ingestor/main-s3/s3-put/ledger | sed -nE 's/^BTCUSDT trade +([0-9]+) ids.*/\1/p'; }
# delivers SINK    true when it has more than a moment ago
delivers_objects() { local now; now=$(held); sleep 3; (($(held) > now)); }
wait_for 60 flows || fail "nothing arrives in Kinesis"
wait_for 60 delivers_objects || fail "nothing arrives as objects"
claims() { redis-cli dbsize | grep -vx 0; }
wait_for 30 claims || fail "no claims in Redis"

for unit in "${stages[@]:1}"; do
    for ((i = 0; i < kills; i++)); do kill_stage "$unit"; done
    say "$unit killed $kills times"
done
for ((i = 0; i < 5; i++)); do
    for unit in "${stages[@]:1}"; do kill -9 "$(pid_of "$unit")" 2> /dev/null; done
    wait_for 60 all_active || fail "not all come back"
done
say "all behind the source killed at once, 5 times"

# One sink away: the other one goes on.
systemctl stop kinesis-put@main-kinesis || fail "stop of a sink"
wait_for 60 delivers_objects || fail "objects wait for Kinesis"
systemctl start kinesis-put@main-kinesis
wait_for 60 flows || fail "nothing arrives in Kinesis after its stop"
say "kinesis-put was away, and s3-put went on"
# The server away: the host goes on by itself and says so.
healthy() { get "http://127.0.0.1:8080/health"; }
systemctl stop redis-server
says_so() { get http://127.0.0.1:8080/health/detailed | grep -q claims_not_shared; }
wait_for 60 says_so || fail "the health does not say claims_not_shared: $(healthy)"
flows || fail "nothing arrives while Redis is away"
systemctl start redis-server
not_any_more() { ! says_so; }
wait_for 60 not_any_more || fail "the health says claims_not_shared with a server: $(healthy)"
say "Redis was away, and the host went on and said so"
systemctl daemon-reexec
wait_for 60 flows || fail "nothing arrives after daemon-reexec"

whole_in_the_end /var/lib/bitcoin-ingestor/main-s3/s3-put/ledger
comes_out() {
    python3 /ov/System/check_live.py http://127.0.0.1:9002 http://127.0.0.1:4566 0 \
        /var/lib/bitcoin-ingestor/main-kinesis/kinesis-put/ledger > /run/check 2>&1
}
wait_for 120 comes_out || fail "ids in = ids out: $(cat /run/check)"
say "in the end: $(head -1 /run/check)"
for unit in "${stages[@]}"; do say "$unit: $(systemctl show -p NRestarts,StatusText "$unit" | tr '\n' ' ')"; done
if journalctl -b -o cat -u 'dedup@*' -u 'fan-out@*' -u 'kinesis-put@*' -u 's3-put@*' | grep -E '"level":"ERROR"|Broken pipe|bytes_skipped'; then fail "errors in the log"; fi
systemctl stop ingest-fan-out@main.target "${stages[@]}"
for unit in "${stages[@]}"; do
    [[ $(systemctl show -p Result --value "$unit") == success ]] || fail "$unit ended with $(systemctl show -p Result --value "$unit")"
done
finish
