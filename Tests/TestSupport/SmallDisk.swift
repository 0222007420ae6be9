import Foundation

/// A disk of some MiB, gone with its value; nil where none can be mounted.
public final class SmallDisk {
    /// Where it is mounted.
    public let path: String
    private let place: TemporaryDirectory

    /// Mounts one.
    public init?(mebibytes: Int) throws {
        place = try TemporaryDirectory()
        path = place.path("disk")
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false)
        let outcome = try Program.run(
            "mount", ["-t", "tmpfs", "-o", "size=\(mebibytes)m", "small-disk", path])
        guard outcome.status == 0 else { return nil }
    }

    /// True where one can be mounted.
    public static let isPossible = (try? SmallDisk(mebibytes: 1)) != nil

    /// Fills it to the last byte.
    public func fill() throws {
        _ = try Program.run("dd", ["if=/dev/zero", "of=\(path)/filler", "bs=1024"])
    }

    /// Removes what ``fill()`` wrote.
    public func free() { try? FileManager.default.removeItem(atPath: path + "/filler") }

    deinit { _ = try? Program.run("umount", ["-l", path]) }
}
