import Configuration
import Foundation
import Glibc
import Posix
import TestSupport
import Testing

@testable import Stage

/// What log lines look like, whatever is in them and however many there are.
struct LogTests {
    /// What a log writes to a file.
    private func written(
        _ format: LogFormat, _ write: (Log) -> Void
    ) throws -> [String] {
        let place = try TemporaryDirectory()
        let path = place.path("log")
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT)
        write(Log(stage: "tool", level: .debug, format: format, descriptor: file.raw))
        return try String(contentsOfFile: path, encoding: .utf8)
            .split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
    }

    @Test(arguments: [
        ("\u{1B}]0;title\u{7}", #"\u001b]0;title\u0007"#),
        ("gone\nsbe-tap: error: forged line", #"gone\nsbe-tap: error: forged line"#),
        ("a\r\nb\tc", #"a\r\nb\tc"#), ("\u{9B}31m", #"\u009b31m"#), ("\u{7F}", #"\u007f"#),
        ("\u{2028}\u{202E}", #"\u2028\u202e"#), ("prix: 5 €", "prix: 5 €"), ("日本", "日本"),
    ])
    func `a peer's words are one line that a terminal only shows`(
        words: String, shown: String
    ) throws {
        let lines = try written(.text) {
            $0.warning("the venue said \(words)")
            $0.info("ended", ["reason": "\(words)"])
        }
        #expect(lines.count == 2)
        #expect(lines[0] == "tool: warning: the venue said \(shown)")
        #expect(lines[1].hasPrefix("tool: ended reason=") && lines[1].contains(shown))
        let json = try written(.json) { $0.warning(words) }
        #expect(json.count == 1)
    }

    @Test func `user and password of a URL are in no line`() throws {
        for format in LogFormat.allCases {
            let lines = try written(format) {
                $0.error("cannot reach http://user:s3cr3t@host/x", ["url": "wss://k:s3cr3t@h"])
            }
            #expect(!lines.joined().contains("s3cr3t"), "\(lines)")
            #expect(lines.joined().contains("***@host/x"), "\(lines)")
        }
    }

    @Test func `a cause has a few lines a minute, and what was left out is counted`() throws {
        let lines = try written(.json) { log in
            for number in 1...1000 { log.warning("error \(number)", cause: "venue_error") }
            log.warning("another", cause: "other_error")
            log.warning("without a cause")
            log.endLimits()
        }
        #expect(lines.count == LogLimiter.lines + 3, "\(lines.count)")
        #expect(lines.last?.contains("\"left_out\":\(1000 - LogLimiter.lines)}") == true)
        #expect(lines.last?.contains("venue_error") == true)
    }

    @Test(
        arguments: [
            ("\(Int64.max)", "9223372036854775807"), ("\(-5)", "-5"), ("\(UInt8(7))", "7"),
            ("\(0.1 + 0.2)", "0.3"), ("\(2.0)", "2"), ("\(1.23456)", "1.235"),
            ("\(Double.nan)", "\"nan\""), ("\(Double.infinity)", "\"inf\""), ("7", "\"7\""),
            ("\(7) s", "\"7 s\""), ("\(1)\(2)", "\"12\""), ("\("7")", "\"7\""), ("", "\"\""),
        ] as [(LogValue, String)])
    func `a number alone is a number in JSON, anything else is text`(
        value: LogValue, shown: String
    ) throws {
        let line = try #require(try written(.json) { $0.info("m", ["x": value]) }.first)
        #expect(line.hasSuffix(",\"message\":\"m\",\"x\":\(shown)}"), "\(line)")
        let text = try #require(try written(.text) { $0.info("m", ["x": value]) }.first)
        #expect(text.hasPrefix("tool: m x="), "\(text)")
    }

    @Test func `each JSON line says which process wrote it`() throws {
        let line = try #require(
            try written(.json) { log in
                var log = log
                log.instance = "a"
                log.pipeline = "live \"1\""
                log.info("m")
            }.first)
        #expect(
            line.contains(
                #""stage":"tool","pid":\#(getpid()),"instance":"a","pipeline":"live \"1\"","#),
            "\(line)")
        let nameless = try #require(try written(.json) { $0.info("m") }.first)
        #expect(!nameless.contains("instance") && !nameless.contains("pipeline"))
    }

    @Test func `in the next minute a cause is heard again, with the count`() {
        let limiter = LogLimiter()
        for _ in 1...7 { _ = limiter.admit("a", now: 1) }
        #expect(limiter.admit("a", now: LogLimiter.period) == nil)
        #expect(limiter.admit("a", now: LogLimiter.period + 1) == 3)
        #expect(limiter.admit("a", now: LogLimiter.period + 2) == 0)
        #expect(limiter.leftOut().isEmpty)
    }

    @Test func `causes are bounded, too`() {
        let limiter = LogLimiter()
        var written = 0
        for number in 1...100_000 where limiter.admit("cause \(number)", now: 1) != nil {
            written += 1
        }
        #expect(written <= LogLimiter.maximumCauses + LogLimiter.lines)
    }

    @Test func `a stream is the journal's only if it is the one of the variable`() throws {
        let place = try TemporaryDirectory()
        let file = try Descriptor.open(place.path("log"), O_WRONLY | O_CREAT)
        let status = try file.status()
        #expect(Log.isJournal(file.raw, "\(status.st_dev):\(status.st_ino)"))
        for other in ["8:12345", "", ":", "\(status.st_dev):", "x:y", nil] {
            #expect(!Log.isJournal(file.raw, other), "\(other ?? "not set")")
        }
    }

    @Test func `on a terminal lines have the time, and errors a colour`() throws {
        // Swift's Glibc lacks posix_openpt(3) and its family; these are what they do (pts(4)).
        let (unlocks, tellsNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
        let reader = open("/dev/ptmx", O_RDWR | O_NOCTTY)
        var (locked, number): (Int32, UInt32) = (0, 0)
        try #require(reader >= 0 && ioctl(reader, unlocks, &locked) == 0)
        try #require(ioctl(reader, tellsNumber, &number) == 0)
        defer { close(reader) }
        let terminal = try Descriptor.open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        let log = Log(stage: "tool", descriptor: terminal.raw)
        log.info("starting")
        log.error("it failed")
        var bytes = [UInt8](repeating: 0, count: 4096)
        var text = ""
        while text.count(where: \.isNewline) < 2 {
            let count = read(reader, &bytes, bytes.count)
            try #require(count > 0, "\(text)")
            text += String(decoding: bytes.prefix(count), as: UTF8.self)
        }
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        let environment = ProcessInfo.processInfo.environment
        let isPlain = environment["TERM"] == "dumb" || environment["NO_COLOR"]?.isEmpty == false
        let word = isPlain ? "error:" : "\u{1B}[1;31merror:\u{1B}[0m"
        for (line, words) in zip(lines, ["starting", "\(word) it failed"]) {
            let time = line.prefix { !$0.isWhitespace }
            #expect(time.count == 9 && time.hasSuffix("Z"), "\(line)")
            #expect(line.dropFirst(time.count) == " tool: \(words)", "\(line)")
        }
    }
}
