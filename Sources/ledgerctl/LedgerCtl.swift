import ArgumentParser
import Stage

@main
struct LedgerCtl: Tool {
    static let configuration = CommandConfiguration(
        commandName: "ledgerctl",
        abstract: "Look at what a sink has delivered, prove that a range is whole, take one out.",
        discussion: """
            EXAMPLES:
              ledgerctl show data/.s3-put/ledger
              ledgerctl verify data/.s3-put/ledger --symbol BTCUSDT --kind aggTrade --from 1 --to 300000
              ledgerctl verify s3://bucket/bronze --symbol BTCUSDT --kind trade --day 2024-01-31
              ledgerctl where s3://bucket/bronze BTCUSDT trade 3350000001
              ledgerctl compact s3://bucket/bronze
              ledgerctl remove data/.s3-put --symbol BTCUSDT --kind depthDiff --from 11 --to 99999999

            Exit status: 0 whole or done; 1 verify found something missing, or there was nothing to \
            remove; 65 the file is not a ledger; 75 a sink is using it.
            """,
        version: Version.text,
        subcommands: [
            Show.self, Verify.self, Where.self, Rebuild.self, Report.self, Compact.self, Remove.self,
        ])
}
