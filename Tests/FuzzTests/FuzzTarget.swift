/// A reader of bytes from outside that must give a value or an error for any input.
///
/// The same targets run in two ways: `swift test` gives each its seeds, the inputs that were once
/// found to break it, and a few thousand mutations of both; `make fuzz` lets libFuzzer search.
struct FuzzTarget: Sendable, CustomStringConvertible {
    let name: String
    /// Whole inputs to start from.
    let seeds: [[UInt8]]
    /// Reads one input. Errors are what it is for; a trap, a hang or a broken promise is a finding.
    let run: @Sendable (_ input: [UInt8]) -> Void

    var description: String { name }

    static let all: [FuzzTarget] =
        recordTargets + objectTargets + venueTargets + networkTargets + fileTargets
        + configurationTargets + tableTargets

    static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// Ends the process the way a sanitizer would: for a promise that an input broke.
func broken(_ promise: String) -> Never {
    fatalError(promise)
}

/// A text as bytes.
func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
