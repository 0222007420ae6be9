public import ArgumentParser
import Configuration
import Glibc
import Posix

/// A program of this package: how its process begins and how it ends, whatever it does.
///
/// Every program declares one as its `@main` type, with or without subcommands.
public protocol Tool: ParsableCommand {
    /// Long options, without dashes, that the one screen of `-h` shows; empty for all.
    static var essentials: [String] { get }

    /// Schemas that the program speaks besides the records': `REST SBE 3:5`. For `--version`.
    static var schemas: [String] { get }

    /// What the program takes its words for; for spellings that the parser has no form for.
    static func spelledOut(_ words: [String]) -> [String]
}

extension Tool {
    /// A short list of options is shown whole.
    public static var essentials: [String] { [] }

    /// Most programs know records alone.
    public static var schemas: [String] { [] }

    /// As they are.
    public static func spelledOut(_ words: [String]) -> [String] { words }

    /// Runs the program.
    public static func main() {
        CurrentProcess.prepare()
        let arguments = spelledOut(Array(CurrentProcess.arguments.dropFirst()))
        do {
            if let answer = answer(to: arguments) {
                try write(answer, to: Descriptor.standardOutput())
            } else {
                try answerAboutConfiguration(arguments)
                var command: any ParsableCommand
                do { command = try parseAsRoot(arguments) } catch {
                    try explainIncompleteCall(arguments, because: error)
                    throw error
                }
                try command.run()
                try CurrentProcess.flushOutput()
            }
        } catch {
            leave(error)
        }
        CurrentProcess.exit(ExitStatus.done.rawValue)
    }

    /// The name that the program was called by: `recq json` is of the tool `recq`.
    static var toolName: String {
        let path = CurrentProcess.arguments.first ?? ""
        return path.split(separator: "/").last.map(String.init) ?? "stage"
    }

    // MARK: - Help and version

    /// What `-h`, `--help`, `help SUBCOMMAND`, `-V` and `--version` ask for; nil when nothing of it
    /// was asked.
    private static func answer(to arguments: [String]) -> String? {
        let words = arguments.prefix { $0 != "--" }
        if words.contains("--version") || words.contains("-V") {
            return Version.line(toolName, schemas: schemas) + "\n"
        }
        let subcommands = configuration.subcommands
        var first = words.first
        let asksByName = first == "help" && !subcommands.isEmpty
        if asksByName { first = words.dropFirst().first }
        let command = subcommands.first { $0._commandName == first }
        if asksByName, first != nil, command == nil { return nil }
        let help = { Help(of: command ?? Self.self, under: Self.self) }
        if asksByName || words.contains("--help") { return help().full(width: width) }
        if words.contains("-h") || arguments.isEmpty && !subcommands.isEmpty {
            return help().short(width: width)
        }
        return nil
    }

    /// Columns of the terminal that reads standard output, within what is easy to read; 80
    /// elsewhere.
    private static var width: Int {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return min(max(Int(size.ws_col), 60), 100)
    }

    private static func write(
        _ text: String, to output: borrowing Descriptor
    ) throws(SystemError) {
        try output.writeAll(Array(text.utf8).span.bytes)
        try CurrentProcess.flushOutput()
    }

    // MARK: - Errors before the run

    /// Help, completions and usage errors of ArgumentParser, and errors of tools that are no stages.
    private static func leave(_ error: any Error) -> Never {
        let log = Log(stage: toolName, format: UsageError.format(CurrentProcess.arguments))
        func end(_ error: any Error) -> Never {
            let isService = Environment.isService(Environment.all, instance: nil)
            Ending(error, isService: isService, isForPeople: true).leave(log)
        }
        if error is any ExitStatusProviding { end(error) }
        let code = exitCode(for: error).rawValue
        guard code == 0 else {
            let words = Array(CurrentProcess.arguments.dropFirst())
            let message = message(for: error)
            log.error(UsageError.words(message, of: Self.self, words))
            if log.format == .text {
                for line in UsageError.picture(message) {
                    try? write(line + "\n", to: Descriptor.standardError())
                }
            }
            CurrentProcess.exit(code)
        }
        do throws(SystemError) {
            try write(fullMessage(for: error) + "\n", to: Descriptor.standardOutput())
        } catch {
            // A user who asked for help has to learn that there was no room for it.
            end(error)
        }
        CurrentProcess.exit(code)
    }
}
