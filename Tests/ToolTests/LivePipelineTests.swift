import Foundation
import TestSupport
import Testing

/// sbe-tap, dedup and kinesis-put as built, from a simulated exchange to a simulated Kinesis.
struct LivePipelineTests {
    @Test(arguments: [[], ["--tls"], ["--connections", "2"]])
    func `what is streamed under faults comes once and in order, or is declared`(
        options: [String]
    ) throws {
        guard let python = Python.path else { return print("skipped: no .venv; run make setup") }
        let outcome = try Program.run(
            python,
            [
                script("soak.py"), "--tools", Program.directory.path, "--seconds", "10", "--rate",
                "600", "--rotate", "3", "--cut-every", "3", "--outage", "3",
            ] + options)
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
    }

    @Test func `a stop signal to pipelines/live ends the source first and loses nothing`() throws {
        guard let python = Python.path else { return print("skipped: no .venv; run make setup") }
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
                kill -TERM -- -$!
                wait $!
                status=$?
                sent=$(jq -r 'select(.stage == "sbe-tap" and .message == "stopped").records' "$3/log")
                grep -q "\"$sent records confirmed\"" "$3/log" && exit $status
                cat "$3/log"
                exit 1
                """, packageRoot.appendingPathComponent("pipelines/live").path,
                simulator.streams, simulator.url, place.path, url,
            ],
            environment: [
                "PATH": Program.directory.path + ":/usr/local/bin:/usr/bin:/bin",
                "STATE_DIRECTORY": place.path("state"), "AWS_ENDPOINT_URL_KINESIS": url,
                "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                "AWS_REGION": "us-east-1", "BINANCE_API_KEY": "any", "KINESIS__FORMAT": "sbe",
            ])
        #expect(outcome.status == 0, "\(outcome.text)\(outcome.errors)")
        // Both servers end with their values, which nothing else needs any more.
        withExtendedLifetime((simulator, sink)) {}
    }
}
