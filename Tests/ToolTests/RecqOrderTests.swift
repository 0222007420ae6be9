import Foundation
import TestSupport
import Testing

/// `recq` head, tail, sort and merge.
struct RecqOrderTests {
    private static func trade(_ id: Int, time: Int, symbol: String = "BTCUSDT") -> String {
        RecqTests.trade(id, symbol: symbol).replacingOccurrences(
            of: "1704067200000000,", with: "\(1_704_067_200_000_000 + time),")
    }

    private static func ids(_ frames: [UInt8]) throws -> [Int] {
        try Program.run("recq", ["print", "-f", "%i\\n"], input: frames).text
            .split(separator: "\n").compactMap { Int($0) }
    }

    @Test(arguments: [
        (["head", "-n", "3"], [1, 2, 3]), (["head", "-3"], [1, 2, 3]),
        (["tail", "-n", "2"], [9, 10]),
        (["tail", "-2"], [9, 10]), (["tail", "-n", "0"], []),
        (["tail", "-n", "100"], Array(1...10)),
        (["head", "-0"], []), (["tail"], Array(1...10)),
    ])
    func `head and tail take as many as they are told`(command: [String], ids: [Int]) throws {
        let frames = try RecqTests.frames((1...10).map { RecqTests.trade($0) }.joined())
        let outcome = try Program.run("recq", command, input: frames)
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try Self.ids(outcome.output) == ids)
    }

    @Test func `tail keeps the last ones of many`() throws {
        let frames = try RecqTests.frames((1...30_000).map { RecqTests.trade($0) }.joined())
        let outcome = try Program.run("recq", ["tail", "-n", "700"], input: frames)
        #expect(try Self.ids(outcome.output) == Array(29_301...30_000))
    }

    @Test func `tail -f gives what is appended, whole frames only, and follows a new file`() throws
    {
        let place = try TemporaryDirectory()
        let path = place.path("growing.bin")
        let frames = try RecqTests.frames((1...6).map { RecqTests.trade($0) }.joined())
        let length = frames.count / 6
        try Data(frames[..<(2 * length)]).write(to: URL(fileURLWithPath: path))
        let output = place.path("out.bin")
        let tail = try BackgroundProgram(
            "/bin/sh",
            ["-c", "exec '\(Program.directory.path)/recq' tail -n 1 -f '\(path)' > '\(output)'"])
        func received() throws -> [Int] {
            try Self.ids(Array((try? Data(contentsOf: URL(fileURLWithPath: output))) ?? Data()))
        }
        func wait(for ids: [Int]) throws {
            _ = try waitUntil { try received() == ids }
            #expect(try received() == ids)
        }
        try wait(for: [2])
        let file = try #require(FileHandle(forWritingAtPath: path))
        try file.seekToEnd()
        // A frame that is half written is waited for.
        try file.write(contentsOf: Data(frames[(2 * length)..<(3 * length + 40)]))
        try wait(for: [2, 3])
        try file.write(contentsOf: Data(frames[(3 * length + 40)..<(4 * length)]))
        try wait(for: [2, 3, 4])
        try Data(frames[(4 * length)...]).write(to: URL(fileURLWithPath: path + ".new"))
        #expect(rename(path + ".new", path) == 0)
        try wait(for: [2, 3, 4, 5, 6])
        _ = tail
    }

    @Test func `sort puts any order in order, within any memory`() throws {
        var lines: [String] = []
        for id in 1...12_000 {
            lines.append(Self.trade(id, time: id / 3, symbol: id % 2 == 0 ? "ETHUSDT" : "BTCUSDT"))
        }
        let ordered = try RecqTests.frames(lines.joined())
        var random = SystemRandomNumberGenerator()
        let mixed = try RecqTests.frames(lines.shuffled(using: &random).joined())
        let byTime = try Program.run("recq", ["sort"], input: mixed)
        // 1 MiB holds fewer than half of them.
        let spilled = try Program.run("recq", ["sort", "--buffer", "1"], input: mixed)
        #expect(byTime.status == 0 && spilled.output == byTime.output, "\(spilled.errors)")
        #expect(byTime.output.count == ordered.count)
        let times = try Program.run("recq", ["print", "-f", "%T %s %i\\n"], input: byTime.output)
            .text.split(separator: "\n").map { $0.split(separator: " ") }
        for (one, next) in zip(times, times.dropFirst()) where one[0] == next[0] {
            #expect(one[1] < next[1] || one[1] == next[1] && Int(one[2])! < Int(next[2])!)
        }
        #expect(times.map { $0[0] } == times.map { $0[0] }.sorted())
        let byID = try Program.run(
            "recq", ["sort", "--by", "id", "--unique"], input: mixed + ordered)
        let ids = try Self.ids(byID.output)
        #expect(
            ids == Array(stride(from: 1, through: 11_999, by: 2))
                + Array(stride(from: 2, through: 12_000, by: 2)))
    }

    @Test func `merge joins ordered inputs, each record once, and refuses others`() throws {
        let place = try TemporaryDirectory()
        func file(_ name: String, _ ids: [Int]) throws -> String {
            let frames = try RecqTests.frames(ids.map { Self.trade($0, time: $0) }.joined())
            try Data(frames).write(to: URL(fileURLWithPath: place.path(name)))
            return place.path(name)
        }
        let odd = try file("odd", Array(stride(from: 1, through: 999, by: 2)))
        let even = try file("even", Array(stride(from: 2, through: 1000, by: 2)))
        let all = try file("all", Array(1...1000))
        let merged = try Program.run("recq", ["merge", odd, even])
        #expect(try Self.ids(merged.output) == Array(1...1000))
        let twice = try Program.run("recq", ["merge", odd, even, all])
        #expect(try Self.ids(twice.output).count == 2000)
        for order in ["time", "id"] {
            let once = try Program.run("recq", ["merge", "-u", "--by", order, odd, all, even])
            #expect(try Self.ids(once.output) == Array(1...1000))
        }
        let wrong = try Program.run("recq", ["merge", odd, file("wrong", [1, 3, 2])])
        #expect(wrong.status == 65)
        #expect(
            wrong.errors.contains("wrong") && wrong.errors.contains("recq sort"), "\(wrong.errors)")
    }

    @Test func `a closed pipe ends every subcommand without a word`() throws {
        let frames = try RecqTests.frames((1...20_000).map { RecqTests.trade($0) }.joined())
        let place = try TemporaryDirectory()
        try Data(frames).write(to: URL(fileURLWithPath: place.path("f")))
        for command in [
            "print", "csv", "json", "json --pretty", "cat", "where 'qty > 0'", "sort", "merge",
        ] {
            let outcome = try Program.run(
                "/bin/bash",
                [
                    "-c",
                    "'\(Program.directory.path)/recq' \(command) '\(place.path("f"))' | head -c 100 > /dev/null",
                ])
            #expect(outcome.errors == "", "\(command): \(outcome.errors)")
        }
    }
}
