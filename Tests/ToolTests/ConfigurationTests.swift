import Foundation
import TestSupport
import Testing

/// What the built programs say of their configuration, and how they take over a new one.
struct ConfigurationTests {
    /// A directory with a configuration.
    struct Place {
        let directory: TemporaryDirectory
        var config: String { directory.path("c.yaml") }

        init(_ yaml: String, env: String? = nil) throws {
            directory = try TemporaryDirectory()
            try write(yaml)
            if let env {
                try env.write(toFile: directory.path(".env"), atomically: true, encoding: .utf8)
            }
        }

        func write(_ yaml: String) throws {
            try yaml.write(toFile: config, atomically: true, encoding: .utf8)
        }

        /// What `--explain-config` says of a key: value and origin.
        func explained(
            _ tool: String, _ key: String, _ arguments: [String] = [],
            environment: [String: String] = [:]
        ) throws -> (value: String, origin: String) {
            let outcome = try Program.run(
                tool, arguments + ["--config", config, "--explain-config"],
                environment: environment)
            #expect(outcome.status == 0, "\(outcome.errors)")
            let line = outcome.text.split(separator: "\n").first { $0.hasPrefix(key + " ") } ?? ""
            let parts = line.dropFirst(key.count).split(
                separator: " ", omittingEmptySubsequences: true)
            let isSet = parts.count > 1 && parts[0] != "default"
            return (
                isSet ? String(parts[0]) : "",
                parts.dropFirst(isSet ? 1 : 0).joined(separator: " ")
            )
        }
    }

    // MARK: - Judging and explaining

    @Test(arguments: ["dedup", "rest-pull", "s3-put", "kinesis-put", "sbe-tap", "healthd", "recq"])
    func `any program judges the whole file and lists every error`(tool: String) throws {
        let place = try Place(
            "kinesis:\n  aggregate: maybe\ns3:\n  format: avr\nmode: turbo\ndedupp: 1\n")
        let outcome = try Program.run(tool, ["--check-config", "--config", place.config])
        #expect(outcome.status == 78, "\(outcome.errors)")
        for line in [2, 4, 5, 6] {
            #expect(outcome.text.contains("\(place.config):\(line): "), "\(outcome.text)")
        }
        #expect(outcome.text.contains("4 errors"))
        try place.write("s3:\n  format: avro\n")
        let good = try Program.run(tool, ["--config=\(place.config)", "--check-config"])
        #expect(good.status == 0 && good.text.contains("0 errors"), "\(good.text)\(good.errors)")
    }

    @Test(arguments: ["rest-pull", "s3-put", "kinesis-put", "sbe-tap", "dedup", "healthd"])
    func `settings are explained though the call is not complete`(tool: String) throws {
        let place = try Place("stats: {pipeline: live}\n")
        let outcome = try Program.run(
            tool, ["--explain-config", "--config", place.config],
            environment: [
                "XDG_RUNTIME_DIR": "/run/x", "HOME": "/home/x", "AWS_EC2_METADATA_DISABLED": "true",
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        let lines = outcome.text.split(separator: "\n")
        let stats = lines.first { $0.hasPrefix("stats.directory ") }
        #expect(stats?.contains("/run/x/bitcoin-ingestor") == true, "\(outcome.text)")
        #expect(outcome.text.contains("STATS__DIRECTORY, STATS_DIR: Directory of stats files."))
        #expect(outcome.text.contains("--log-level LEVEL, LOGGING__LEVEL: "))
        #expect(outcome.text.contains("\(place.config):1"))
    }

    @Test func `computed defaults are shown, and flags of a call that lacks its argument`() throws {
        let place = try Place("")
        let home = ["HOME": "/home/x", "XDG_STATE_HOME": ""]
        let state = try place.explained(
            "kinesis-put", "kinesis.state_directory",
            environment: home.merging(["AWS_REGION": "eu-west-1"]) { $1 })
        #expect(state.value.hasSuffix("bitcoin-ingestor/kinesis-put"), "\(state)")
        let region = try place.explained(
            "kinesis-put", "aws.region", environment: ["AWS_DEFAULT_REGION": "eu-west-3"])
        #expect(region.value == "eu-west-3", "\(region)")
        let symbols = try place.explained("rest-pull", "binance.symbols", ["--symbol", "ETHUSDT"])
        #expect(symbols == ("ETHUSDT", "--symbol"))
    }

    @Test(arguments: [
        (["--create-streams", "--shards", "2"], "kinesis.create_streams", "true"),
        (["--no-aggregate"], "kinesis.aggregate", "false"),
        (["--streams", "trade=a,*=b"], "kinesis.streams", "trade=a,*=b"),
        (["--linger=50ms"], "aws.kinesis_flush_interval_seconds", "0.05"),
        ([], "kinesis.shards", "1"),
    ])
    func `options are explained as they were given`(
        arguments: [String], key: String, value: String
    ) throws {
        let place = try Place("")
        let found = try place.explained(
            "kinesis-put", key, arguments + ["--region", "us-east-1"])
        #expect(found.value == value, "\(found)")
    }

    /// A judge that has never seen a line of ours.
    @Test func `editors judge files by the schema as the programs do`() throws {
        let python = try #require(Python.path)
        let script = """
            import json, sys, glob, yaml, jsonschema
            schema = json.load(open("docs/schemas/configuration.json"))
            jsonschema.Draft7Validator.check_schema(schema)
            judge = jsonschema.Draft7Validator(schema)
            for path in sorted(glob.glob("config/*.yaml")):
                for error in judge.iter_errors(yaml.safe_load(open(path))): print(path, error.message)
            bad = ["dedup: {window: many}", "dedupp: {}", "kinesis: {aggregate: maybe}", "mode: turbo",
                   "health: {port: 70000}", "s3: {format: avr}", "binance: {symbols: {a: 1}}"]
            good = ["dedup: {window: '${X}'}", "logging: ~", "logging: {level: debug}",
                    "s3: {object_bytes: 128MiB, object_seconds: 5m}", "retry: {jitter: true}",
                    "binance: {stream_types: [trade, depth], symbols: 'A,B'}"]
            for text in bad:
                if judge.is_valid(yaml.safe_load(text)): print("taken:", text)
            for text in good:
                if not judge.is_valid(yaml.safe_load(text)): print("refused:", text)
            """
        let outcome = try Program.run(
            "bash",
            ["-c", "cd \"$0\" && \"$1\" -c \"$2\"", packageRoot.path, python, script])
        #expect(outcome.status == 0 && outcome.text.isEmpty, "\(outcome.text)\(outcome.errors)")
    }

    @Test func `a secret is in no explanation`() throws {
        let place = try Place("binance: {api_key: s3cr3t}\n")
        for arguments in [["--explain-config"], ["--check-config"]] {
            let outcome = try Program.run("sbe-tap", arguments + ["--config", place.config])
            #expect(
                !outcome.text.contains("s3cr3t") && !outcome.errors.contains("s3cr3t"),
                "\(outcome.status) \(outcome.errors) \(outcome.text)")
        }
    }

    // MARK: - Variables

    @Test func `dot env beside the configuration is read, and env-file instead of it`() throws {
        let place = try Place("dedup: {}\n", env: "export DEDUP__WINDOW='12' # twelve\r\n")
        let found = try place.explained("dedup", "dedup.window")
        #expect(found.value == "12" && found.origin.hasSuffix(".env:1 DEDUP__WINDOW"), "\(found)")
        let other = place.directory.path("other")
        try "DEDUP__WINDOW=13\n".write(toFile: other, atomically: true, encoding: .utf8)
        #expect(try place.explained("dedup", "dedup.window", ["--env-file", other]).value == "13")
        let own = try place.explained(
            "dedup", "dedup.window", environment: ["DEDUP__WINDOW": "14"])
        #expect(own == ("14", "environment DEDUP__WINDOW"))
        let missing = try Program.run("dedup", ["--env-file", "/nonexistent/env"])
        #expect(
            missing.status == 78 && missing.errors.contains("/nonexistent/env"),
            "\(missing.status) \(missing.errors)")
    }

    @Test func `dot env sets what AWS reads`() throws {
        let place = try Place("", env: "AWS_DEFAULT_REGION=ap-south-1\n")
        #expect(try place.explained("kinesis-put", "aws.region").value == "ap-south-1")
    }

    @Test func `a misspelt variable and an old key are told, and the stage runs`() throws {
        let place = try Place("logging: {output: stdout}\n")
        let outcome = try Program.run(
            "dedup", ["--config", place.config], environment: ["DEDUP__WINDO": "5"])
        #expect(outcome.status == 0)
        #expect(outcome.errors.contains("DEDUP__WINDOW"), "\(outcome.errors)")
        #expect(outcome.errors.contains("logging.output"), "\(outcome.errors)")
    }

    // MARK: - A new configuration

    private func start(
        _ place: Place, _ tool: String = "dedup", _ arguments: [String] = [],
        environment: [String: String] = [:]
    ) throws -> LiveProgram {
        let program = try LiveProgram(
            tool,
            [
                "--config", place.config, "--stats-dir", place.directory.path("stats"),
                "--log-format", "json",
            ] + arguments, environment: environment)
        // Its settings can be read once it runs.
        _ = waitUntil(30) {
            let found = try? Program.run(
                tool,
                [
                    "--explain-config", "--pid", "\(program.pid)", "--stats-dir",
                    place.directory.path("stats"),
                ])
            return found?.status == 0
        }
        return program
    }

    private func settings(_ program: LiveProgram, _ place: Place, _ key: String) throws -> String {
        let outcome = try Program.run(
            "dedup",
            [
                "--explain-config", "--pid", "\(program.pid)", "--stats-dir",
                place.directory.path("stats"),
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return outcome.text.split(separator: "\n").first { $0.hasPrefix(key + " ") }
            .map { $0.split(separator: " ").dropFirst().joined(separator: " ") } ?? ""
    }

    @Test func `SIGHUP takes over the log level, names what needs a restart, and ends nothing`()
        throws
    {
        let place = try Place("logging: {level: INFO}\ndedup: {window: 100}\n")
        let program = try start(place)
        try place.write("logging: {level: ERROR}\ndedup: {window: 200}\n")
        program.signalled(SIGHUP)
        #expect(
            waitUntil(30) { program.errors.contains("dedup.window needs a restart") },
            "\(program.errors)")
        #expect(
            waitUntil(30) { program.errors.contains("logging.level: INFO is now ERROR") },
            "\(program.errors)")
        #expect(
            waitUntil(30) {
                (try? settings(program, place, "logging.level"))?.hasPrefix("ERROR") == true
            })
        // What was not taken over is what is in use.
        #expect(try settings(program, place, "dedup.window").hasPrefix("100"))
        // At ERROR there is no word of a configuration that is the same; of a bad one there is.
        try place.write("dedup: {window: many}\n")
        program.signalled(SIGHUP)
        #expect(
            waitUntil(30) { program.errors.contains("the configuration is unchanged") },
            "\(program.errors)")
        try place.write("dedup: [\n")
        program.signalled(SIGHUP)
        #expect(
            waitUntil(30) {
                program.errors.components(separatedBy: "the configuration is unchanged").count > 2
            })
        try FileManager.default.removeItem(atPath: place.config)
        program.signalled(SIGHUP)
        #expect(
            waitUntil(30) {
                program.errors.components(separatedBy: "the configuration is unchanged").count > 3
            })
        let records = try Records.trades(1...3)
        program.write(records)
        program.closeInput()
        #expect(program.wait() == 0)
    }

    @Test(arguments: ["dedup", "s3-put", "kinesis-put", "healthd"])
    func `many SIGHUP end no stage, and SIGUSR1 ends it in order`(tool: String) throws {
        let place = try Place("logging: {level: INFO}\n")
        let arguments: [String: [String]] = [
            "s3-put": ["--to", "file://" + place.directory.path("data")],
            "kinesis-put": [
                "--region", "us-east-1", "--endpoint-url", "http://127.0.0.1:1", "--state-dir",
                place.directory.path("state"), "--drain-timeout", "1",
            ],
            "healthd": ["--listen", "127.0.0.1:0", "--metrics-port", "0"],
        ]
        let program = try start(
            place, tool, arguments[tool] ?? [],
            environment: ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"])
        for round in 1...5 {
            program.signalled(SIGHUP)
            #expect(
                waitUntil(30) {
                    program.errors.components(separatedBy: "the configuration was read again").count
                        > round
                }, "\(program.errors)")
        }
        program.signalled(SIGUSR1)
        #expect(program.wait() == 0, "\(program.errors)")
    }

    @Test func `s3-put finishes objects at the age of a new configuration`() throws {
        let place = try Place("s3: {object_seconds: 3600, idle_seconds: 3600, format: ndjson}\n")
        let data = place.directory.path("data")
        let program = try start(place, "s3-put", ["--to", "file://" + data])
        func objects() -> Int {
            let files = FileManager.default.enumerator(atPath: data)?.allObjects as? [String] ?? []
            return files.count { $0.hasPrefix("exchange=") && $0.contains(".ndjson") }
        }
        program.write(try Records.trades(1...3))
        #expect(
            waitUntil(30) { program.unread == 0 }, "\(program.unread) unread: \(program.errors)")
        #expect(objects() == 0)
        try place.write("s3: {object_seconds: 0.1, idle_seconds: 3600, format: avro}\n")
        program.signalled(SIGHUP)
        #expect(
            waitUntil(30) { program.errors.contains("s3.format needs a restart") },
            "\(program.errors)")
        // What was begun in one form ends in it.
        #expect(waitUntil(30) { objects() == 1 }, "\(program.errors)")
        program.closeInput()
        #expect(program.wait() == 0, "\(program.errors)")
    }

    @Test func `a flag wins over a new configuration, and the same one is no news`() throws {
        let place = try Place("dedup: {window: 100}\n")
        let program = try start(place, "dedup", ["--window", "50"])
        #expect(try settings(program, place, "dedup.window") == "50 --window")
        try place.write("dedup: {window: 200}\n")
        program.signalled(SIGHUP)
        #expect(
            waitUntil(30) { program.errors.contains("and has not changed") }, "\(program.errors)")
        #expect(!program.errors.contains("needs a restart"))
    }

    @Test func `settings of a process that is no stage are not there`() throws {
        let place = try Place("")
        let program = try start(place)
        let pid = program.pid
        program.closeInput()
        #expect(program.wait() == 0)
        let outcome = try Program.run(
            "dedup",
            ["--explain-config", "--pid", "\(pid)", "--stats-dir", place.directory.path("stats")])
        #expect(outcome.status == 1 && outcome.errors.contains("\(pid)"), "\(outcome.errors)")
        let left = try FileManager.default.contentsOfDirectory(
            atPath: place.directory.path("stats"))
        #expect(!left.contains { $0.hasSuffix(".settings") }, "\(left)")
    }
}
