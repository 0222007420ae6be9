import Foundation
import Stats
import TestSupport
import Testing

@testable import healthd

/// The overview in a terminal, and where there is none.
struct WatchTests {
    private func stage(_ place: TemporaryDirectory, _ instance: String = "a") throws
        -> StatsWriter
    {
        let stats = try StatsWriter(
            directory: place.path, stage: "s3-put", instance: instance, pipeline: "main")
        stats.counter("records_out", help: "").add(1234)
        stats.gauge("records_waiting", help: "").set(17)
        stats.enter(.running)
        return stats
    }

    private func arguments(_ place: TemporaryDirectory) -> [String] {
        ["--stats-dir", place.path, "--interval", "0.1"]
    }

    @Test func `one JSON has the whole overview, without a server and without a trace`() throws {
        let place = try TemporaryDirectory()
        let stats = try stage(place)
        let outcome = try Program.run("healthd", ["--once", "--json"] + arguments(place))
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any])
        let stages = try #require(json["stages"] as? [[String: Any]])
        #expect(stages.map { $0["id"] as? String } == ["s3-put.a"])
        #expect((stages[0]["figures"] as? [String: Int])?["records_waiting"] == 17)
        #expect(json["status"] as? String == "healthy")
        // It is no stage that others should see.
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).count == 1)
        withExtendedLifetime(stats) {}
    }

    @Test func `text fits the width, and important columns stay longest`() throws {
        let place = try TemporaryDirectory()
        let stats = try stage(place)
        for width in [200, 80, 40, 20] {
            let outcome = try Program.run(
                "healthd", ["--watch", "--once"] + arguments(place),
                environment: ["COLUMNS": "\(width)"])
            let lines = outcome.text.split(separator: "\n")
            #expect(lines.allSatisfy { $0.count <= width }, "\(outcome.text)")
            #expect(outcome.text.contains("s3-put.a"))
            #expect(outcome.text.contains("RECORDS OUT") == (width == 200))
            #expect(!outcome.text.contains("\u{1B}"))
        }
        withExtendedLifetime(stats) {}
    }

    @Test func `where there is no terminal each look is plain text, until the reader has enough`()
        throws
    {
        let place = try TemporaryDirectory()
        let stats = try stage(place)
        let outcomes = try Program.pipeline([
            ["healthd", "--watch"] + arguments(place), ["grep", "-m", "3", "s3-put.a"],
        ])
        #expect(outcomes.map(\.status) == [0, 0])
        #expect(outcomes[1].text.split(separator: "\n").count == 3)
        withExtendedLifetime(stats) {}
    }

    /// Runs it on a terminal of 70 columns and 8 lines, made by script(1), and types `end` once it
    /// has drawn four pictures.
    private func onTerminal(
        _ place: TemporaryDirectory, end: String, environment: [String: String] = [:]
    ) throws -> String {
        let words = ["healthd", "--watch"] + arguments(place)
        // The terminal sends Ctrl-C to the shell too, which is to go on.
        let command =
            "trap : INT; stty cols 70 rows 8; \(Program.directory.path)/"
            + words.joined(separator: " ") + "; echo left $?"
        let seen = place.path("typescript")
        let script = """
            watched() { for i in $(seq 300); do
                [ "$(grep -ao '\\[H' \(seen) 2> /dev/null | wc -l)" -gt 3 ] && return
                sleep 0.1
            done; }
            (watched; \(end)) | script -qefc '\(command)' \(seen)
            """
        let outcome = try Program.run(
            "/bin/sh", ["-c", script],
            environment: ["TERM": "xterm", "NO_COLOR": "", "SHELL": "/bin/sh"]
                .merging(environment) { _, own in own })
        return outcome.text
    }

    @Test(.enabled(if: Program.exists("script"), "there is no script(1)"))
    func `a terminal is drawn over, in colours, and given back as it was`() throws {
        let place = try TemporaryDirectory()
        var stages = [try stage(place)]
        for index in 0..<20 { stages.append(try stage(place, "n\(index)")) }
        let text = try onTerminal(place, end: "printf q")
        let start = try #require(text.firstRange(of: "\u{1B}[?1049h"))
        let end = try #require(text.firstRange(of: "\u{1B}[?1049l"))
        #expect(start.lowerBound < end.lowerBound)
        #expect(text[end.upperBound...].contains("left 0"))
        let picture = text[start.upperBound..<end.lowerBound]
        #expect(picture.contains("\u{1B}[32m"))
        #expect(picture.contains("lines more"))
        #expect(picture.ranges(of: "\u{1B}[H").count > 2)
        // No picture is higher than the terminal.
        for part in picture.split(separator: "\u{1B}[H").dropFirst() {
            #expect(part.count { $0 == "\r\n" || $0 == "\n" } < 8)
        }
        withExtendedLifetime(stages) {}
    }

    @Test(.enabled(if: Program.exists("script"), "there is no script(1)"))
    func `without colours where NO_COLOR says so, and a signal gives the terminal back`() throws {
        let place = try TemporaryDirectory()
        let stats = try stage(place)
        // Ctrl-C as the terminal sends it.
        let text = try onTerminal(
            place, end: "printf '\\003'", environment: ["NO_COLOR": "1"])
        #expect(text.contains("\u{1B}[?1049l") && text.contains("left 0"))
        #expect(!text.contains("\u{1B}[32m") && text.contains("running"))
        withExtendedLifetime(stats) {}
    }

    @Test(.enabled(if: Program.exists("script"), "there is no script(1)"))
    func `keys scroll, sort, hide and help`() throws {
        let place = try TemporaryDirectory()
        var stages = [try stage(place)]
        for index in 0..<20 { stages.append(try stage(place, "n\(index)")) }
        let text = try onTerminal(
            place, end: "printf 'G'; sleep 0.5; printf '?'; sleep 0.5; printf q")
        #expect(text.contains("above"), "\(text.suffix(2000))")
        #expect(text.contains("KEYS") && text.contains("left 0"))
        withExtendedLifetime(stages) {}
    }

    @Test(
        arguments: [
            ("j", 1), ("jjk", 1), ("k", 0), (" ", 18), ("\u{1B}[B\u{1B}OB", 2), ("jj\u{1B}[A", 1),
            ("\u{1B}[6~", 18), ("\u{1B}[6~\u{1B}[5~", 0), ("jjjg", 0), ("jj\u{1B}[1~", 0),
            ("\u{1B}[9999999999999Bj", 1), ("\u{1B}[", 0), ("\u{1B}", 0),
        ] as [(String, Int)])
    func `keys and the sequences of cursor keys move the view`(_ typed: String, _ offset: Int) {
        var view = WatchView()
        for key in WatchView.keys(in: Array(typed.utf8)) { view.take(key, page: 20) }
        #expect(view.offset == offset && !view.isOver)
        view.take(.character(UInt8(ascii: "q")), page: 20)
        #expect(view.isOver)
    }

    @Test func `texts of stages cannot move the cursor`() throws {
        let place = try TemporaryDirectory()
        let stats = try stage(place, "\u{1B}[2J\u{7}evil\u{202E}")
        stats.lastError.set("line\n\u{1B}]0;title\u{7}")
        let outcome = try Program.run("healthd", ["--watch", "--once"] + arguments(place))
        #expect(outcome.text.contains("evil"))
        let scalars = outcome.text.unicodeScalars.filter { $0.value < 0x20 && $0 != "\n" }
        #expect(
            scalars.isEmpty && !outcome.text.unicodeScalars.contains("\u{202E}"), "\(outcome.text)")
        withExtendedLifetime(stats) {}
    }
}
