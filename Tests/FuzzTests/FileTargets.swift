import Glibc
@testable import Ledger
import Posix
@testable import Spool
@testable import Stats

/// Files that a crash, a disk or another program may have changed.
let fileTargets = [
    FuzzTarget(name: "ledger", seeds: [FileSamples.ledger]) { openLedger($0) },
    FuzzTarget(name: "ledger-batch", seeds: [FileSamples.batch]) { input in
        guard !input.isEmpty else { return }
        openLedger(FileSamples.ledger(withBatch: input))
    },
    FuzzTarget(
        name: "stats",
        // Words of the header, of the table of figures and of their slots.
        seeds: [[]]
            + [32, 48, 56, 72, 224, 4096, 8192, 126_976, 126_984].map { (place: Int) -> [UInt8] in
                (0..<4).map { UInt8(truncatingIfNeeded: place >> (24 - 8 * $0)) }
                    + [UInt8](repeating: 0xFF, count: 7) + [0x7F]
            }
    ) { input in
        let directory = ScratchDirectory()
        directory.write(FileSamples.stats(changedBy: input), "dedup.a.stats")
        _ = try? StatsSnapshot(path: directory.path + "/dedup.a.stats")
    },
    FuzzTarget(name: "spool", seeds: [FileSamples.segment]) { input in
        let directory = ScratchDirectory()
        mkdir(directory.path + "/spool", 0o700)
        directory.write(input, "spool/00000000000000000001.spool")
        guard var spool = try? Spool(directory: directory.path + "/spool") else { return }
        // What can be read can be read in pieces, to the end.
        var position = spool.first
        let end = spool.next
        while position < end {
            guard let next = try? spool.read(from: position, atLeast: 100, { _, _ in }) else {
                return
            }
            if next <= position { broken("reading a spool does not go on at \(position)") }
            position = next
        }
    },
]

private func openLedger(_ input: [UInt8]) {
    let directory = ScratchDirectory()
    let path = directory.path + "/ledger"
    directory.write(input, "ledger")
    _ = try? Ledger(reading: path)
    _ = try? Ledger(writing: path)
    // What opening for writing left must open again.
    do { _ = try Ledger(reading: path) } catch {
        if directory.read("ledger") != input {
            broken("a ledger that was opened for writing does not open again: \(error)")
        }
    }
}

/// A directory in memory for one input, removed at its end.
struct ScratchDirectory: ~Copyable {
    let path: String

    init() {
        var template = Array("/dev/shm/fuzz-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { broken("cannot make a directory in /dev/shm") }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        guard let directory = opendir(path) else { return }
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name != ".", name != ".." else { continue }
            if unlink("\(path)/\(name)") != 0 { remove("\(path)/\(name)") }
        }
        closedir(directory)
        rmdir(path)
    }

    func write(_ bytes: [UInt8], _ name: String) {
        let file = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        defer { close(file) }
        _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    }

    func read(_ name: String) -> [UInt8] {
        let file = open("\(path)/\(name)", O_RDONLY)
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
        return Array(bytes.prefix(max(0, count)))
    }
}
