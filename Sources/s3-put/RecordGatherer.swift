import Glibc
import Posix
import Spool
import Stage

/// Reads the records of sealed objects from the spool's files, which have them in the order in which
/// they came: in one pass over the files for a whole batch.
struct RecordGatherer: ~Copyable {
    /// A part of a file that is looked at as memory.
    private static let windowLength: Int64 = 1 << 20
    /// Runs of at least that many bytes are read by themselves.
    private static let longRun: Int64 = 16 << 10

    private var segment: UInt64 = 0
    private var file: Descriptor?
    private var headerLength: Int64 = 0

    init() {}

    /// Appends the records of some objects, those of one behind those of the other.
    ///
    /// - Returns: where the records of each begin and end in `records`.
    mutating func gather(
        _ batch: SealedBatch, to records: inout Bytes
    ) throws -> [Range<Int>] {
        defer { close() }
        let base = records.count
        var cursors: [SpoolPlaces.Cursor] = []
        var ranges: [Range<Int>] = []
        var places: [Int] = []
        var length = 0
        for object in batch.objects {
            cursors.append(SpoolPlaces.Cursor(object.places))
            ranges.append((base + length)..<(base + length + Int(object.bytes)))
            places.append(length)
            length += Int(object.bytes)
        }
        try records.append(room: length) { room in
            let target = UnsafeMutableRawBufferPointer(rebasing: room[..<length])
            while let start = cursors.lazy.compactMap({ $0.run?.start }).min() {
                try copyWindow(from: start, batch, &cursors, &places, into: target)
            }
            return length
        }
        return ranges
    }

    /// Appends records of one object from a cursor on, whole runs of about that many bytes. Whoever has
    /// all of them closes the file.
    mutating func gather(
        _ cursor: inout SpoolPlaces.Cursor, of batch: SealedBatch, atLeast bytes: Int,
        to records: inout Bytes
    ) throws {
        let start = records.count
        while let run = cursor.run, records.count - start < bytes {
            if run.length < Self.longRun, !isUnspooled(run.start, batch) {
                try appendWindow(&cursor, of: batch, to: &records)
                continue
            }
            let room = Int(run.length)
            try records.append(room: room) { space in
                try read(run, batch, into: UnsafeMutableRawBufferPointer(rebasing: space[..<room]))
                return room
            }
            cursor.next()
        }
    }

    /// Appends the short runs that are whole in one window: a call of the system for each would be most
    /// of the work where sequences take turns.
    private mutating func appendWindow(
        _ cursor: inout SpoolPlaces.Cursor, of batch: SealedBatch, to records: inout Bytes
    ) throws {
        guard let first = cursor.run else { return }
        let end = first.start + Self.windowLength
        let window = try map(from: first.start, batch)
        while let run = cursor.run, run.length < Self.longRun, run.start + run.length <= end,
            !isUnspooled(run.start, batch)
        {
            guard let bytes = window?.bytes(of: run) else {
                throw StageFailure(.bug, "the spool is shorter than what it took")
            }
            records.append(bytes)
            cursor.next()
        }
    }

    // MARK: - Copying

    private mutating func copyWindow(
        from start: Int64, _ batch: SealedBatch, _ cursors: inout [SpoolPlaces.Cursor],
        _ places: inout [Int], into target: UnsafeMutableRawBufferPointer
    ) throws {
        let end = start + Self.windowLength
        var window: Window?
        for index in cursors.indices {
            while let run = cursors[index].run, run.start < end {
                let length = min(run.length, end - run.start)
                let place = places[index]
                let space = UnsafeMutableRawBufferPointer(
                    rebasing: target[place..<(place + Int(length))])
                let piece = SpoolPlaces.Run(start: run.start, length: length)
                if length >= Self.longRun || isUnspooled(run.start, batch) {
                    try read(piece, batch, into: space)
                } else {
                    if window == nil { window = try map(from: start, batch) }
                    guard let bytes = window?.bytes(of: piece) else {
                        throw StageFailure(.bug, "the spool is shorter than what it took")
                    }
                    space.copyMemory(from: bytes)
                }
                places[index] += Int(length)
                cursors[index].advance(length)
            }
        }
    }

    private func isUnspooled(_ start: Int64, _ batch: SealedBatch) -> Bool {
        batch.unspooled.map { start >= $0.start } ?? false
    }

    private mutating func read(
        _ run: SpoolPlaces.Run, _ batch: SealedBatch, into space: UnsafeMutableRawBufferPointer
    ) throws {
        if let unspooled = batch.unspooled, run.start >= unspooled.start {
            let offset = Int(run.start - unspooled.start)
            guard offset + space.count <= unspooled.records.count else {
                throw StageFailure(.bug, "records that are in memory only are not there")
            }
            unspooled.records.withUnsafeBytes { bytes in
                space.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + space.count)]))
            }
            return
        }
        try open(UInt64(bitPattern: run.start) >> 32, batch)
        let offset = (run.start & 0xFFFF_FFFF) + headerLength
        switch file {
        case .some(let file): try file.read(at: offset, into: space)
        case nil: break
        }
    }

    /// A file that is deleted takes its room while a process has it open.
    mutating func close() { file = nil }

    private mutating func open(_ segment: UInt64, _ batch: SealedBatch) throws {
        guard segment != self.segment || file == nil else { return }
        guard let own = batch.files[segment] else {
            throw StageFailure(.bug, "segment \(segment) of the spool is gone before its records")
        }
        file = try Descriptor.open(own.path, O_RDONLY)
        headerLength = own.headerLength
        self.segment = segment
    }

    /// A window has runs of one segment: places of the next one are far away.
    private mutating func map(from start: Int64, _ batch: SealedBatch) throws -> Window? {
        try open(UInt64(bitPattern: start) >> 32, batch)
        switch file {
        case .some(let file):
            return try Window(
                file, offset: (start & 0xFFFF_FFFF) + headerLength, length: Self.windowLength,
                headerLength)
        case nil: return nil
        }
    }
}

/// A part of a spool's file as memory.
private final class Window {
    private let base: UnsafeMutableRawPointer
    private let length: Int
    /// The byte of the file that the memory begins with.
    private let offset: Int64
    private let headerLength: Int64

    init(
        _ file: borrowing Descriptor, offset: Int64, length: Int64,
        _ headerLength: Int64
    ) throws(SystemError) {
        let page = Int64(getpagesize())
        self.offset = offset / page * page
        let size = Int64(try file.status().st_size)
        self.length = Int(min(offset + length, size) - self.offset)
        guard self.length > 0 else { throw SystemError("map", file.name, code: EINVAL) }
        let memory = mmap(
            nil, self.length, PROT_READ, MAP_SHARED | MAP_POPULATE, file.raw, Int(self.offset))
        guard let memory, memory != MAP_FAILED else { throw SystemError("map", file.name) }
        base = memory
        self.headerLength = headerLength
    }

    deinit { munmap(base, length) }

    /// The bytes of records; nil when they are not in the window.
    func bytes(of run: SpoolPlaces.Run) -> UnsafeRawBufferPointer? {
        let start = (run.start & 0xFFFF_FFFF) + headerLength - offset
        guard start >= 0, start + run.length <= Int64(length) else { return nil }
        return UnsafeRawBufferPointer(start: base + Int(start), count: Int(run.length))
    }
}
