import Bronze
import Ledger
import ObjectWriting
import Posix
import Stage

/// How the paths and names of objects are formed, as the state remembers it: a person learns once
/// that new objects are elsewhere than those of an earlier version.
enum Layout {
    private static let current = Partition.layout
    private static let limit = 64

    /// Notes the layout in a state, and says so when it is another one than before.
    ///
    /// - Throws: `.configuration` for a state of a newer program.
    static func note(
        in state: String, _ ledger: borrowing Ledger, _ destination: Destination, _ log: Log
    ) throws {
        let path = state + "/layout"
        if Files.exists(path) {
            let text = String(decoding: try Files.read(path, limit: limit), as: UTF8.self)
            let known = Int(text.split(separator: "\n").first ?? "")
            if known == current { return }
            throw StageFailure(
                .configuration,
                "the state in \(state) is of layout \(known.map(String.init) ?? "\"\(text)\""), and "
                    + "this version stores objects by layout \(current): use the newer version")
        }
        if !ledger.sequences.isEmpty {
            log.warning(
                "new objects are stored under \(Partition.keyStart)… from now on, klines by month; "
                    + "those of earlier versions stay under \(Partition.oldKeyStart)… in "
                    + "\(destination.description) and count as held. docs/s3-put.md, \"Objects of "
                    + "0.1\", says how to read both and how to move them")
        }
        try Files.replace(path, with: Array("\(current)\n".utf8))
    }
}
