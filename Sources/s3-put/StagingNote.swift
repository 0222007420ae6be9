import Bronze
import Encoding
import Identity
import Ledger
import Posix
import Sink

/// What a ``NoteFile`` says of a staged object: one `name value…` to a line, `end` last.
enum StagingNote {
    /// Exact ids of one line.
    private static let idsPerLine = 1024

    /// What a note says.
    static func text(of object: StagedObject) -> String {
        let booking = object.booking
        var text = "key \(object.key)\ntype \(object.contentType)\nrecords \(booking.records)\n"
        text += "bytes \(object.bytes)\n"
        if let sha256 = object.sha256 { text += "sha256 \(sha256)\n" }
        text += "sequence \(words(booking.sequence))\n"
        for range in booking.held { text += "held \(range.lowerBound) \(range.upperBound)\n" }
        if let time = booking.newestTime { text += "time \(time)\n" }
        if let times = booking.times { text += "times \(times.lowerBound) \(times.upperBound)\n" }
        for range in booking.repaired {
            text += "repaired \(range.lowerBound) \(range.upperBound)\n"
        }
        for gap in booking.gaps {
            for range in gap.ids {
                text +=
                    "gap \(range.lowerBound) \(range.upperBound) \(gap.seen.lowerBound) "
                    + "\(gap.seen.upperBound) \(gap.reason) \(gap.source) "
                    + "\(gap.isDeclared ? 1 : 0) \(words(gap.sequence))"
                // Any text may be in it: it is written in hexadecimal.
                if !gap.evidence.isEmpty { text += " \(Hex.text(Array(gap.evidence.utf8)))" }
                text += "\n"
            }
        }
        if let run = booking.run {
            text += "run \(run.first) \(run.last) \(run.firstTime) \(run.lastTime) \(run.count)"
            text += run.previous.map { " \($0)\n" } ?? "\n"
        }
        let exact = booking.bookedExact
        var start = 0
        while start < exact.count {
            let part = exact[start..<min(start + idsPerLine, exact.count)]
            text += "exact" + part.map { " \($0)" }.joined() + "\n"
            start += part.count
        }
        for entry in booking.declared {
            for range in entry.ranges {
                text +=
                    "declared \(range.lowerBound) \(range.upperBound) \(words(entry.sequence))\n"
            }
        }
        if let progress = booking.progress {
            text +=
                "spool \(progress.spool) \(progress.bucket) \(progress.from) \(progress.through)\n"
        }
        return text + "end\n"
    }

    /// Where the note that bytes begin with ends; nil without an end.
    static func end(of bytes: ArraySlice<UInt8>) -> Int? {
        var line = bytes.startIndex
        while let end = bytes[line...].firstIndex(of: UInt8(ascii: "\n")) {
            if bytes[line..<end].elementsEqual("end".utf8) { return end + 1 }
            line = end + 1
        }
        return nil
    }

    /// Reads what a note says; nil when it is not whole.
    static func object(_ bytes: ArraySlice<UInt8>, stagedPath: String) -> StagedObject? {
        var key = ""
        var type = ""
        var booking: Booking?
        var records: Int64 = 0
        var length: Int64 = 0
        var sha256: String?
        var declared: [SequenceID: [ClosedRange<Int64>]] = [:]
        var isWhole = false
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            let name = words[0]
            let numbers = words.dropFirst().map { Int64($0) }
            let values = numbers.compactMap { $0 }
            switch name {
            case "key" where words.count == 2: key = words[1]
            case "type" where words.count == 2: type = words[1]
            case "end": isWhole = true
            case "sha256" where words.count == 2: sha256 = words[1]
            case "gap":
                guard let gap = gap(words) else { return nil }
                booking?.add(gap)
            case "sequence":
                guard let sequence = sequence(words.dropFirst()) else { return nil }
                booking = Booking(sequence: sequence)
            case "declared":
                guard words.count > 3, let range = range(words[1], words[2]),
                    let sequence = sequence(words.dropFirst(3))
                else { return nil }
                declared[sequence, default: []].append(range)
            case "spool" where words.count == 5:
                guard let spool = UInt64(words[1]), let bucket = Int64(words[2]),
                    let range = range(words[3], words[4])
                else { return nil }
                booking?.progress = Booking.Progress(
                    spool: spool, bucket: bucket, from: range.lowerBound, through: range.upperBound)
            default:
                guard values.count == words.count - 1, let first = values.first else { return nil }
                switch (name, values.count) {
                case ("records", 1): records = first
                case ("bytes", 1): length = first
                case ("times", 2) where first <= values[1]: booking?.times = first...values[1]
                case ("repaired", 2) where first <= values[1]:
                    booking?.repaired.append(first...values[1])
                case ("time", 1): booking?.newestTime = first
                case ("held", 2) where first <= values[1]: booking?.held.append(first...values[1])
                case ("run", 5...6):
                    booking?.run = Run(
                        first: first, last: values[1], firstTime: values[2], lastTime: values[3],
                        count: values[4], previous: values.count == 6 ? values[5] : nil)
                case ("exact", _): for id in values { booking?.exact.insert(id) }
                default: return nil
                }
            }
        }
        guard isWhole, !key.isEmpty, var booking else { return nil }
        booking.records = records
        booking.declared = declared.map { Booking.Declared(sequence: $0.key, ranges: $0.value) }
            .sorted { $0.sequence < $1.sequence }
        var object = StagedObject(
            key: key, contentType: type, stagedPath: stagedPath, booking: booking)
        object.bytes = length
        object.sha256 = sha256
        return object
    }

    private static func gap(_ words: [String]) -> ObservedGap? {
        guard words.count == 13 || words.count == 14, let ids = range(words[1], words[2]),
            let seen = range(words[3], words[4]), let sequence = sequence(words[8..<13])
        else { return nil }
        var evidence = ""
        if words.count == 14 {
            guard let bytes = Hex.bytes(words[13]) else { return nil }
            evidence = String(decoding: bytes, as: UTF8.self)
        }
        return ObservedGap(
            sequence: sequence, reason: words[5], source: words[6], isDeclared: words[7] == "1",
            ids: [ids], seen: seen, evidence: evidence)
    }

    private static func range(_ first: String, _ last: String) -> ClosedRange<Int64>? {
        guard let first = Int64(first), let last = Int64(last), first <= last else { return nil }
        return first...last
    }

    /// A symbol may hold any byte: it is written in hexadecimal.
    private static func words(_ sequence: SequenceID) -> String {
        let symbol = Hex.text(withUnsafeBytes(of: sequence.symbol.words) { Array($0) })
        return
            "\(sequence.venue) \(sequence.template) \(sequence.series) \(sequence.epoch) \(symbol)"
    }

    private static func sequence(_ words: ArraySlice<String>) -> SequenceID? {
        let words = Array(words)
        guard words.count == 5, let venue = UInt8(words[0]), let template = UInt16(words[1]),
            let series = UInt16(words[2]), let epoch = UInt16(words[3]),
            let symbol = SymbolName(hex: words[4])
        else { return nil }
        return SequenceID(
            venue: venue, template: template, series: series, epoch: epoch, symbol: symbol)
    }
}

extension Booking {
    /// Adds ids to the last gap when they are of the same reason.
    fileprivate mutating func add(_ gap: ObservedGap) {
        if let last = gaps.indices.last, gaps[last].isLike(gap) {
            gaps[last].ids += gap.ids
        } else {
            gaps.append(gap)
        }
    }
}

extension ObservedGap {
    /// True for ids of the same reason.
    fileprivate func isLike(_ other: ObservedGap) -> Bool {
        sequence == other.sequence && reason == other.reason && source == other.source
            && isDeclared == other.isDeclared && seen == other.seen && evidence == other.evidence
    }
}
