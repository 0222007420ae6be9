import Foundation
import TestSupport
import Testing

/// s3-put as built, into a directory, for one test.
struct S3PutRun {
    let place: TemporaryDirectory
    var options: [String] = []

    init() throws { place = try TemporaryDirectory() }

    var data: String { place.path("data") }
    var state: String { place.path("state") }

    var arguments: [String] {
        [
            "--to", "file://" + data, "--state-dir", state, "--format", "sbe", "--compression",
            "none", "--log-format", "json",
        ] + options
    }

    /// Delivers records, to the end.
    func put(_ records: [UInt8], _ more: [String] = []) throws -> Program.Outcome {
        try Program.run("s3-put", arguments + more, input: records)
    }

    /// Keys of the objects, sorted.
    var keys: [String] {
        let all = FileManager.default.enumerator(atPath: data)?.compactMap { $0 as? String } ?? []
        return all.filter { $0.hasPrefix("exchange=") && $0.hasSuffix(".sbe") }.sorted()
    }

    /// Bytes of all objects, one after another.
    func content() throws -> [UInt8] {
        try keys.flatMap { Array(try Data(contentsOf: URL(fileURLWithPath: "\(data)/\($0)"))) }
    }

    /// How many of some frames the objects have, whatever their order.
    func count(of frames: [[UInt8]]) throws -> [Int] {
        let content = Data(try content())
        return frames.map { frame in
            var count = 0
            var start = content.startIndex
            while let found = content.range(of: Data(frame), in: start..<content.endIndex) {
                count += 1
                start = found.upperBound
            }
            return count
        }
    }

    /// Names in a directory of the state.
    func names(_ directory: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(state)/\(directory)")) ?? [])
            .sorted()
    }
}
