#!/bin/bash
# The archive of `make dist` in a Debian that has none of the libraries: the programs run from where they are.
source /ov/System/lib.sh
cd /opt/bitcoin-ingestor-* || fail "the archive is not there"
if ldconfig -p | grep -q libcurl; then fail "this Debian has libcurl: the case shows nothing"; fi
say "$(bin/recq --version), $(du -sm . | cut -f1) MiB"
SIMULATOR_LIBRARIES=$PWD/lib/bitcoin-ingestor simulator --newest 20000 --symbol BTCUSDT
bin/rest-pull trades --base-url http://127.0.0.1:9001 --from 1 --to 20000 2> /out/pull.log |
    bin/dedup 2> /dev/null | bin/s3-put --to file:///var/tmp/bronze 2> /out/put.log || fail "a backfill: $(tail -1 /out/put.log)"
bin/ledgerctl verify /var/tmp/bronze/.s3-put/ledger --symbol BTCUSDT --kind trade --from 1 --to 20000 || fail "the backfill is not whole"
cp -r bin lib share etc /usr/local/ && systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload || fail "INSTALL"
systemctl start healthd || fail "healthd from /usr/local does not start"
/usr/local/share/bitcoin-ingestor/pipelines/probe /live || fail "healthd does not answer"
finish
