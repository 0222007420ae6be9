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
    ///
    /// - Parameter isSwitch: true for one that may stand without a value, and with `no-` in front.
    package func text(of flag: String, isSwitch: Bool = false) -> String? {
        if isSwitch, has("no-\(flag)") { return "false" }
        if isSwitch, let place = arguments.firstIndex(of: "--\(flag)") {
            let next = arguments.indices.contains(place + 1) ? arguments[place + 1] : ""
            return (try? SettingText.boolean(next)) == nil ? "true" : next
        }
        return texts(of: [flag]).last
    }

    /// The values of a flag with some names, in the order in which they were given.
    package func texts(of names: [String]) -> [String] {
        arguments.enumerated().compactMap { place, argument in
            for name in names {
                if argument == "--\(name)", arguments.indices.contains(place + 1) {
                    return arguments[place + 1]
                }
                if argument.hasPrefix("--\(name)=") {
                    return String(argument.dropFirst(name.count + 3))
                }
            }
            return nil
        }
    }
}
