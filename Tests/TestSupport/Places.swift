public import Foundation

/// A directory that goes away with its value.
public final class TemporaryDirectory {
    /// The directory.
    public let path: String

    /// Makes one.
    ///
    /// - Parameter inMemory: where syncing costs nothing, if the system has such a place.
    public init(inMemory: Bool = false) throws {
        let memory = "/dev/shm"
        let isThere = inMemory && FileManager.default.isWritableFile(atPath: memory)
        let parent =
            isThere ? URL(fileURLWithPath: memory) : FileManager.default.temporaryDirectory
        let url = parent.appendingPathComponent("bitcoin-ingestor-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit {
        // Tests take rights away from directories; they are given back so that all can go.
        for name in FileManager.default.enumerator(atPath: path)?.compactMap({ $0 as? String })
            ?? []
        {
            chmod("\(path)/\(name)", 0o755)
        }
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A path inside.
    public func path(_ name: String) -> String { "\(path)/\(name)" }
}

/// The package's root.
public let packageRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// Official schemas and vectors beside the package, which tests read when they are there.
public enum Shared {
    /// The directory; nil where it is absent.
    public static var directory: URL? {
        let environment = ProcessInfo.processInfo.environment
        let url =
            environment["BITCOIN_INGESTOR_SHARED"].map { URL(fileURLWithPath: $0) }
            ?? packageRoot.deletingLastPathComponent().appendingPathComponent("shared")
        return FileManager.default.fileExists(atPath: url.path) ? url : nil
    }
}

/// The Python that `make setup` made, with the packages that tests compare with.
public enum Python {
    /// The interpreter; nil before `make setup`.
    public static var path: String? {
        let path =
            ProcessInfo.processInfo.environment["PYTHON"]
            ?? packageRoot.appendingPathComponent(".venv/bin/python").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }
}

/// Waits for a condition, looking every 10 ms.
///
/// - Returns: false when it did not come true in time.
public func waitUntil(_ seconds: Double = 30, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
        if try condition() { return true }
        usleep(10_000)
    }
    return try condition()
}

/// SplitMix64: the same numbers for the same seed on every platform.
public struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    /// Starts from a seed.
    public init(_ seed: UInt64) { state = seed }

    /// The next number.
    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
