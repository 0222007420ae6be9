import Foundation
import Identity
import Records
import TestSupport
import Testing

/// The chain of manifests beside the objects.
struct ManifestTests {
    /// The manifests of a destination, as a stranger reads them: by chain, in order.
    private static func chains(_ run: S3PutRun) throws -> [String: [(
        bytes: Data, json: [String: Any]
    )]] {
        var chains: [String: [(bytes: Data, json: [String: Any])]] = [:]
        let files = FileManager.default.enumerator(atPath: run.data + "/_manifests")
        let names = (files?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".json") }
        for name in names.sorted() {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(run.data)/_manifests/\(name)"))
            let json = try #require(JSONSerialization.jsonObject(with: bytes) as? [String: Any])
            let sink = String(name.split(separator: "/")[0])
            #expect(json["sink"] as? String == sink)
            chains[sink, default: []].append((bytes, json))
        }
        return chains
    }

    private static func sha256(_ bytes: Data) throws -> String {
        let outcome = try Program.run("/usr/bin/sha256sum", [], input: [UInt8](bytes))
        return String(outcome.text.prefix(64))
    }

    @Test func `each object is in the chain once, with its length and hash`() throws {
        let run = try S3PutRun()
        var more = ["--object-bytes", "4096"]
        for start in [Int64(1), 201, 401] {
            let records =
                try Sample.trades(start...(start + 199))
                + Sample.trades(start...(start + 9), symbol: "ETHUSDT")
            let outcome = try run.put(records, more)
            #expect(outcome.status == 0, "\(outcome.errors)")
            more = []
        }
        let chains = try Self.chains(run)
        #expect(chains.count == 1)
        var previous: String?
        var listed: [String: [String: Any]] = [:]
        for (index, manifest) in (chains.first?.value ?? []).enumerated() {
            #expect((manifest.json["number"] as? Int) == index + 1)
            #expect((manifest.json["previous"] as? String) == previous)
            previous = try Self.sha256(manifest.bytes)
            for object in try #require(manifest.json["objects"] as? [[String: Any]]) {
                let key = try #require(object["key"] as? String)
                #expect(listed.updateValue(object, forKey: key) == nil, "\(key) is listed twice")
            }
        }
        #expect(listed.keys.sorted() == run.keys)
        for (key, object) in listed {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(run.data)/\(key)"))
            #expect(object["bytes"] as? Int == bytes.count)
            #expect(object["sha256"] as? String == (try Self.sha256(bytes)))
        }
        let ids = listed.values.filter { $0["symbol"] as? String == "BTCUSDT" }
            .flatMap { $0["ids"] as? [[Int]] ?? [] }.sorted { $0[0] < $1[0] }
        #expect(ids.first?[0] == 1 && ids.last?[1] == 600)
        #expect(zip(ids, ids.dropFirst()).allSatisfy { $0[1] + 1 == $1[0] }, "\(ids)")
    }

    @Test func `a manifest tells gaps with their reason, repaired ids and runs`() throws {
        let run = try S3PutRun()
        var records = try Sample.trades(1...5)
        records += try Sample.frame(.gap, 6...8, reason: .missed)
        records += try Sample.frame(.gap, 20...29, missing: .aggTrade, reason: .notServed)
        var repaired = try Sample.frame(.trade, 9...9)
        repaired[Frame.headerLength + 8 + 67] = 4  // source: repair (docs/sbe.md)
        records += repaired
        for id in [Int64(100), 103, 110] { records += try Sample.frame(.bestBidAsk, id...id) }
        let outcome = try run.put(records)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let objects = try Self.chains(run).values.flatMap { $0 }
            .flatMap { $0.json["objects"] as? [[String: Any]] ?? [] }
        func object(_ kind: String) throws -> [String: Any] {
            try #require(objects.first { $0["kind"] as? String == kind }, "\(kind)")
        }
        #expect(try object("trade")["ids"] as? [[Int]] == [[1, 5], [9, 9]])
        #expect(try object("trade")["repaired"] as? [[Int]] == [[9, 9]])
        let gaps = try #require(object("gap")["gaps"] as? [[String: Any]])
        #expect(gaps.count == 2)
        let missed = try #require(gaps.first { $0["kind"] as? String == "trade" })
        #expect(missed["reason"] as? String == "missed" && missed["declared"] as? Bool == false)
        #expect(missed["ids"] as? [[Int]] == [[6, 8]])
        let absent = try #require(gaps.first { $0["kind"] as? String == "aggTrade" })
        #expect(absent["reason"] as? String == "notServed" && absent["declared"] as? Bool == true)
        #expect(absent["source"] as? String == "rest")
        let quotes = try #require(object("bestBidAsk")["run"] as? [String: Any])
        #expect(quotes["first"] as? Int == 100 && quotes["last"] as? Int == 110)
        #expect(try object("bestBidAsk")["records"] as? Int == 3)
    }

    @Test func `two copies of a state directory: the second ends with 78 and stores no manifest`()
        throws
    {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...10)).status == 0)
        let copy = run.place.path("copy")
        try FileManager.default.copyItem(atPath: run.state, toPath: copy)
        #expect(try run.put(Sample.trades(11...20)).status == 0)
        let before = try Self.chains(run).mapValues { $0.map(\.bytes) }
        for _ in 0..<2 {
            let outcome = try run.put(Sample.trades(31...40), ["--state-dir", copy])
            #expect(outcome.status == 78)
            for words in ["continues the chain of manifests", "000000000002.json", "rebuild"] {
                #expect(outcome.errors.contains(words), "\(outcome.errors)")
            }
        }
        #expect(try Self.chains(run).mapValues { $0.map(\.bytes) } == before)
        // The first one goes on.
        let last = try run.put(Sample.trades(21...30))
        #expect(last.status == 0, "\(last.errors)")
    }

    /// Stored there, and killed before the state knew: the same bytes are stored again.
    @Test func `a manifest that is stored already is not written a second time`() throws {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...10)).status == 0)
        let before = run.place.path("before")
        try FileManager.default.copyItem(atPath: run.state, toPath: before)
        #expect(try run.put(Sample.trades(11...20)).status == 0)
        let manifests = try Self.chains(run).mapValues { $0.map(\.bytes) }
        // The state as it was while the second manifest was on its way.
        let second = try #require(manifests.values.first?.last)
        try second.write(to: URL(fileURLWithPath: before + "/manifest"))
        try FileManager.default.removeItem(atPath: run.state)
        try FileManager.default.moveItem(atPath: before, toPath: run.state)
        let outcome = try run.put(Sample.trades(21...30))
        #expect(outcome.status == 0, "\(outcome.errors)")
        let after = try Self.chains(run).mapValues { $0.map(\.bytes) }
        #expect(after.values.first.map { Array($0.prefix(2)) } == manifests.values.first)
        #expect(after.values.first?.count == 3)
        #expect(!FileManager.default.fileExists(atPath: run.state + "/manifest"))
    }

    @Test func `a chain file that is damaged is named, with what to do`() throws {
        let run = try S3PutRun()
        #expect(try run.put(Sample.trades(1...10)).status == 0)
        try Data("sink x\n".utf8).write(to: URL(fileURLWithPath: run.state + "/chain"))
        let outcome = try run.put(Sample.trades(11...20))
        #expect(outcome.status == 74)
        #expect(outcome.errors.contains("Remove it to begin a new chain"), "\(outcome.errors)")
        try FileManager.default.removeItem(atPath: run.state + "/chain")
        #expect(try run.put(Sample.trades(11...20)).status == 0)
        #expect(try Self.chains(run).count == 2)
    }
}
