import Foundation
import TestSupport
import Testing

/// What the built programs say to a person who types: help, version, and what was typed wrongly.
struct CommandLineTests {
    private static let stages = [
        "rest-pull", "sbe-tap", "dedup", "s3-put", "kinesis-put", "healthd",
    ]
    private static let tools = stages + ["recq", "ledgerctl", "exchange-sim"]

    // MARK: - Help

    @Test(arguments: tools + ["recq json", "recq check", "ledgerctl verify"])
    func `the short help is one screen, the long one has everything`(command: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let short = try Program.run(words[0], words.dropFirst() + ["-h"])
        let long = try Program.run(words[0], words.dropFirst() + ["--help"])
        #expect(short.status == 0 && long.status == 0)
        #expect(short.errors.isEmpty && long.errors.isEmpty)
        let lines = short.text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 25, "\(lines.count - 1) lines:\n\(short.text)")
        let wide = lines.filter { $0.count > 80 && !$0.hasPrefix("  \(words[0])") }
            .filter { !$0.contains(" | ") && !$0.contains("=") }
        #expect(wide.isEmpty, "\(wide)")
        #expect(short.text.contains("USAGE: \(command)"), "\(short.text)")
        #expect(short.text.contains("\(command) --help"), "\(short.text)")
        #expect(long.text.contains("USAGE: \(command)"), "\(long.text)")
        #expect(long.text.count > short.text.count)
    }

    @Test(arguments: tools)
    func `examples keep their lines, whatever the terminal's width`(tool: String) throws {
        let help = try Program.run(tool, ["--help"], environment: ["COLUMNS": "40"]).text
        let lines = help.split(separator: "\n").map(String.init)
        let begin = try #require(lines.firstIndex(of: "EXAMPLES:"), "\(help)")
        let examples = lines[(begin + 1)...].prefix { $0.hasPrefix("  ") }
        #expect(!examples.isEmpty)
        for example in examples {
            // As bash reads it: a whole command, not the half of one.
            let outcome = try Program.run("bash", ["-n", "-c", example])
            #expect(outcome.status == 0, "\(example): \(outcome.errors)")
            let end = example.last.map(String.init) ?? ""
            #expect(!["|", ">", "\\"].contains(end), "\(example)")
        }
        // Options are wrapped at the width of a terminal, and at 80 columns elsewhere.
        let options = lines[..<begin].filter { $0.hasPrefix("  ") }
        #expect(options.allSatisfy { $0.count <= 80 }, "\(options.filter { $0.count > 80 })")
    }

    @Test(arguments: tools)
    func `help names every option once, with what an operator needs first`(tool: String) throws {
        let help = try Program.run(tool, ["--help"]).text
        let labels = help.split(separator: "\n").filter { $0.hasPrefix("  -") }
            .compactMap { $0.split(separator: " ").first { $0.hasPrefix("--") } }
        #expect(Set(labels).count == labels.count, "\(labels)")
        #expect(!help.contains("(default: )") && !help.contains("default: none) (default"))
        guard tool == "s3-put" else { return }
        let destination = try #require(help.range(of: "\n  --to "))
        let tuning = try #require(help.range(of: "--multipart-threshold"))
        #expect(destination.lowerBound < tuning.lowerBound)
    }

    @Test(arguments: [
        ("recq help json", "USAGE: recq json"), ("recq", "SUBCOMMANDS:"),
        ("ledgerctl", "SUBCOMMANDS:"), ("ledgerctl help verify", "USAGE: ledgerctl verify"),
    ])
    func `a program of subcommands shows them`(command: String, part: String) throws {
        let words = command.split(separator: " ").map(String.init)
        let outcome = try Program.run(words[0], Array(words.dropFirst()))
        #expect(outcome.status == 0)
        #expect(outcome.text.contains(part), "\(outcome.text)")
    }

    // MARK: - Version

    @Test(arguments: tools)
    func `the version names release, commit, processor and schemas`(tool: String) throws {
        let long = try Program.run(tool, ["--version"])
        let short = try Program.run(tool, ["-V"])
        #expect(long.status == 0 && short.status == 0)
        #expect(long.text == short.text)
        // A tarball without its commit says so instead of naming a wrong one.
        let form =
            #"^\#(tool) [0-9]+\.[0-9]+\.[0-9]+ \(([0-9a-f]{7,}\+?|commit not recorded), "#
            + #"(x86_64|aarch64), records [0-9]+:[0-9]+(, (REST|stream) SBE [0-9]+:[0-9]+)*\)\n$"#
        #expect(long.text.range(of: form, options: .regularExpression) != nil, "\(long.text)")
        if tool == "rest-pull" { #expect(long.text.contains("REST SBE 3:")) }
        if tool == "sbe-tap" { #expect(long.text.contains("stream SBE 1:")) }
    }

    // MARK: - What was typed wrongly

    struct Slip: CustomTestStringConvertible, Sendable {
        let command: String
        /// What is suggested; nil when nothing is near enough.
        let suggestion: String?
        var testDescription: String { command }
    }

    @Test(arguments: [
        Slip(command: "rest-pull --hlep", suggestion: "--help"),
        Slip(command: "rest-pull trades --form 1", suggestion: "--from"),
        Slip(command: "rest-pull trades --sym BTCUSDT", suggestion: "--symbol"),
        Slip(command: "rest-pull trades --limti=3", suggestion: "--limit"),
        Slip(command: "rest-pull trades --zebra", suggestion: nil),
        Slip(command: "s3-put --too file:///x", suggestion: "--to"),
        Slip(command: "s3-put --sso AES256", suggestion: "--sse"),
        Slip(command: "kinesis-put --no-agregate", suggestion: "--no-aggregate"),
        Slip(command: "kinesis-put --xyz", suggestion: nil),
        Slip(command: "recq jsno", suggestion: "recq json"),
        Slip(command: "recq chekc", suggestion: "recq check"),
        Slip(command: "recq elephant", suggestion: nil),
        Slip(command: "recq json --quite", suggestion: "--quiet"),
        Slip(command: "ledgerctl verfiy x", suggestion: "ledgerctl verify"),
        Slip(command: "healthd --wathc", suggestion: "--watch"),
        Slip(command: "dedup --windwo 3", suggestion: "--window"),
    ])
    func `a slip is answered with what is near, and with nothing that is far`(slip: Slip) throws {
        let words = slip.command.split(separator: " ").map(String.init)
        let outcome = try Program.run(words[0], Array(words.dropFirst()))
        #expect(outcome.status == 64)
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 1 && outcome.output.isEmpty, "\(outcome.errors)")
        #expect(outcome.errors.hasPrefix("\(words[0]): error: unknown "), "\(outcome.errors)")
        #expect(outcome.errors.contains("\(words[0]) "), "\(outcome.errors)")
        if let suggestion = slip.suggestion {
            #expect(outcome.errors.contains("Did you mean '\(suggestion)'?"), "\(outcome.errors)")
        } else {
            #expect(!outcome.errors.contains("Did you mean"), "\(outcome.errors)")
        }
    }

    // MARK: - One kind of error line

    @Test(arguments: [
        "rest-pull trades --from 5 --to 3", "rest-pull nothing", "s3-put --to nowhere://x",
        "dedup --window x", "kinesis-put --order sideways", "sbe-tap --streams moon",
        "healthd --interval never", "recq json /no/such/file", "ledgerctl show /no/such/file",
        "rest-pull trades --config /no/such.yaml", "dedup --unknown",
    ])
    func `every error is one line with the program's name, in the form that was asked for`(
        command: String
    ) throws {
        var words = command.split(separator: " ").map(String.init)
        let tool = words.removeFirst()
        let text = try Program.run(tool, words + ["--log-format", "text"])
        #expect([64, 65, 74, 78].contains(text.status), "\(text.status): \(text.errors)")
        #expect(text.errors.hasPrefix("\(tool): error: "), "\(text.errors)")
        #expect(text.errors.split(separator: "\n").count == 1, "\(text.errors)")

        let json = try Program.run(tool, words + ["--log-format", "json"])
        let object = try JSONSerialization.jsonObject(with: Data(json.errors.utf8))
        let fields = try #require(object as? [String: Any], "\(json.errors)")
        #expect(fields["stage"] as? String == tool)
        #expect(fields["level"] as? String == "ERROR")
        #expect(fields["pid"] is NSNumber)
        #expect(json.status == text.status)

        // From the environment it holds as well, also for what is wrong with the command line.
        let variable = try Program.run(tool, words, environment: ["LOGGING__FORMAT": "json"])
        #expect(variable.errors.hasPrefix("{"), "\(variable.errors)")
    }

    @Test func `-q leaves warnings and errors, -v adds what helps to find a fault`() throws {
        func lines(_ options: [String]) throws -> [String] {
            try Program.run("dedup", options + ["--log-format", "json"]).errors
                .split(separator: "\n").map(String.init)
        }
        #expect(try lines(["-q"]).isEmpty)
        #expect(try lines(["-q", "--log-level", "info"]).count == lines([]).count)
        #expect(try lines(["-v"]).count >= lines([]).count)
        let both = try Program.run("dedup", ["-q", "-v"])
        #expect(both.status == 64)
        #expect(both.errors.contains("-q and -v"), "\(both.errors)")
    }

    @Test func `log lines tell processes apart, and numbers are numbers`() throws {
        let place = try TemporaryDirectory()
        let outcome = try Program.run(
            "s3-put",
            [
                "--to", "file://\(place.path("data"))", "--instance", "a", "--stats-dir",
                place.path("stats"),
            ], environment: ["PIPELINE_NAME": "live"])
        let line = try #require(
            outcome.errors.split(separator: "\n").first { $0.contains("refused") },
            "\(outcome.errors)")
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
        let fields = try #require(object as? [String: Any])
        #expect(fields["instance"] as? String == "a")
        #expect(fields["pipeline"] as? String == "live")
        #expect(fields["pid"] is NSNumber)
        #expect(fields["refused"] is NSNumber, "\(line)")
    }

    // MARK: - Values that a shell completes

    @Test(arguments: [
        ("s3-put", "format", ["avro", "ndjson", "sbe"]),
        ("s3-put", "compression", ["zstd", "gzip", "none"]),
        ("rest-pull", "interval", ["1m", "1h", "1d"]),
        ("rest-pull", "log-level", ["DEBUG", "INFO", "WARNING", "ERROR"]),
        ("rest-pull", "encoding", ["auto", "sbe", "json"]),
        ("kinesis-put", "order", ["strict", "relaxed"]),
        ("sbe-tap", "streams", ["trade", "depth"]),
        ("recq", "on-bad-line", ["skip"]),
    ])
    func `the shells complete what a setting takes`(
        tool: String, option: String, values: [String]
    ) throws {
        for shell in ["bash", "zsh", "fish"] {
            let script = try Program.run(tool, ["--generate-completion-script", shell])
            #expect(script.status == 0)
            for value in values {
                #expect(script.text.contains(value), "\(shell): no \(value) for --\(option)")
            }
        }
    }
}
