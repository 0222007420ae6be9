#!/bin/bash
# The package before, an upgrade under load, upgrades that are killed half-way, and a reboot, in two boots
# of one system. The new version goes on with the state of the old one; in the end every trade is there
# once. The old one streams without repair, which not every old version has.
source /ov/System/lib.sh
export DEBIAN_FRONTEND=noninteractive
stages=(sbe-tap@main dedup@main s3-put@main)
all_active() { local unit; for unit in "${stages[@]}" healthd; do systemctl is-active -q "$unit" || return 1; done; }

if [[ ! -e /out/start ]]; then
    date -u -d '-30 seconds' +%FT%T > /out/start
    apt-get install -y --no-install-recommends /ov/old.deb > /out/apt.log 2>&1 || { cat /out/apt.log; fail install; finish; }
    # The simulator is of the new version, and so are its libraries.
    apt-get install -y --no-install-recommends libdeflate0 >> /out/apt.log 2>&1
    simulator --start "$(cat /out/start)" --rate 50 --symbol BTCUSDT,ETHUSDT
    configure
    echo BINANCE_API_KEY=any > /etc/bitcoin-ingestor/main.env
    systemctl enable -q --now ingest-capture@main.target
    wait_for 60 all_active || fail "the old version does not start"
    wait_for 60 objects || fail "no objects of the old version"
    old=$(pid_of s3-put@main)
    apt-get install -y --no-install-recommends /ov/ingestor.deb > /out/apt2.log 2>&1 || { cat /out/apt2.log; fail upgrade; }
    say "upgraded from $(dpkg-deb -f /ov/old.deb Version) to $(dpkg-query -W -f '${Version}' bitcoin-ingestor)"
    wait_for 60 restarted s3-put@main "$old" || fail "the upgrade did not go over to the new s3-put"
    wait_for 60 all_active || fail "not all run after the upgrade"
    [[ $(readlink "/proc/$(pid_of s3-put@main)/exe") == /usr/bin/bitcoin-ingestor ]] || fail "s3-put is not the new program"

    # Killed at whatever it does, and done again: --reinstall, as without it apt does nothing, and ends well, where
    # the version that is half there is the one that is asked for.
    for pause in 0.05 0.1 0.2 0.4 0.8 1.6; do
        setsid dpkg -i /ov/old.deb > /out/dpkg.log 2>&1 &
        sleep "$pause"
        kill -9 -- -$! 2> /dev/null
        wait $! 2> /dev/null
        dpkg --configure -a > /out/configure.log 2>&1
        apt-get install -y --no-install-recommends --reinstall /ov/ingestor.deb > /out/apt3.log 2>&1 || { cat /out/apt3.log; fail "after an upgrade that was killed after $pause s"; }
        wait_for 60 all_active || fail "not all run after an upgrade that was killed after $pause s"
    done
    say "upgrades killed after 0.05 to 1.6 s: done again, all run"
    [[ $(grep -c rest_base_url /etc/bitcoin-ingestor/main.yaml) == 1 ]] || fail "the configuration was overwritten"
    systemctl disable -q --now ingest-capture@main.target
    systemctl enable -q --now ingest-both@main.target || fail "with repair"
    touch /out/again
    say "rebooting"
    finish
fi

stages+=(rest-pull@main)
# The venue comes back later than the host: units must start without it.
wait_for 90 systemctl is-active -q ingest-both@main.target || fail "the target did not start at boot"
simulator --start "$(cat /out/start)" --rate 50 --symbol BTCUSDT,ETHUSDT
wait_for 90 all_active || fail "not all run after the reboot"
say "after the reboot all run"
whole_in_the_end

# Removal stops the stages and leaves what they know.
apt-get purge -y bitcoin-ingestor > /out/purge.log 2>&1 || { cat /out/purge.log; fail purge; }
[[ -e /var/lib/bitcoin-ingestor/main/s3-put/ledger ]] || fail "purge took the ledger"
for tool in sbe-tap rest-pull dedup s3-put healthd; do
    if pgrep -x $tool > /dev/null; then fail "$tool runs after its removal"; fi
done
finish
