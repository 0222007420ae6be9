import Records
import Foundation
import Identity
import TestSupport
import Testing

/// `ledgerctl` about a bucket, as a user sees it: what manifests, a listing and the objects prove.
struct BucketVerifyTests {
    @Test func `a good bucket is whole, by manifests and by reading, without its state directory`()
        throws
    {
        let bucket = try Bucket()
        try FileManager.default.removeItem(atPath: bucket.run.state)
        for more in [
            [], ["--read"], ["--from", "1", "--to", "300"], ["--from", "50", "--to", "250"],
        ] {
            let outcome = try bucket.verify(more)
            #expect(outcome.status == 0, "\(more): \(outcome.text)\(outcome.errors)")
            #expect(outcome.text.contains("whole"), "\(outcome.text)")
        }
        // A directory with manifests need not be written as a URL.
        let path = try Program.run("ledgerctl", ["verify", bucket.run.data] + Bucket.selection)
        #expect(path.status == 0, "\(path.errors)")
        let beyond = try bucket.verify(["--from", "1", "--to", "301"])
        #expect(beyond.status == 1)
        #expect(beyond.text.contains("missing   301 to 301"), "\(beyond.text)")
    }

    /// What somebody does to a bucket; what `verify` says, and whether only `--read` sees it.
    private struct Damage: Sendable {
        let name: String
        let apply: @Sendable (Bucket) throws -> Void
        let words: [String]
        var onlyByReading = false
    }

    private static let damages: [Damage] = [
        Damage(
            name: "an object deleted", apply: { try $0.remove($0.trades[1]) },
            words: ["missing   101 to 200", "is missing", "1 hole"]),
        Damage(
            name: "an object cut short",
            apply: { try $0.write($0.content($0.trades[0]).dropLast(7), to: $0.trades[0]) },
            words: ["missing   1 to 100", "bytes, not"]),
        Damage(
            name: "a byte changed",
            apply: { bucket in
                var content = try bucket.content(bucket.trades[2])
                content[content.count / 2] ^= 1
                try bucket.write(content, to: bucket.trades[2])
            }, words: ["missing   201 to 300", "has changed since it was stored"],
            onlyByReading: true),
        Damage(
            name: "two objects exchanged",
            apply: { bucket in
                let contents = try bucket.trades.prefix(2).map { try bucket.content($0) }
                let keys = bucket.trades
                try bucket.write(contents[1], to: keys[0])
                try bucket.write(contents[0], to: keys[1])
            }, words: ["1 to 100", "101 to 200", "has changed since it was stored"],
            onlyByReading: true),
        Damage(
            name: "an object added by somebody",
            apply: { bucket in
                let key = bucket.trades[0].replacingOccurrences(of: "0100.sbe", with: "0101.sbe")
                try bucket.write(try bucket.content(bucket.trades[0]), to: key)
            }, words: ["is in no manifest"]),
        Damage(
            name: "a manifest deleted", apply: { try $0.remove($0.manifest(of: $0.trades[1])) },
            words: ["is missing: what it listed is not known"]),
        Damage(
            name: "the last manifests deleted",
            apply: { bucket in
                let first = try bucket.manifest(of: bucket.trades[2])
                for key in bucket.manifests where key >= first { try bucket.remove(key) }
            },
            words: ["is in no manifest"]),
        Damage(
            name: "a manifest damaged",
            apply: { try $0.write($0.content($0.manifests[0]).dropLast(9), to: $0.manifests[0]) },
            words: ["cannot be read"]),
        Damage(
            name: "a manifest that claims more",
            apply: { bucket in
                let key = try bucket.manifest(of: bucket.trades[0])
                let text = String(decoding: try bucket.content(key), as: UTF8.self)
                    .replacingOccurrences(of: "[[1,100]]", with: "[[1,110]]")
                try bucket.write(Data(text.utf8), to: key)
            }, words: ["is not the manifest that the next one continues"]),
        Damage(
            name: "a manifest of a newer version",
            apply: { bucket in
                let key = bucket.manifests[0]
                let text = String(decoding: try bucket.content(key), as: UTF8.self)
                    .replacingOccurrences(of: "{\"format\":1", with: "{\"format\":2")
                try bucket.write(Data(text.utf8), to: key)
            }, words: ["is of a newer version"]),
        Damage(
            name: "a manifest at another's number",
            apply: { try $0.write($0.content($0.manifests[0]), to: $0.manifests[1]) },
            words: ["says that it is manifest 1"]),
        Damage(
            name: "something among the manifests",
            apply: { try $0.write(Data("{}".utf8), to: "_manifests/notes.json") },
            words: ["is among the manifests, and not one of them"]),
        Damage(
            name: "a manifest of no sink",
            apply: {
                try $0.write(Data("{}".utf8), to: "_manifests/0123456789abcdef/000000000001.json")
            }, words: ["cannot be read: format is missing"]),
    ]

    @Test(arguments: damages.indices)
    func `damage has a clear verdict, never whole`(index: Int) throws {
        let damage = Self.damages[index]
        let bucket = try Bucket()
        try damage.apply(bucket)
        let quick = try bucket.verify()
        let read = try bucket.verify(["--read"])
        #expect(read.status == 1, "\(damage.name): \(read.text)\(read.errors)")
        #expect(!read.text.contains("  whole"), "\(damage.name): \(read.text)")
        #expect(quick.status == (damage.onlyByReading ? 0 : 1), "\(damage.name): \(quick.text)")
        for words in damage.words {
            #expect(read.text.contains(words), "\(damage.name): \(read.text)")
        }
        // What has nothing to do with it stays whole, unless a chain is broken. Whether the last
        // manifests list it depends on how fast objects came.
        guard damage.name != "the last manifests deleted" else { return }
        let other = try bucket.verify(["--read"], ["--symbol", "ETHUSDT", "--kind", "trade"])
        let isOfChain = damage.name.contains("manifest")
        #expect(other.status == (isOfChain ? 1 : 0), "\(damage.name): \(other.text)")
    }

    @Test func `a bucket without manifests claims nothing`() throws {
        let bucket = try Bucket()
        try bucket.remove("_manifests")
        let outcome = try bucket.verify()
        #expect(outcome.status == 1)
        #expect(outcome.text.contains("has no manifests"), "\(outcome.text)")
        #expect(outcome.text.contains("no manifest covers it"), "\(outcome.text)")
        let absent = try Program.run("ledgerctl", ["verify", "file:///nonexistent/bucket"])
        #expect(absent.status != 0 && absent.status != 1, "\(absent.status) \(absent.errors)")
    }

    // MARK: - Days

    @Test func `a day is whole when what is before and after it is known`() throws {
        let run = try S3PutRun()
        let day: Int64 = 86_400_000_000
        var records: [UInt8] = []
        // Ten trades a day, every 144 minutes, of which day 3 has none and day 5 lacks two.
        var id: Int64 = 1
        for number in Int64(0)..<8 where number != 3 {
            for place in Int64(0)..<10 {
                if number != 5 || !(4...5).contains(place) {
                    records += try Sample.frame(
                        .trade, id...id, at: Sample.start + number * day + place * day / 10)
                }
                id += 1
            }
        }
        #expect(try run.put(records, ["--object-bytes", "4096"]).status == 0)
        func verify(_ day: String) throws -> Program.Outcome {
            try Program.run(
                "ledgerctl",
                ["verify", "file://" + run.data, "--symbol", "BTCUSDT", "--kind", "trade", "--day"]
                    + [day])
        }
        for (date, words) in [
            ("2024-01-02", "11 to 20"), ("2024-01-03", "21 to 30"), ("2024-01-05", "31 to 40"),
        ] {
            let outcome = try verify(date)
            #expect(outcome.status == 0, "\(date): \(outcome.text)\(outcome.errors)")
            #expect(outcome.text.contains(words), "\(date): \(outcome.text)")
        }
        let quiet = try verify("2024-01-04")
        #expect(quiet.status == 0, "no trades, and no ids missing: \(quiet.text)")
        let holed = try verify("2024-01-06")
        #expect(holed.status == 1)
        #expect(holed.text.contains("missing   45 to 46"), "\(holed.text)")
        #expect(holed.text.contains("no manifest covers these ids"), "\(holed.text)")
        for date in ["2023-12-31", "2024-01-09"] {
            let outcome = try verify(date)
            #expect(outcome.status == 1)
            #expect(outcome.text.contains("unknown"), "\(outcome.text)")
        }
        // The last day that is known ends two hours before midnight.
        let last = try verify("2024-01-08")
        #expect(last.status == 1 && last.text.contains("no manifest covers ids after"))
        let bad = try verify("2024-13-01")
        #expect(bad.status == 64 && bad.errors.contains("is not a day"), "\(bad.errors)")
    }

    @Test func `holes say why, as far as anybody said`() throws {
        let run = try S3PutRun()
        var records = try Sample.trades(1...5) + Sample.trades(9...12, from: Sample.start + 9000)
        records += try Sample.frame(.gap, 6...7, reason: .missed)
        records += try Sample.frame(.gap, 8...8, reason: .notServed)
        #expect(try run.put(records).status == 0)
        let arguments = ["verify", "file://" + run.data, "--symbol", "BTCUSDT", "--kind", "trade"]
        let outcome = try Program.run("ledgerctl", arguments)
        #expect(outcome.status == 1)
        #expect(
            outcome.text.contains("missing   6 to 7") && outcome.text.contains("not filled yet"),
            "\(outcome.text)")
        #expect(
            outcome.text.contains("declared  8 to 8")
                && outcome.text.contains("declared absent (notServed, rest,"), "\(outcome.text)")
        #expect(try run.put(Sample.trades(6...7, from: Sample.start + 6000)).status == 0)
        #expect(try Program.run("ledgerctl", arguments).status == 1)
        let allowed = try Program.run("ledgerctl", arguments + ["--allow-declared"])
        #expect(allowed.status == 0, "\(allowed.text)")
        // Taken out of the ledger: the chain says so with the next object.
        let removed = try Program.run(
            "ledgerctl",
            [
                "remove", run.state, "--symbol", "BTCUSDT", "--kind", "trade", "--from", "2",
                "--to", "3",
            ])
        #expect(removed.status == 0, "\(removed.errors)")
        #expect(try run.put(Sample.trades(13...14, from: Sample.start + 13000)).status == 0)
        let after = try Program.run("ledgerctl", arguments + ["--allow-declared"])
        #expect(after.status == 1)
        #expect(after.text.contains("missing   2 to 3") && after.text.contains("taken out"))
    }

    @Test func `quotes are observed, and nothing is claimed between two of them`() throws {
        let bucket = try Bucket()
        let outcome = try bucket.verify(
            ["--read"], ["--symbol", "BTCUSDT", "--kind", "bestBidAsk"])
        // Three runs of the program are three readings.
        #expect(outcome.text.contains("observed in parts, 30 records in 3 runs"), "\(outcome.text)")
        #expect(outcome.text.contains("nothing is claimed about ids between two records"))
        #expect(outcome.status == 1)
        let one = try bucket.verify(
            ["--from", "10", "--to", "100"], ["--symbol", "BTCUSDT", "--kind", "bestBidAsk"])
        #expect(one.status == 0, "\(one.text)")
        #expect(one.text.contains("observed without interruption"), "\(one.text)")
    }

    // MARK: - The other commands

    @Test func `where names the object of an id, or why none has it`() throws {
        let bucket = try Bucket()
        let found = try Program.run("ledgerctl", ["where", bucket.url, "BTCUSDT", "trade", "150"])
        #expect(found.status == 0, "\(found.errors)")
        #expect(
            found.text.contains(bucket.trades[1]) && found.text.contains("listed in _manifests/"))
        try bucket.remove(bucket.trades[1])
        let lost = try Program.run("ledgerctl", ["where", bucket.url, "BTCUSDT", "trade", "150"])
        #expect(lost.status == 1 && lost.text.contains("is missing"), "\(lost.text)")
        let never = try Program.run("ledgerctl", ["where", bucket.url, "BTCUSDT", "trade", "999"])
        #expect(never.status == 1 && never.text.contains("no manifest covers"))
        let other = try Program.run("ledgerctl", ["where", bucket.url, "BTCUSDT", "tradez", "1"])
        #expect(other.status == 64 && other.errors.contains("is not a kind"))
    }

    @Test func `a rebuilt ledger refuses what the bucket has, and begins a chain of its own`()
        throws
    {
        let bucket = try Bucket()
        try FileManager.default.removeItem(atPath: bucket.run.state)
        let arguments = ["rebuild", bucket.url, "--state-dir", bucket.run.state]
        let rebuilt = try Program.run("ledgerctl", arguments)
        #expect(rebuilt.status == 0, "\(rebuilt.text)\(rebuilt.errors)")
        #expect(rebuilt.text.contains("BTCUSDT trade  300 ids, 0 holes"), "\(rebuilt.text)")
        let outcome = try bucket.run.put(
            Sample.trades(1...300) + Sample.trades(301...310, from: Sample.start + 10_800_000_000))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.errors.contains("10 records in 1 object"), "\(outcome.errors)")
        #expect(outcome.errors.contains("\"refused\":300"), "\(outcome.errors)")
        let whole = try bucket.verify(["--read"])
        #expect(whole.status == 0 && whole.text.contains("1 to 310"), "\(whole.text)")
        let again = try Program.run("ledgerctl", arguments)
        #expect(again.status == 64 && again.errors.contains("exists"), "\(again.errors)")
        // Another destination would not be refused what only this one has.
        let other = try bucket.run.put(
            Sample.trades(1...5), ["--to", "file://\(bucket.run.place.path("other"))"])
        #expect(other.status == 78, "\(other.errors)")
    }

    @Test func `a rebuild leaves out what is gone, and says so`() throws {
        let bucket = try Bucket()
        try bucket.remove(bucket.trades[1])
        let state = bucket.run.place.path("new")
        let rebuilt = try Program.run("ledgerctl", ["rebuild", bucket.url, "--state-dir", state])
        #expect(rebuilt.status == 1, "\(rebuilt.errors)")
        #expect(rebuilt.text.contains("200 ids, 1 hole"), "\(rebuilt.text)")
        let outcome = try bucket.run.put(
            Sample.trades(101...200, from: Sample.start + 3_600_000_000), ["--state-dir", state])
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(try bucket.verify(["--read"]).status == 0)
    }

    @Test func `a report says how many of a million were missed, repaired and declared`() throws {
        let run = try S3PutRun()
        var records: [UInt8] = []
        for id in Int64(1)...1000 where !(301...310).contains(id) && !(500...504).contains(id) {
            var trade = try Sample.frame(.trade, id...id, at: Sample.start + id * 1000)
            // Source: repair (docs/sbe.md).
            if (700...719).contains(id) { trade[Frame.headerLength + 8 + 67] = 4 }
            records += trade
        }
        records += try Sample.frame(.gap, 500...504, reason: .absent)
        for minute in Int64(0)..<10 where minute != 4 {
            records += try Sample.frame(
                .kline, Sample.start + minute * 60_000_000...Sample.start + minute * 60_000_000,
                at: Sample.start + minute * 60_000_000, series: KlineInterval.minute1.code)
        }
        try #require(try run.put(records).status == 0)
        let text = try Program.run("ledgerctl", ["report", "file://" + run.data])
        #expect(text.status == 0, "\(text.errors)")
        for line in [
            "BTCUSDT trade  per million of 1000: 10000 missing, 20000 repaired, 5000 declared\n",
            "BTCUSDT kline 1m  per million of 10: 100000 missing, 0 repaired, 0 declared\n",
        ] { #expect(text.text.contains(line), "\(line)\(text.text)") }
        let page = try Program.run("ledgerctl", ["report", "file://" + run.data, "--html"])
        for cell in ["<th>repaired</th>", ">10000 (10)<", ">20000 (20)<", ">5000 (5)<"] {
            #expect(page.text.contains(cell), "\(cell): \(page.text)")
        }
    }

    @Test func `show and report tell of chains, sequences and days`() throws {
        let bucket = try Bucket()
        let shown = try Program.run("ledgerctl", ["show", bucket.url])
        #expect(shown.status == 0, "\(shown.errors)")
        for words in [
            "chain ", " manifests  9 objects", "BTCUSDT trade  300 ids  1 to 300  0 holes",
            "BTCUSDT bestBidAsk  observed 30 records",
        ] { #expect(shown.text.contains(words), "\(words): \(shown.text)") }
        let text = try Program.run("ledgerctl", ["report", bucket.url] + Bucket.selection)
        #expect(text.status == 0 && text.text.contains("2024-01"), "\(text.text)\(text.errors)")
        let page = try Program.run("ledgerctl", ["report", bucket.url, "--html"])
        #expect(page.status == 0)
        #expect(page.text.hasPrefix("<!doctype html>") && page.text.contains("BTCUSDT trade"))
        #expect(
            !page.text.contains("http://") && !page.text.contains("https://"),
            "nothing from elsewhere")
        let ledger = try Program.run("ledgerctl", ["report", bucket.run.state])
        #expect(ledger.status == 64, "\(ledger.errors)")
    }
}
