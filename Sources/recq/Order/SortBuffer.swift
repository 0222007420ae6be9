import Glibc
import ObjectReading
import Posix
import Records
import Stage

/// Puts any number of frames in order within a bounded amount of memory: ordered runs go to a
/// temporary file each and are merged at the end.
struct SortBuffer: ~Copyable {
    private struct Entry {
        var key: OrderKey
        var place: Int
        var length: Int
    }

    private let order: RecordOrder
    private let limit: Int
    private let directory: String
    private var bytes: Bytes
    private var entries: [Entry] = []
    /// Runs that are on disk: files without a name, which go with the process.
    private var runs: [RunInput] = []

    /// - Parameter limit: bytes of frames and their keys in memory.
    init(_ order: RecordOrder, limit: Int, directory: String) {
        self.order = order
        self.limit = limit
        self.directory = directory
        bytes = Bytes(capacity: 1 << 20)
    }

    /// Takes a frame.
    mutating func append(_ frame: borrowing FrameView) throws {
        let need = frame.bytes.byteCount + MemoryLayout<Entry>.stride
        if !entries.isEmpty,
            bytes.count + entries.count * MemoryLayout<Entry>.stride + need > limit
        {
            try spill()
        }
        entries.append(
            Entry(
                key: OrderKey(frame, order), place: bytes.count, length: frame.bytes.byteCount))
        bytes.append(frame.bytes)
    }

    /// Gives all frames in order to `body`.
    consuming func drain(_ body: (borrowing FrameView) throws -> Void) throws {
        guard !runs.isEmpty else {
            Self.order(&entries)
            for entry in entries {
                try body(
                    try FrameView(bytes.span(entry.place..<(entry.place + entry.length))))
            }
            return
        }
        try spill()
        bytes = Bytes(capacity: 1)
        var merged = MergedFrames(order) { _ in }
        for run in runs { try merged.add(FrameStream(run)) }
        while try merged.take(body) != nil {}
    }

    /// Equal keys keep the order in which they came.
    private static func order(_ entries: inout [Entry]) {
        entries.sort { $0.key < $1.key || !($1.key < $0.key) && $0.place < $1.place }
    }

    private mutating func spill() throws {
        guard !entries.isEmpty else { return }
        Self.order(&entries)
        let run = try RunInput(directory)
        var batch = Bytes(capacity: 1 << 20)
        for entry in entries {
            batch.append(bytes.span(entry.place..<(entry.place + entry.length)))
            if batch.count >= 1 << 20 {
                try run.write(batch.span)
                batch.removeAll()
            }
        }
        try run.write(batch.span)
        runs.append(run)
        entries.removeAll(keepingCapacity: true)
        bytes.removeAll()
    }
}

/// A run of frames in a temporary file.
final class RunInput: ObjectInput {
    let name: String
    var length: Int64? { written }
    private let file: Descriptor
    private var written: Int64 = 0

    /// Makes a file that has no name and goes with its descriptor.
    init(_ directory: String) throws {
        var template = Array("\(directory)/recq-sort-XXXXXX".utf8CString)
        let raw = mkstemp(&template)
        guard raw >= 0 else { throw SystemError("create a temporary file in", directory) }
        _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
        unlink(template)
        name = "a temporary file in \(directory)"
        file = Descriptor(adopting: raw, name: name)
    }

    func write(_ bytes: RawSpan) throws(SystemError) {
        try file.write(bytes, at: written)
        written += Int64(bytes.byteCount)
    }

    func read(
        at offset: Int64, count: Int, appendingTo bytes: inout Bytes
    ) throws -> Int {
        try bytes.append(room: count) { (room) throws(SystemError) in
            while true {
                let read = pread(
                    file.raw, room.baseAddress, min(room.count, count), off_t(offset))
                if read >= 0 { return read }
                if errno != EINTR { throw SystemError("read", name) }
            }
        }
    }
}
