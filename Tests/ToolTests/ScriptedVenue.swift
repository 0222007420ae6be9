import Foundation
import TestSupport
import Testing

/// A venue of `scripted_venue.py`, for one test.
final class ScriptedVenue {
    /// Base URL of its streams.
    let streams: String
    private let program: BackgroundProgram

    /// Starts one.
    ///
    /// - Parameters:
    ///   - play: which of the script's.
    ///   - arguments: of the play.
    init(_ play: String, _ arguments: [String] = []) throws {
        let python = try #require(Python.path, "there is no .venv; run make setup")
        program = try BackgroundProgram(
            python, [script("scripted_venue.py"), play] + arguments)
        streams = "ws://127.0.0.1:\(program.firstLine())"
    }
}
