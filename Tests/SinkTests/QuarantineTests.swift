import Foundation
import Identity
import Posix
import Records
import Sink
import TestSupport
import Testing

struct QuarantineTests {
    private func lines(_ path: String) -> Int {
        let text = try? String(contentsOfFile: path, encoding: .utf8)
        return text?.split(separator: "\n").count ?? 0
    }

    private func add(_ count: Int, to quarantine: inout Quarantine) throws {
        let bytes = try Sample.frame(.trade, 1...1)
        for _ in 0..<count {
            try quarantine.add(try FrameView(bytes.span.bytes), because: "a \"reason\"")
        }
        try quarantine.flush()
    }

    @Test func `each record is a line with its reason and its frame`() throws {
        let place = try TemporaryDirectory()
        var quarantine = Quarantine(path: place.path("q"))
        try add(3, to: &quarantine)
        #expect(lines(place.path("q")) == 3)
        let line = try #require(
            String(contentsOfFile: place.path("q"), encoding: .utf8).split(separator: "\n").first)
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
        #expect(object?["reason"] == "a \"reason\"")
        let frame = try #require(Data(base64Encoded: object?["frame"] ?? ""))
        #expect(try Array(frame) == Sample.frame(.trade, 1...1))
    }

    @Test func `it is bounded, and counts what has no room`() throws {
        let place = try TemporaryDirectory()
        var quarantine = Quarantine(path: place.path("q"), limit: 2000)
        for _ in 0..<100 { try add(1, to: &quarantine) }
        let kept = lines(place.path("q"))
        #expect(kept > 0 && kept < 100)
        #expect(quarantine.leftOut == Int64(100 - kept))
        #expect(try Data(contentsOf: URL(fileURLWithPath: place.path("q"))).count <= 2000)
    }

    @Test func `a file that was moved away is begun anew`() throws {
        let place = try TemporaryDirectory()
        var quarantine = Quarantine(path: place.path("q"), limit: 2000)
        for _ in 0..<100 { try add(1, to: &quarantine) }
        let before = quarantine.leftOut
        try FileManager.default.moveItem(atPath: place.path("q"), toPath: place.path("q.1"))
        try add(1, to: &quarantine)
        #expect(lines(place.path("q")) == 1)
        #expect(quarantine.leftOut == before)
    }
}
