import Foundation
import TestSupport
import Testing

/// `pipelines/run`, the one command that users of the Python service expect.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct PipelineRunTests {
    /// The three files of the Python service, key by key (its config/local.yaml, dev.yaml, prod.yaml).
    static func reference(_ name: String, endpoint: String) -> String {
        let isLocal = name == "local"
        let prefix = name == "dev" ? "dev-" : ""
        return """
            service_name: bitcoin-ingestor
            environment: \(name)
            mode: \(name == "dev" ? "both" : "sbe")
            binance:
              rest_base_url: https://data-api.binance.vision
              sbe_ws_url: wss://stream-sbe.binance.com/ws
              symbols:\(name == "dev" ? "\n    - BTCUSDT\n    - ETHUSDT" : "\n    - BTCUSDT")
              rate_limit_requests_per_minute: 1200
              request_timeout_seconds: 30
              api_key: ${BINANCE_API_KEY}
              sbe_schema_version: "1:0"
            aws:
              region: us-east-1
              access_key_id: ${AWS_ACCESS_KEY_ID\(isLocal ? ":-localstack" : "")}
              secret_access_key: ${AWS_SECRET_ACCESS_KEY\(isLocal ? ":-localstack" : "")}
              kinesis_trade_stream: \(prefix)market-sbe-trade
              kinesis_bba_stream: \(prefix)market-sbe-bestbidask
              kinesis_depth_stream: \(prefix)market-sbe-depth
              kinesis_batch_size: \(isLocal ? 100 : 500)
              kinesis_flush_interval_seconds: \(isLocal ? 2 : 1)
              s3_bucket: \(prefix)bitcoin-data-lake
              s3_bronze_prefix: bronze\(isLocal ? "\n  localstack_endpoint: \(endpoint)" : "")
            retry:
              max_attempts: \(isLocal ? 3 : 5)
              initial_backoff_seconds: 1.0
              max_backoff_seconds: \(isLocal ? 30.0 : 60.0)
              multiplier: 2.0
              jitter: true
            health:
              host: 0.0.0.0
              port: 8080
              endpoint: /health
            logging:
              level: \(isLocal ? "DEBUG" : "INFO")
              format: \(isLocal ? "text" : "json")
              output: stdout
            metrics:
              enable_prometheus: \(name != "prod")
              prometheus_port: 8081
              enable_cloudwatch: \(!isLocal)
              metrics_namespace: BitcoinPipeline/\(name == "dev" ? "Dev/" : "")Ingestor
            schema_base_path: ../../schemas/avro

            """
    }

    /// Starts `run` as a process of its own, with the programs that were built on its path.
    private static func start(
        _ place: TemporaryDirectory, _ arguments: [String], _ variables: [String: String]
    ) throws -> BackgroundProgram {
        let script = packageRoot.appendingPathComponent("pipelines/run").path
        var environment = [
            "PATH": Program.directory.path + ":/usr/local/bin:/usr/bin:/bin",
            "STATE_DIRECTORY": place.path("state"), "STATS_DIR": place.path("stats"),
            "HEALTH__LISTEN": "127.0.0.1:0", "METRICS__PROMETHEUS_PORT": "0",
            "DRAIN_TIMEOUT_SECONDS": "20",
        ]
        environment.merge(variables) { $1 }
        return try BackgroundProgram(
            "bash",
            ["-c", #"exec "$@" 2> "$0""#, place.path("log"), script] + arguments,
            environment: environment)
    }

    private static func log(_ place: TemporaryDirectory) -> String {
        (try? String(contentsOfFile: place.path("log"), encoding: .utf8)) ?? "no log"
    }

    private static func holds(_ ledger: String, _ symbol: String) throws -> Bool {
        let outcome = try Program.run(
            "ledgerctl", ["verify", ledger, "--symbol", symbol, "--kind", "trade"])
        return outcome.status == 0
    }

    @Test(arguments: ["local", "dev", "prod"])
    func `the settings of the service before run as they are`(name: String) throws {
        let python = try #require(Python.path)
        let simulator = try Simulator([
            "--start", "now", "--rate", "20", "--symbol", "BTCUSDT,ETHUSDT",
        ])
        let aws = try BackgroundProgram(
            python, [script("local_aws.py"), "dev-bitcoin-data-lake"])
        let url = aws.firstLine()
        let place = try TemporaryDirectory()
        try Self.reference(name, endpoint: url).write(
            toFile: place.path("\(name).yaml"), atomically: true, encoding: .utf8)
        let run = try Self.start(
            place, ["--config", place.path("\(name).yaml")],
            [
                // What a test has to change: where the world is, and streams that nobody made.
                "BINANCE__SBE_WS_URL": simulator.streams,
                "BINANCE__REST_BASE_URL": simulator.url, "BINANCE_API_KEY": "any",
                "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
                "KINESIS__CREATE_STREAMS": "true", "S3__OBJECT_SECONDS": "1",
            ])
        var ledgers = ["kinesis-put"]
        if name == "dev" { ledgers.append("s3-put") }
        let symbols = name == "dev" ? ["BTCUSDT", "ETHUSDT"] : ["BTCUSDT"]
        for tool in ledgers {
            for symbol in symbols {
                let came = try waitUntil(60) {
                    try Self.holds(place.path("state/\(tool)/ledger"), symbol)
                }
                #expect(came, "\(tool) \(symbol): \(Self.log(place))")
            }
        }
        run.signal(SIGTERM)
        #expect(waitUntil(60) { run.hasEnded }, "\(Self.log(place))")
        #expect(Self.log(place).hasSuffix("run: ended with 0\n"), "\(Self.log(place))")
        withExtendedLifetime((simulator, aws)) {}
    }

    /// Stages that are scripts, so that they fail when a test wants it.
    private static func fakes(
        _ place: TemporaryDirectory, sink: String, _ more: [String: String] = [:]
    ) throws -> String {
        var scripts = [
            "sbe-tap": """
            trap 'exit 0' HUP USR1 TERM
            while :; do echo record || exit 74; sleep 0.05; done
            """,
            "dedup": "exec cat", "kinesis-put": sink,
            "healthd": """
            [[ "$*" == *--explain-config* ]] && { echo 'mode  sbe  default'; exit; }
            trap 'exit 0' TERM; while :; do sleep 0.05; done
            """,
        ]
        scripts.merge(more) { $1 }
        let folder = place.path("bin")
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        // By another process: one that this process starts meanwhile would have inherited the open
        // file, and what somebody may write to cannot be executed (ETXTBSY).
        for (name, text) in scripts {
            let written = try Program.run(
                "bash", ["-c", #"cat > "$0" && chmod 755 "$0""#, "\(folder)/\(name)"],
                input: Array("#!/bin/bash\n\(text)\n".utf8))
            #expect(written.status == 0, "\(written.errors)")
        }
        return folder
    }

    /// The second start must not be the end of the first failure's words.
    @Test func `a pipeline that fails is started again, later each time, and ends in order`() throws
    {
        let place = try TemporaryDirectory()
        let bin = try Self.fakes(
            place,
            sink: """
                echo . >> \(place.path("starts"))
                (($(wc -l < \(place.path("starts"))) < 4)) && exit 75
                cat > \(place.path("out")); echo all >> \(place.path("out"))
                """)
        let run = try Self.start(place, [], ["PATH": bin + ":/usr/bin:/bin"])
        let isThere = waitUntil(60) {
            ((try? Data(contentsOf: URL(fileURLWithPath: place.path("out"))))?.count ?? 0) > 20
        }
        #expect(isThere, "\(Self.log(place))")
        run.signal(SIGTERM)
        #expect(waitUntil(60) { run.hasEnded }, "\(Self.log(place))")
        let log = Self.log(place)
        for pause in [1, 2, 4] {
            #expect(
                log.contains("run: live ended with 75; starting it again in \(pause) s\n"), "\(log)"
            )
        }
        #expect(log.hasSuffix("run: ended with 0\n"), "\(log)")
        let out = try String(contentsOfFile: place.path("out"), encoding: .utf8)
        #expect(out.hasSuffix("record\nall\n"), "\(out.suffix(100))")
    }

    /// timeout(1), systemd and terminals signal every process of a group, also what a script has
    /// just started to find out whom to tell.
    @Test func `a signal for the whole group ends all in order`() throws {
        let place = try TemporaryDirectory()
        let bin = try Self.fakes(
            place, sink: "exec /bin/cat > \(place.path("out"))",
            ["dedup": "exec /bin/cat", "cat": "kill -TERM $$"])
        let run = try Self.start(place, [], ["PATH": bin + ":/usr/bin:/bin"])
        let isThere = waitUntil(60) {
            ((try? Data(contentsOf: URL(fileURLWithPath: place.path("out"))))?.count ?? 0) > 20
        }
        #expect(isThere, "\(Self.log(place))")
        run.signal(SIGTERM)
        // Before anything is killed, which is after twice the 20 seconds of the drain.
        #expect(waitUntil(30) { run.hasEnded }, "\(Self.log(place))")
        #expect(Self.log(place).hasSuffix("run: ended with 0\n"), "\(Self.log(place))")
    }

    @Test(arguments: [64, 77, 78])
    func `what starting again would not help ends all with its status`(status: Int) throws {
        let place = try TemporaryDirectory()
        let bin = try Self.fakes(place, sink: "exit \(status)")
        let run = try Self.start(place, [], ["PATH": bin + ":/usr/bin:/bin"])
        #expect(waitUntil(60) { run.hasEnded }, "\(Self.log(place))")
        let log = Self.log(place)
        #expect(
            log.contains("live ended with \(status): starting it again would not help"), "\(log)")
        #expect(log.hasSuffix("run: ended with \(status)\n"), "\(log)")
    }

    private static let hasNamespaces =
        (try? Program.run("unshare", ["-r", "--pid", "--fork", "--mount-proc", "true"]).status) == 0

    /// As process 1 of a container: what loses its parent is waited for, and a signal reaches all.
    @Test(.enabled(if: hasNamespaces, "there are no namespaces for this user"))
    func `as process 1 it leaves no zombies and passes signals on`() throws {
        let place = try TemporaryDirectory()
        let bin = try Self.fakes(
            place,
            sink:
                "(setsid sleep 0.2 & echo $! > \(place.path("orphan"))); exec cat > \(place.path("out"))"
        )
        let outcome = try Program.run(
            "bash",
            [
                "-c",
                """
                unshare -r --pid --fork --kill-child --mount-proc "$0" 2> "$1/log" &
                wrapper=$!
                for ((i = 0; i < 600; i++)); do [[ -s $1/out ]] && break; sleep 0.05; done
                one=$(pgrep -P $wrapper)
                for ((i = 0; i < 600; i++)); do
                    [[ $(cat /proc/$one/task/$one/children | wc -w) == 2 ]] &&
                        ! ps -o stat= --ppid $one | grep -q Z && break
                    sleep 0.05
                done
                kill -TERM $one
                wait $wrapper
                echo "status $?"
                """, packageRoot.appendingPathComponent("pipelines/run").path, place.path,
            ],
            environment: [
                "PATH": bin + ":/usr/bin:/bin:/usr/sbin:/sbin",
                "STATE_DIRECTORY": place.path("state"),
                "STATS_DIR": place.path("stats"),
            ])
        #expect(outcome.text == "status 0\n", "\(outcome.text)\(outcome.errors)\(Self.log(place))")
    }

    @Test(arguments: [
        (["--mode", "turbo"], 78, "mode turbo is not one of rest, sbe, both, capture, two-sinks"),
        (["--mode"], 64, "--mode needs a value"),
        (["--sometimes"], 64, "unknown argument --sometimes"),
    ])
    func `wrong usage says what is wrong`(arguments: [String], status: Int, words: String) throws {
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "bash", [packageRoot.appendingPathComponent("pipelines/run").path] + arguments,
            environment: [
                "PATH": try Self.fakes(place, sink: "exec cat") + ":/usr/bin:/bin",
                "STATE_DIRECTORY": place.path("state"),
            ])
        #expect(outcome.status == Int32(status), "\(outcome.errors)")
        #expect(outcome.errors.contains("run: \(words)"), "\(outcome.errors)")
    }

    @Test(.enabled(if: Program.exists("shellcheck"), "there is no shellcheck"))
    func `shellcheck has nothing to say about any script`() throws {
        let folders = ["pipelines", "Scripts", "Tests/System", "deploy/debian"]
        let scripts = try folders.flatMap { folder in
            let path = packageRoot.appendingPathComponent(folder)
            return try FileManager.default.contentsOfDirectory(atPath: path.path)
                .map { path.appendingPathComponent($0).path }
        }.filter { path in
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return text.hasPrefix("#!/usr/bin/env bash") || text.hasPrefix("#!/bin/bash")
                || text.hasPrefix("#!/bin/sh")
        }
        #expect(scripts.count > 20)
        let outcome = try Program.run(
            "shellcheck", ["--severity=warning", "--external-sources"] + scripts)
        #expect(outcome.status == 0, "\(outcome.text)")
    }
}
