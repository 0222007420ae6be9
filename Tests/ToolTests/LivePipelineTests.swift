import Foundation
import TestSupport
import Testing

/// sbe-tap, dedup and kinesis-put as built, from a simulated exchange to a simulated Kinesis.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct LivePipelineTests {
    @Test(arguments: [
        [], ["--tls"], ["--connections", "2"], ["--encoding", "json"],
        ["--encoding", "json", "--connections", "2"],
    ])
    func `what is streamed under faults comes once and in order, or is declared`(
        options: [String]
    ) throws {
        let python = try #require(Python.path)
        let outcome = try Program.run(
            python,
            [
                script("soak.py"), "--tools", Program.directory.path, "--seconds", "10", "--rate",
                "600", "--rotate", "3", "--cut-every", "3", "--outage", "3",
            ] + options)
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }

    /// To the whole group, as systemd and a terminal send it, or to the script alone, as docker does;
    /// and after a new configuration was announced to all of them, which ends nothing.
    @Test(arguments: ["-TERM -- -", "-TERM ", "-HUP -- -$!; kill -TERM "])
    func `a stop signal to pipelines/live ends the source first and loses nothing`(
        signal: String
    ) throws {
        let python = try #require(Python.path)
        let simulator = try Simulator(["--start", "now", "--rate", "50"])
        let sink = try BackgroundProgram(python, [script("kinesis_sink.py")])
        let url = sink.firstLine().split(separator: " ").last.map(String.init) ?? ""
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "bash",
            [
                "-c",
                """
                setsid "$0" BTCUSDT --ws-url "$1" --base-url "$2" 2> "$3/log" &
                until curl -s "$4/report" | jq -e '.messages > 50' > /dev/null; do :; done
                kill \(signal)$!
                wait $!
                status=$?
                sent=$(jq -r 'select(.stage == "sbe-tap" and .message == "stopped").records' "$3/log")
                [[ -n $sent ]] && grep -q "[^0-9]$sent records confirmed" "$3/log" && exit $status
                cat "$3/log"
                exit 1
                """, packageRoot.appendingPathComponent("pipelines/live").path,
                simulator.streams, simulator.url, place.path, url,
            ],
            environment: [
                "PATH": Program.directory.path + ":/usr/local/bin:/usr/bin:/bin",
                "STATE_DIRECTORY": place.path("state"), "STATS_DIR": place.path("stats"),
                "AWS_ENDPOINT_URL_KINESIS": url,
                "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_REGION": "us-east-1", "BINANCE_API_KEY": "any", "KINESIS__FORMAT": "sbe",
            ])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        // Both servers end with their values, which nothing else needs any more.
        withExtendedLifetime((simulator, sink)) {}
    }

    /// A sink whose service is away waits a quarter of an hour for it; what it holds is on disk.
    @Test func `two signals at once are one, and the pipeline still ends in order`() throws {
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "bash",
            [
                "-c",
                """
                "$0" bash -c 'trap "echo told; exit" USR1; touch "$0"; while :; do sleep 0.05; done' "$1/up" \
                    '|' bash -c 'cat > "$0"; sleep 0.5; echo all >> "$0"' "$1/out" &
                until [[ -e $1/up ]]; do sleep 0.05; done
                kill -TERM $!
                kill -TERM $!
                sleep 0.1
                kill -TERM $!
                wait $!
                echo $?
                cat "$1/out"
                """, packageRoot.appendingPathComponent("pipelines/run-in-order").path, place.path,
            ])
        #expect(outcome.text == "0\ntold\nall\n", "\(outcome.text)\(outcome.errors)")
    }

    @Test func `a source that was stopped before it could hear it has not failed`() throws {
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "bash",
            [
                "-c",
                """
                "$0" bash -c 'touch "$0"; exec sleep 60' "$1/up" '|' bash -c 'cat; echo all > "$0"' "$1/out" &
                until [[ -e $1/up ]]; do sleep 0.05; done
                kill -TERM $!
                wait $!
                echo $?
                cat "$1/out"
                """, packageRoot.appendingPathComponent("pipelines/run-in-order").path, place.path,
            ])
        #expect(outcome.text == "0\nall\n", "\(outcome.text)\(outcome.errors)")
    }

    /// With one signal the sink is told to keep what it has; a second one kills it.
    @Test(arguments: [("10", 2, 137), ("0", 1, 75)])
    func `pipelines/live ends in seconds though the service is away`(
        drain: String, signals: Int, status: Int
    ) throws {
        let simulator = try Simulator(["--start", "now", "--rate", "50"])
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "bash",
            [
                "-c",
                """
                setsid "$0" BTCUSDT --ws-url "$1" --base-url "$2" 2> "$3/log" > "$3/out" &
                pipeline=$!
                until [[ $(find "$3/state" -path '*/spool/*' -size +3k -type f 2> /dev/null) ]]; do sleep 0.05; done
                started=$SECONDS
                kill -TERM $pipeline
                # Nearer to each other, two signals would be one.
                if (($4 > 1)); then
                    sleep 0.3
                    until grep -q '"stopped"' "$3/log"; do sleep 0.1; done
                    kill -TERM $pipeline
                fi
                wait $pipeline
                echo "status $? after $((SECONDS - started)) s"
                grep -o 'records* stays* in' "$3/log" >&2
                # What was killed may take a moment to go.
                for ((i = 0; i < 200; i++)); do pgrep -s $pipeline > /dev/null || break; sleep 0.05; done
                ps -o pid=,args= -s $pipeline
                """, packageRoot.appendingPathComponent("pipelines/live").path,
                simulator.streams, simulator.url, place.path, "\(signals)",
            ],
            environment: [
                "PATH": Program.directory.path + ":/usr/local/bin:/usr/bin:/bin",
                "STATE_DIRECTORY": place.path("state"), "STATS_DIR": place.path("stats"),
                "AWS_ENDPOINT_URL_KINESIS": "http://127.0.0.1:1",
                "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_REGION": "us-east-1", "BINANCE_API_KEY": "any",
                "DRAIN_TIMEOUT_SECONDS": drain,
            ])
        #expect(
            outcome.text.hasPrefix("status \(status) after"), "\(outcome.text)\(outcome.errors)")
        #expect((status == 75) == outcome.errors.contains("in"), "\(outcome.errors)")
        // Nothing of it runs on.
        #expect(outcome.text.split(separator: "\n").count == 1, "\(outcome.text)")
        withExtendedLifetime(simulator) {}
    }
}
