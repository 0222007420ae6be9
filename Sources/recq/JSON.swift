import ArgumentParser
import Configuration
import Posix
import Records
import Stage

struct JSON: InspectionCommand {
    static let configuration = CommandConfiguration(
        abstract: "Write each record as one JSON object on a line.",
        discussion: """
            Numbers are exact decimal text. One that a double may not keep (more than 15 digits, or a
            whole number above 2^53) is there twice, the second time as a string in NAME_exact, which
            `recq pack` takes.
            """)
    @OptionGroup var inputs: Inputs
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws {}

    func run(_ plan: Void, in stage: borrowing Stage) throws {
        let output = Descriptor.standardOutput()
        output.enlargePipe()
        var text = Bytes(capacity: 256 << 10)
        func flush() throws {
            try output.writeAll(text.span)
            text.removeAll()
        }
        do {
            try inputs.read(in: stage) { frame in
                try frame.appendJSON(to: &text)
                if text.count >= 128 << 10 { try flush() }
                return true
            } batch: {
                try flush()
            }
        } catch {
            // The good records before a bad one are written.
            if !(error is SystemError) { try flush() }
            throw error
        }
    }
}
