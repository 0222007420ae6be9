#!/bin/bash
# The power fails under load, CUTS times: no unit is stopped and no file closed. At each boot everything starts by
# itself, though the venue comes back later, and goes on from what is on disk; in the end every trade is there once.
source /ov/System/lib.sh
cuts=${CUTS:-3}
stages=(sbe-tap@main rest-pull@main dedup@main s3-put@main)
all_active() { local unit; for unit in "${stages[@]}" healthd; do systemctl is-active -q "$unit" || return 1; done; }

if [[ ! -e /out/start ]]; then
    date -u -d '-30 seconds' +%FT%T > /out/start
    echo 0 > /out/cuts
    install_package
    configure
    echo BINANCE_API_KEY=any > /etc/bitcoin-ingestor/main.env
    simulator --start "$(cat /out/start)" --rate 100 --symbol BTCUSDT,ETHUSDT
    systemctl enable -q --now ingest-both@main.target || fail "systemctl enable --now"
else
    wait_for 90 systemctl is-active -q ingest-both@main.target || fail "the target did not start at boot"
    simulator --start "$(cat /out/start)" --rate 100 --symbol BTCUSDT,ETHUSDT
fi
wait_for 90 all_active || fail "not all run after $(cat /out/cuts) cuts: $(systemctl is-active "${stages[@]}" | tr '\n' ' ')"
held() { ledgerctl show /var/lib/bitcoin-ingestor/main/s3-put/ledger 2> /dev/null | sed -nE 's/^BTCUSDT trade +([0-9]+) ids.*/\1/p'; }
before=$(held)
grows() { (($(held) > ${before:-0})); }
wait_for 60 grows || fail "nothing is delivered after $(cat /out/cuts) cuts"

if (($(cat /out/cuts) < cuts)); then
    echo $(($(cat /out/cuts) + 1)) > /out/cuts
    say "power cut $(cat /out/cuts), with $(held) trades of BTCUSDT in the ledger"
    touch /out/again
    systemctl poweroff -ff
    sleep 60
fi
whole_in_the_end
systemctl stop ingest-both@main.target "${stages[@]}"
for unit in "${stages[@]}"; do
    [[ $(systemctl show -p Result --value "$unit") == success ]] || fail "$unit ended with $(systemctl show -p Result --value "$unit")"
done
finish
