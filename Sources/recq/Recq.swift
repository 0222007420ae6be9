import ArgumentParser
import Stage

@main
struct Recq: Tool {
    static let configuration = CommandConfiguration(
        commandName: "recq",
        abstract: "Look at, filter, convert and check records.",
        discussion: """
            EXAMPLES:
              recq json day.bin | jq -c 'select(.qty > 1)' | recq pack > large.bin
              recq where 'qty > 0.5 and side == buy' day.bin | recq csv
              recq cat data/ --symbol BTCUSDT --day 2024-01-31 | recq count --by hour
              rest-pull trades | recq head -5 | recq print
              recq check day.bin
            """,
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Look",
                subcommands: [Print.self, JSON.self, CSV.self, Count.self, Book.self]),
            CommandGroup(
                name: "Select",
                subcommands: [Cat.self, Where.self, Head.self, Tail.self]),
            CommandGroup(name: "Order", subcommands: [Sort.self, Merge.self]),
            CommandGroup(name: "Check", subcommands: [Check.self]),
            CommandGroup(
                name: "Convert",
                subcommands: [Pack.self, ParquetFile.self, Upgrade.self, Schema.self]),
        ])

    /// `recq head -5` is `recq head -n 5`, as with head(1).
    static func spelledOut(_ words: [String]) -> [String] {
        guard let command = words.first, command == "head" || command == "tail" else {
            return words
        }
        return words.flatMap { word in
            word.count > 1 && word.hasPrefix("-") && word.dropFirst().allSatisfy(\.isNumber)
                ? ["-n", String(word.dropFirst())] : [word]
        }
    }
}
