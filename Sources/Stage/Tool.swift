public import ArgumentParser
import Configuration
import Posix

/// A program of this package: how its process begins and how it ends, whatever it does.
///
/// Every program declares one as its `@main` type, with or without subcommands.
public protocol Tool: ParsableCommand {
    /// What the program takes its words for; for spellings that the parser has no form for.
    static func spelledOut(_ words: [String]) -> [String]
}

extension Tool {
    /// As they are.
    public static func spelledOut(_ words: [String]) -> [String] { words }

    /// Runs the program.
    public static func main() {
        CurrentProcess.prepare()
        let arguments = spelledOut(Array(CurrentProcess.arguments.dropFirst()))
        do {
            try answerAboutConfiguration(arguments)
            var command: any ParsableCommand
            do { command = try parseAsRoot(arguments) } catch {
                try explainIncompleteCall(arguments, because: error)
                throw error
            }
            try command.run()
            try CurrentProcess.flushOutput()
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

    /// The subcommand that the first word may have meant; nil when it is one, or none is near.
    private static var nearestSubcommand: String? {
        let names = Set(configuration.subcommands.map { $0._commandName })
        guard CurrentProcess.arguments.count > 1, !names.isEmpty else { return nil }
        let word = CurrentProcess.arguments[1]
        guard !word.hasPrefix("-"), word != "help", !names.contains(word) else { return nil }
        guard let near = Spelling.nearest(to: word, among: names),
            Spelling.distance(word, near) <= max(1, word.count / 2)
        else { return nil }
        return near
    }

    /// Help and version, which were asked for, usage errors, and errors of tools that are no stages.
    private static func leave(_ error: any Error) -> Never {
        let log = Log(stage: toolName)
        func end(_ error: any Error) -> Never {
            let isService = Environment.isService(Environment.all, instance: nil)
            Ending(error, isService: isService, isForPeople: true).leave(log)
        }
        if error is any ExitStatusProviding { end(error) }
        let code = exitCode(for: error).rawValue
        var text = fullMessage(for: error)
        if code != 0, text.hasPrefix("Error: ") {
            text = "\(toolName): error: \(text.dropFirst("Error: ".count))"
        }
        if code != 0, let near = nearestSubcommand {
            text += "\n  Did you mean '\(toolName) \(near)'?"
        }
        let output = code == 0 ? Descriptor.standardOutput() : Descriptor.standardError()
        do throws(SystemError) {
            try output.writeAll(Array((text + "\n").utf8).span.bytes)
            try CurrentProcess.flushOutput()
        } catch {
            // Whoever asked for help has to learn that there was no room for it.
            if code == 0 { end(error) }
        }
        CurrentProcess.exit(code)
    }
}
