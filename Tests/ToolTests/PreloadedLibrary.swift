import Foundation
import TestSupport
import Testing

/// Builds a library for `LD_PRELOAD`.
///
/// - Returns: its path.
func preloadedLibrary(_ source: String, in place: TemporaryDirectory) throws -> String {
    let path = place.path("preloaded.c")
    try Data(source.utf8).write(to: URL(fileURLWithPath: path))
    let library = place.path("preloaded.so")
    let built = try Program.run("cc", ["-shared", "-fPIC", "-o", library, path])
    try #require(built.status == 0, "\(built.errors)")
    return library
}
