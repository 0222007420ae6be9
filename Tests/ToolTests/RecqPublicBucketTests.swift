import Foundation
import TestSupport
import Testing

/// Buckets that anyone may read, and what they may do wrong.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct RecqPublicBucketTests {
    /// A bucket with the same objects below each of some prefixes.
    private struct Bucket {
        let place: TemporaryDirectory
        let frames: [UInt8]
        let url: String
        private let server: BackgroundProgram

        init() throws {
            place = try TemporaryDirectory()
            frames = try RecqTests.frames((1...90).map { RecqTests.trade($0) }.joined())
            for prefix in [
                "good", "denied", "loop", "words", "shrunk", "changed", "whole", "slow",
                "together",
            ] {
                let folder = place.path(
                    "b/\(prefix)/exchange=binance/kind=trade/instrument=BTC%25USDT/"
                        + "date=2024-01-01/hour=00")
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true)
                // Nine objects of ten records: three pages.
                for part in 0..<9 {
                    let name = String(format: "%012d-%012d.sbe", part * 10 + 1, part * 10 + 10)
                    try Data(frames[(part * 1100)..<((part + 1) * 1100)]).write(
                        to: URL(fileURLWithPath: "\(folder)/\(name)"))
                }
            }
            server = try BackgroundProgram(
                try #require(Python.path), [script("public_bucket.py"), place.path("b")])
            url = server.firstLine()
            try #require(url.hasPrefix("http://127.0.0.1:"), "the server did not start")
        }

        func cat(_ prefix: String, _ options: [String] = []) throws -> Program.Outcome {
            // Without credentials, region or a home to look for them.
            try Program.run(
                "recq", ["cat", "\(url)/\(prefix)"] + options,
                environment: ["HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"])
        }
    }

    @Test func `a public bucket needs no credentials, and pages are followed`() throws {
        let bucket = try Bucket()
        // Small objects are fetched whole, also where parts cannot be asked for.
        for prefix in ["good", "slow", "whole"] {
            let outcome = try bucket.cat(prefix, ["--whole"])
            #expect(outcome.status == 0 && outcome.output == bucket.frames, "\(outcome.errors)")
        }
        let some = try bucket.cat("good", ["--symbol", "BTC%USDT", "--from", "31", "--to", "40"])
        // The records' own symbol is another one than the path says.
        #expect(some.status == 69, "\(some.errors)")
        let part = try bucket.cat("good", ["--from", "31", "--to", "40"])
        #expect(part.output == Array(bucket.frames[3300..<4400]), "\(part.errors)")
    }

    @Test(
        arguments: [
            ("denied", 77, "AccessDenied"), ("loop", 76, "leads nowhere"),
            ("words", 76, "a web page"), ("shrunk", 65, "in the listing"),
            ("changed", 75, "was replaced"),
            ("empty", 69, "no objects"),
        ] as [(String, Int32, String)])
    func `a bucket that misbehaves gets a clear verdict`(
        prefix: String, status: Int32, words: String
    ) throws {
        let outcome = try Bucket().cat(prefix)
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }

    @Test func `a bucket that gives no parts is told from one that does`() throws {
        let bucket = try Bucket()
        let outcome = try Program.run("recq", ["count", "\(bucket.url)/whole"])
        #expect(outcome.status == 76, "\(outcome.errors)")
        #expect(outcome.errors.contains("does not read parts"), "\(outcome.errors)")
    }

    /// The server answers an object only when others are asked for meanwhile: whoever asks for one after
    /// another waits for the server's patience each time.
    @Test func `objects are fetched while others are on their way`() throws {
        let bucket = try Bucket()
        let outcome = try bucket.cat("together")
        #expect(outcome.status == 0 && outcome.output == bucket.frames, "\(outcome.errors)")
        let asked = try String(contentsOfFile: bucket.place.path("b/most-at-once"), encoding: .utf8)
        #expect(Int(asked) ?? 0 >= 2, "\(asked) at once")
    }
}
