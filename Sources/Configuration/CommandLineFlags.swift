/// The options of a command line, as it is written.
package struct CommandLineFlags {
    private let arguments: [String]

    package init(_ arguments: [String]) {
        self.arguments =
            arguments.firstIndex(of: "--").map { Array(arguments[..<$0]) } ?? arguments
    }

    /// True when a flag is given.
    package func has(_ flag: String) -> Bool { arguments.contains("--\(flag)") }

    /// What follows an option; nil when it is not given.
    package func text(of flag: String) -> String? {
        for (place, argument) in arguments.enumerated().reversed() {
            if argument == "--\(flag)", arguments.indices.contains(place + 1) {
                return arguments[place + 1]
            }
            if argument.hasPrefix("--\(flag)=") {
                return String(argument.dropFirst(flag.count + 3))
            }
        }
        return nil
    }
}
