import Glibc
import Journal
import Posix

/// Finds out what is in the directory of a spool.
struct SpoolRecovery {
    let directory: String
    let keeper: DamageKeeper

    struct Outcome {
        var segments: [Segment] = []
        /// The highest number of a file that is there.
        var lastNumber: UInt64 = 0
        var tornBytes: Int64 = 0
        var damages: [Damage] = []
        /// True when the last segment goes on; else a new one follows it.
        var mayAppend = false
    }

    /// What copies of a spool's bytes are called after.
    static func keptName(_ directory: String) -> String {
        directory.split(separator: "/").last.map(String.init) ?? "spool"
    }

    /// The random number of a spool, which its directory keeps for as long as it has segments.
    static func identity(_ directory: String, isNew: Bool) throws(SystemError) -> UInt64 {
        let path = directory + "/id"
        if !isNew, try Files.status(path) != nil {
            let text = try Files.read(path, limit: 64)
            if text.count == 17,
                let id = UInt64(String(decoding: text.dropLast(), as: UTF8.self), radix: 16)
            {
                return id
            }
        }
        let id = UInt64.random(in: 1...(.max))
        let digits = String(id, radix: 16)
        let text = String(repeating: "0", count: 16 - digits.count) + digits + "\n"
        do throws(SystemError) { try Files.replace(path, with: Array(text.utf8)) } catch {
            // Without room the spool has a number that no restart knows: nothing is proven by it then.
            guard error.isNoRoom else { throw error }
            try? Files.remove(path)
        }
        return id
    }

    func run() throws(SystemError) -> Outcome {
        var outcome = Outcome()
        let numbers = try Files.list(directory).compactMap(Segment.number)
        outcome.lastNumber = numbers.last ?? 0
        for number in numbers {
            try take(number, isLast: number == numbers.last, into: &outcome)
        }
        return outcome
    }

    /// Takes a segment's file in: what of it can be read stays, what cannot is kept apart.
    private func take(
        _ number: UInt64, isLast: Bool, into outcome: inout Outcome
    ) throws(SystemError) {
        let path = "\(directory)/\(Segment.name(number))"
        var found = try examine(number, path, isLast: isLast)
        let name = "\(Self.keptName(directory))-\(number)"
        for range in found.wrong {
            // The first format does not say what was synced: what a crash cuts short is its end.
            let isEnd = isLast && range.upperBound == found.segment.length
            let isTail =
                found.segment.format == .unguarded
                ? isEnd : range.lowerBound >= found.segment.synced
            let damage = keeper.keep(range, of: path, as: name, isUnsyncedTail: isTail)
            if isTail { outcome.tornBytes += damage.length }
            if !isTail || damage.copy != nil { outcome.damages.append(damage) }
            if isEnd, damage.isKept, range.lowerBound >= found.segment.start {
                try cut(&found.segment, to: range.lowerBound)
            } else {
                found.segment.wrong[range.lowerBound] = damage.isKept
                found.mayAppend = found.mayAppend && !isEnd
            }
        }
        if found.entries == 0, !found.segment.hasUnkeptBytes {
            // Nothing of it waits; what was wrong with it is kept.
            return try Files.remove(path)
        }
        outcome.mayAppend = isLast && found.mayAppend
        outcome.segments.append(found.segment)
    }

    private func cut(_ segment: inout Segment, to length: Int64) throws(SystemError) {
        let file = try Descriptor.open(segment.path, O_WRONLY)
        try file.truncate(to: length)
        try file.sync()
        segment.length = length
        segment.synced = min(segment.synced, length)
    }

    private struct Finding {
        var segment: Segment
        var entries = 0
        /// Runs of bytes that are no entries, in order.
        var wrong: [Range<Int64>] = []
        var mayAppend = false
    }

    private func examine(
        _ number: UInt64, _ path: String, isLast: Bool
    ) throws(SystemError) -> Finding {
        let file = try Descriptor.open(path, O_RDONLY)
        let length = Int64(try file.status().st_size)
        // Of all but the last everything was synced before the next one was made.
        var segment = Segment(
            number: number, path: path, format: .guarded(file: number), length: length,
            synced: length)
        var mark = SyncedMark()
        switch try mark.read(file, magic: Segment.magic) {
        case .synced(let synced):
            if isLast { segment.synced = min(synced, length) }
            return try scan(segment, mayAppend: true)
        case .unwritten:
            if isLast { segment.synced = 0 }
            return try scan(segment, header: 0..<min(segment.start, length))
        case .unknown:
            var old = segment
            old.format = .unguarded
            let isOld = try Self.begins(file, with: Segment.oldMagic)
            let found = try scan(isOld ? old : segment, header: isOld ? 0..<0 : 0..<segment.start)
            if isOld || found.entries > 0 { return found }
            // The header of the first format may be what is damaged.
            let other = try scan(old, header: 0..<min(old.start, length))
            return other.entries > 0 ? other : found
        }
    }

    /// - Parameter header: bytes of it that are wrong.
    private func scan(
        _ segment: Segment, header: Range<Int64> = 0..<0, mayAppend: Bool = false
    ) throws(SystemError) -> Finding {
        var found = Finding(segment: segment, mayAppend: mayAppend)
        let header = header.clamped(to: 0..<segment.length)
        if !header.isEmpty { found.wrong.append(header) }
        guard segment.length > segment.start else { return found }
        do {
            _ = try segment.read(from: segment.start) { _, _ in
                found.entries += 1
            } wrong: { range in
                found.wrong.append(range)
            }
        } catch let error as SystemError { throw error } catch {
            preconditionFailure("reading a segment throws only what the system says: \(error)")
        }
        return found
    }

    private static func begins(
        _ file: borrowing Descriptor, with magic: StaticString
    ) throws(SystemError) -> Bool {
        var bytes = Bytes(capacity: 64)
        try file.seek(to: 0)
        while bytes.count < 8 {
            if try file.read(appendingTo: &bytes, room: 8 - bytes.count) == 0 { return false }
        }
        bytes.truncate(to: 8)
        return bytes.array == Array("\(magic)".utf8)
    }
}
