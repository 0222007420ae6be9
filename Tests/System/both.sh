#!/bin/bash
# Streams with repair into objects, under load: each stage killed KILLS times. In the end every trade from
# the first to the newest is there once: what a source missed while it was down was fetched by id.
source /ov/System/lib.sh
kills=${KILLS:-20}
install_package
simulator --start now --history 1000 --rate "${RATE:-100}" --symbol BTCUSDT,ETHUSDT
configure
systemctl start ingest-both@main.target
stages=(sbe-tap@main rest-pull@main dedup@main s3-put@main)
for unit in "${stages[@]}"; do wait_for 60 systemctl is-active -q "$unit" || fail "$unit does not start"; done
wait_for 60 objects || fail "no objects"

for unit in dedup@main s3-put@main rest-pull@main sbe-tap@main; do
    for ((i = 0; i < kills; i++)); do kill_stage "$unit"; done
    say "$unit killed $kills times"
done
for ((i = 0; i < 5; i++)); do
    for unit in "${stages[@]}"; do kill -9 "$(pid_of "$unit")" 2> /dev/null; done
    for unit in "${stages[@]}"; do wait_for 60 systemctl is-active -q "$unit" || fail "$unit does not come back"; done
done
say "all killed at once, 5 times"
systemctl restart ingest-both@main.target
for unit in "${stages[@]}"; do wait_for 60 systemctl is-active -q "$unit" || fail "$unit does not come back"; done
systemctl daemon-reexec
say "target restarted, manager executed again"
whole_in_the_end
for unit in "${stages[@]}"; do say "$unit: $(systemctl show -p NRestarts,StatusText "$unit" | tr '\n' ' ')"; done
systemctl stop ingest-both@main.target "${stages[@]}"
for unit in "${stages[@]}"; do
    [[ $(systemctl show -p Result --value "$unit") == success ]] || fail "$unit ended with $(systemctl show -p Result --value "$unit")"
done
finish
