import ArgumentParser
import Stage

@main
struct Recq: Tool {
    static let configuration = CommandConfiguration(
        commandName: "recq",
        abstract: "Look at, convert and check records.",
        discussion: """
            recq json day.bin | jq -c 'select(.qty > 1)' | recq pack > large.bin
            rest-pull trades | recq head -n 5 | recq json
            recq count day.bin
            recq check day.bin
            """,
        version: Version.text,
        subcommands: [
            JSON.self, Pack.self, Head.self, Count.self, Check.self, Schema.self, Upgrade.self,
        ])
}
