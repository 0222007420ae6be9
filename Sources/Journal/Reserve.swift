import Glibc
public import Posix

/// Room on a disk that is kept for the files without which nothing can be freed.
///
/// A sink may delete what it has delivered only after it has written that down. On a full disk that
/// writing would find no room, and the disk would stay full. A file of some MiB is therefore kept;
/// it is released when such a write finds no space, and allocated again when there is some.
public final class Reserve: Sendable {
    /// The file.
    public let path: String
    /// Its length.
    public let bytes: Int64
    private let state: Locked<Bool>

    /// The most and the least that is kept of a disk, bytes.
    private static let sizes: ClosedRange<Int64> = (64 << 10)...(4 << 20)

    /// What to keep on the disk of a directory, bytes: a sixteenth of it, within limits, and far below
    /// what a file may have.
    public static func size(on directory: String) -> Int64 {
        var bytes = sizes.upperBound
        var room = statvfs()
        if statvfs(directory, &room) == 0 {
            let size = Int64(clamping: room.f_blocks).multipliedReportingOverflow(
                by: Int64(clamping: room.f_frsize))
            if !size.overflow {
                bytes = min(bytes, max(sizes.lowerBound, size.partialValue / 16))
            }
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 {
            bytes = min(bytes, max(4096, Int64(clamping: limit.rlim_cur) / 8))
        }
        return bytes
    }

    /// Takes the room, or starts without it when there is none.
    ///
    /// - Parameter bytes: at least what the ledger's writes need until something is freed.
    /// - Throws: what the system says, other than that there is no room.
    public init(path: String, bytes: Int64 = 4 << 20) throws(SystemError) {
        self.path = path
        self.bytes = bytes
        try Files.makeDurableDirectories(Files.directory(of: path))
        state = Locked(try Self.take(path, bytes))
    }

    /// True while the room is there to be given up.
    public var isHeld: Bool { state.withLock { $0 } }

    /// Gives the room to whoever writes next.
    ///
    /// - Returns: true when there was some to give.
    @discardableResult
    public func giveUp() -> Bool {
        state.withLock { isHeld in
            guard isHeld else { return false }
            isHeld = false
            return truncate(path, 0) == 0
        }
    }

    /// Takes the room again, if the disk has as much twice over; else a later call does.
    public func retake() {
        state.withLock { isHeld in
            guard !isHeld else { return }
            var room = statvfs()
            guard statvfs(path, &room) == 0 else { return }
            let free = room.f_bavail.multipliedReportingOverflow(by: room.f_frsize)
            guard free.overflow || free.partialValue >= UInt(2 * bytes) else { return }
            isHeld = (try? Self.take(path, bytes)) ?? false
        }
    }

    /// Runs a write, and once more without the reserve when it did not fit.
    ///
    /// - Parameter write: starts over when it is called again.
    public func spending<Result>(
        _ write: () throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        do throws(SystemError) { return try write() } catch {
            guard error.isNoRoom, giveUp() else { throw error }
            return try write()
        }
    }

    private static func take(_ path: String, _ bytes: Int64) throws(SystemError) -> Bool {
        do throws(SystemError) {
            let file = try Descriptor.open(path, O_RDWR | O_CREAT)
            do throws(SystemError) {
                try file.allocate(bytes)
                try file.truncate(to: bytes)
                try file.sync()
                return true
            } catch {
                try? file.truncate(to: 0)
                throw error
            }
        } catch {
            if error.isNoRoom { return false }
            throw error
        }
    }
}

extension SystemError {
    /// True when the device, or the owner's part of it, is full.
    public var isNoRoom: Bool { code == ENOSPC || code == EDQUOT }
}
