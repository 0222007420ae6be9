import Foundation
import TestSupport
import Testing

/// A REST API of `scripted_rest.py`, for one test.
final class ScriptedREST {
    /// Base URL.
    let url: String
    private let program: BackgroundProgram

    /// - Parameters:
    ///   - play: which of the script's.
    ///   - argument: of the play.
    init(_ play: String, _ argument: String = "") throws {
        program = try BackgroundProgram("python3", [script("scripted_rest.py"), play, argument])
        url = "http://127.0.0.1:\(program.firstLine())"
    }

    /// Runs rest-pull against it.
    func pull(
        _ arguments: [String], encoding: String = "json"
    ) throws -> Program.Outcome {
        try Program.run(
            "rest-pull",
            arguments + [
                "--base-url", url, "--encoding", encoding, "--initial-backoff", "10ms",
                "--max-backoff", "50ms", "--max-attempts", "3",
            ])
    }

    /// Requests that it got so far.
    func requests() throws -> Int { try number("requests") }

    /// Requests that were under way at once, at the most; of the play `far`.
    func mostAtOnce() throws -> Int { try number("most") }

    private func number(_ name: String) throws -> Int {
        Int(try Program.run("curl", ["-s", "\(url)/\(name)"]).text) ?? -1
    }
}
