import Foundation
import Posix
import Testing

/// What a process gives back.
struct ResidentMemoryTests {
    @Test func `pages of startup go, and all that was written stays`() throws {
        let before = try Self.residentFilePages()
        let kept = (0..<1000).map { "text \($0) that needs the heap" }
        ResidentMemory.dropStartupPages()
        let after = try Self.residentFilePages()
        #expect(after < before)
        // Runs through code, tables of relocated pointers and metadata again.
        #expect(kept.enumerated().allSatisfy { $1 == "text \($0) that needs the heap" })
        #expect(String(describing: kept.last as Any).hasPrefix("Optional("))
        #expect(throws: SystemError.self) { try Files.read("/nowhere", limit: 1) }
    }

    /// Kilobytes of files that are mapped and in memory.
    private static func residentFilePages() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) })
    }
}
