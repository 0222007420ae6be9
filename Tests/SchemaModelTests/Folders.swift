import Foundation

/// Where tests find files.
enum Folders {
    /// The package.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Reference files that are not part of the package; nil where they are absent.
    static let shared: URL? = {
        let named = ProcessInfo.processInfo.environment["BITCOIN_INGESTOR_SHARED"]
        let folder =
            named.map { URL(fileURLWithPath: $0, isDirectory: true) }
            ?? root.deletingLastPathComponent().appendingPathComponent("shared")
        return FileManager.default.fileExists(atPath: folder.path) ? folder : nil
    }()
}
