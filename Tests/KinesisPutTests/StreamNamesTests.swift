import Identity
import Posix
import Stage
import Testing

@testable import kinesis_put

/// Which stream takes which kind, as `--streams` says it.
struct StreamNamesTests {
    private static func names(_ words: [String]) throws -> [String] {
        try StreamNames(standard: [:], words).byTemplate.map(\.description)
    }

    @Test(arguments: [
        ["*=all", "trade=t", "other=o"], ["trade=t", "other=o", "*=all"],
        ["other=o", "*=all", "trades=t"], ["trade=t", "trade=t", "*=all", "other=o"],
    ])
    func `a star is every kind that no other word names, wherever it is`(words: [String]) throws {
        let names = try Self.names(words)
        for kind in RecordKind.allCases {
            #expect(
                names[Int(kind.rawValue)] == (kind == .trade ? "t" : "all"), "\(words): \(kind)")
        }
        #expect(names[0] == "o")
    }

    @Test(arguments: [["trade=a", "trade=b"], ["*=a", "*=b"], ["trade=a", "trades=b"]])
    func `two streams for one kind are an error, not the last one`(words: [String]) throws {
        let error = try #require(throws: StageFailure.self) { try Self.names(words) }
        #expect(error.exitStatus == .usage && "\(error)".contains("two streams"), "\(error)")
    }
}
