import Foundation
import TestSupport

/// A venue of `scripted_venue.py`, for one test.
final class ScriptedVenue {
    /// Base URL of its streams.
    let streams: String
    private let program: BackgroundProgram

    /// Starts one; nil without Python.
    ///
    /// - Parameters:
    ///   - play: which of the script's.
    ///   - arguments: of the play.
    init?(_ play: String, _ arguments: [String] = []) throws {
        guard let python = Python.path else {
            print("skipped: no .venv; run make setup")
            return nil
        }
        program = try BackgroundProgram(
            python, [script("scripted_venue.py"), play] + arguments)
        streams = "ws://127.0.0.1:\(program.firstLine())"
    }
}
