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
    systemd-run -q --unit=exchange -p StandardOutput=file:/run/exchange /ov/peers/exchange-sim \
        --port 9001 --control-port 9002 --ws-port 9003 "$@"
    wait_for 20 grep -q listening /run/exchange || fail "the simulated exchange did not start"
}

# get URL    by bash alone: a minimal Debian has no curl
get() {
    local address=${1#http://} path line
    path=/${address#*/} address=${address%%/*}
    exec 9<> "/dev/tcp/${address%:*}/${address#*:}" || return 1
    printf '%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n' "${2:-GET}" "$path" >&9
    while read -r -t 10 line <&9 && [[ $line != $'\r' ]]; do :; done
    cat <&9
    exec 9>&-
}
