import Encoding
import Identity
import Ledger

/// Why bytes are not a manifest that this program understands.
public struct ManifestError: Error, Equatable, CustomStringConvertible {
    /// What is wrong, with the place.
    public let description: String
    /// True for a manifest of a newer program.
    public let isNewer: Bool

    init(_ description: String, isNewer: Bool = false) {
        self.description = description
        self.isNewer = isNewer
    }
}

extension Manifest {
    /// Reads a manifest. Members that are not known here are passed over.
    public init(reading bytes: [UInt8]) throws(ManifestError) {
        do {
            var scanner = JSONScanner(bytes.span.bytes)
            self = try Self.read(&scanner)
            try scanner.end()
        } catch let error as ManifestError { throw error } catch {
            throw ManifestError("\(error)")
        }
    }

    private static func read(_ scanner: inout JSONScanner) throws -> Manifest {
        var format: Int64?
        var sink: String?
        var number: Int64?
        var previous: String??
        var time: Int64?
        var tool = ""
        var origin = ""
        var objects: [StoredObject]?
        var removed: [RemovedRange] = []
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "format") {
                let value = try scanner.integer()
                guard value <= Manifest.format else {
                    throw ManifestError(
                        "format \(value) is of a newer version; this one reads \(Manifest.format)",
                        isNewer: true)
                }
                format = value
            } else if scanner.equals(key, "sink") {
                sink = try scanner.text()
            } else if scanner.equals(key, "number") {
                number = try scanner.integer()
            } else if scanner.equals(key, "previous") {
                previous = .some(try scanner.null() ? nil : try scanner.text())
            } else if scanner.equals(key, "time_ns") {
                time = try scanner.integer()
            } else if scanner.equals(key, "tool") {
                tool = try scanner.text()
            } else if scanner.equals(key, "origin") {
                origin = try scanner.text()
            } else if scanner.equals(key, "objects") {
                objects = try list(&scanner) { scanner in try ObjectFields.read(&scanner).object() }
            } else if scanner.equals(key, "removed") {
                removed = try list(&scanner) { scanner in try ObjectFields.read(&scanner).removed()
                }
            } else {
                try scanner.skip()
            }
        }
        guard let format, format >= 1 else { throw ManifestError("format is missing") }
        guard let sink, ManifestKey.isSink(sink) else { throw ManifestError("sink is missing") }
        guard let number, number >= 1 else { throw ManifestError("number is missing") }
        guard let previous, (previous == nil) == (number == 1) else {
            throw ManifestError("previous is missing")
        }
        guard let time, let objects else { throw ManifestError("time_ns or objects is missing") }
        var manifest = Manifest(
            sink: sink, number: number, previous: previous, time: time, tool: tool,
            objects: objects, removed: removed)
        manifest.origin = origin
        return manifest
    }

    fileprivate static func list<Element>(
        _ scanner: inout JSONScanner, _ element: (inout JSONScanner) throws -> Element
    ) throws -> [Element] {
        var elements: [Element] = []
        var place = JSONScanner.Place()
        while try scanner.nextElement(&place) {
            elements.append(try element(&scanner))
        }
        return elements
    }
}

/// The members of an object, a gap or a removed range: they share most.
private struct ObjectFields {
    var key: String?
    var bytes: Int64?
    var sha256: String?
    var records: Int64?
    var exchange: String?
    var kind: String?
    var symbol: String?
    var symbolBytes: String?
    var series: Int64?
    var epoch: Int64?
    var firstTime: Int64?
    var lastTime: Int64?
    var ids: [ClosedRange<Int64>] = []
    var repaired: [ClosedRange<Int64>] = []
    var run: (first: Int64, last: Int64, previous: Int64?)?
    var gaps: [ObservedGap] = []
    var replaces: [String] = []
    var reason = ""
    var source = ""
    var evidence = ""
    var isDeclared = false
    var seen: ClosedRange<Int64>?
    var time: Int64?

    static func read(_ scanner: inout JSONScanner, isGap: Bool = false) throws -> ObjectFields {
        var fields = ObjectFields()
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "key") {
                fields.key = try scanner.text()
            } else if scanner.equals(key, "bytes") {
                fields.bytes = try scanner.integer()
            } else if scanner.equals(key, "sha256") {
                fields.sha256 = try scanner.text()
            } else if scanner.equals(key, "records") {
                fields.records = try scanner.integer()
            } else if scanner.equals(key, "exchange") {
                fields.exchange = try scanner.text()
            } else if scanner.equals(key, "kind") {
                fields.kind = try scanner.text()
            } else if scanner.equals(key, "symbol") {
                fields.symbol = try scanner.text()
            } else if scanner.equals(key, "symbol_hex") {
                fields.symbolBytes = try scanner.text()
            } else if scanner.equals(key, "series") {
                fields.series = try scanner.integer()
            } else if scanner.equals(key, "epoch") {
                fields.epoch = try scanner.integer()
            } else if scanner.equals(key, "first_time") {
                fields.firstTime = try scanner.integer()
            } else if scanner.equals(key, "last_time") {
                fields.lastTime = try scanner.integer()
            } else if scanner.equals(key, "ids") {
                fields.ids = try ranges(&scanner)
            } else if scanner.equals(key, "repaired") {
                fields.repaired = try ranges(&scanner)
            } else if scanner.equals(key, "run") {
                fields.run = try run(&scanner)
            } else if scanner.equals(key, "gaps"), !isGap {
                fields.gaps = try Manifest.list(&scanner) { scanner in
                    try read(&scanner, isGap: true).gap()
                }
            } else if scanner.equals(key, "replaces") {
                fields.replaces = try Manifest.list(&scanner) { scanner in try scanner.text() }
            } else if scanner.equals(key, "reason") {
                fields.reason = try scanner.text()
            } else if scanner.equals(key, "source") {
                fields.source = try scanner.text()
            } else if scanner.equals(key, "evidence") {
                fields.evidence = try scanner.text()
            } else if scanner.equals(key, "declared") {
                fields.isDeclared = try scanner.boolean()
            } else if scanner.equals(key, "seen_ns") {
                fields.seen = try range(&scanner)
            } else if scanner.equals(key, "time_ns") {
                fields.time = try scanner.integer()
            } else {
                try scanner.skip()
            }
        }
        return fields
    }

    private static func range(_ scanner: inout JSONScanner) throws -> ClosedRange<Int64> {
        try scanner.take(UInt8(ascii: "["))
        let first = try scanner.integer()
        try scanner.take(UInt8(ascii: ","))
        let last = try scanner.integer()
        try scanner.take(UInt8(ascii: "]"))
        guard first <= last else { throw ManifestError("a range ends before it starts: \(first)") }
        return first...last
    }

    /// Ascending and apart.
    private static func ranges(_ scanner: inout JSONScanner) throws -> [ClosedRange<Int64>] {
        var last: Int64?
        return try Manifest.list(&scanner) { scanner in
            let next = try range(&scanner)
            if let last, next.lowerBound <= last {
                throw ManifestError("ids are not in order at \(next.lowerBound)")
            }
            last = next.upperBound
            return next
        }
    }

    private static func run(
        _ scanner: inout JSONScanner
    ) throws -> (first: Int64, last: Int64, previous: Int64?) {
        var (first, last, previous): (Int64?, Int64?, Int64?)
        var members = JSONScanner.Place()
        while let key = try scanner.nextKey(&members) {
            if scanner.equals(key, "first") {
                first = try scanner.integer()
            } else if scanner.equals(key, "last") {
                last = try scanner.integer()
            } else if scanner.equals(key, "previous") {
                previous = try scanner.null() ? nil : try scanner.integer()
            } else {
                try scanner.skip()
            }
        }
        guard let first, let last else { throw ManifestError("a run without first or last") }
        return (first, last, previous)
    }

    // MARK: - Made of them

    /// False for a key that could leave the place that it is read from.
    private static func isPlain(_ key: String) -> Bool {
        key.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".."
        } && !key.utf8.contains(0)
    }

    private func sequence() throws(ManifestError) -> SequenceID {
        guard let exchange, let venue = Partition.venue(exchange) else {
            throw ManifestError("exchange is missing")
        }
        guard let kind, let template = RecordKind.template(name: kind) else {
            throw ManifestError("kind is missing")
        }
        guard let series = UInt16(exactly: series ?? 0), let epoch = UInt16(exactly: epoch ?? 1)
        else { throw ManifestError("series or epoch is out of range") }
        let name = symbolBytes.map { SymbolName(hex: $0) } ?? symbol.flatMap { SymbolName($0) }
        guard let name else { throw ManifestError("symbol is missing") }
        return SequenceID(
            venue: venue, template: template, series: series, epoch: epoch, symbol: name)
    }

    func object() throws(ManifestError) -> StoredObject {
        guard let key, Self.isPlain(key) else { throw ManifestError("an object without key") }
        guard let bytes, bytes >= 0, let records, records >= 0, let sha256,
            sha256.utf8.count == 64
        else { throw ManifestError("\(key): bytes, records or sha256 is missing") }
        guard let firstTime, let lastTime, firstTime <= lastTime else {
            throw ManifestError("\(key): first_time or last_time is missing")
        }
        var object = StoredObject(
            key: key, bytes: bytes, sha256: sha256, records: records, sequence: try sequence())
        object.firstTime = firstTime
        object.lastTime = lastTime
        object.ids = ids
        object.repaired = repaired
        object.gaps = gaps
        object.replaces = replaces
        object.run = run.map { run in
            Run(
                first: run.first, last: run.last, firstTime: firstTime, lastTime: lastTime,
                count: records, previous: run.previous)
        }
        return object
    }

    func gap() throws(ManifestError) -> ObservedGap {
        ObservedGap(
            sequence: try sequence(), reason: reason, source: source, isDeclared: isDeclared,
            ids: ids, seen: seen ?? 0...0, evidence: evidence)
    }

    func removed() throws(ManifestError) -> RemovedRange {
        guard let range = ids.first, ids.count == 1 else {
            throw ManifestError("a removed range without ids")
        }
        return RemovedRange(sequence: try sequence(), ids: range, time: time ?? 0)
    }
}
