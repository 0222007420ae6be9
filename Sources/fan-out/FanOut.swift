import ArgumentParser
import Configuration
import Posix
import Records
import Stage
import Stats

@main
struct FanOut: StageCommand {
    static let configuration = CommandConfiguration(
        commandName: "fan-out",
        abstract: "Hand each record to several readers, none of which waits for another.",
        discussion: """
            EXAMPLES:
              sbe-tap | dedup | fan-out >(kinesis-put) >(s3-put --to s3://my-bronze/spot)
              fan-out kinesis=/run/pipes/kinesis s3=/run/pipes/s3 < /run/pipes/uniq

            What is read goes into a spool first, and from there to each output in order. An output
            that is slow or away catches up later, also after a restart; each gets every record at
            least once. Names (NAME=PATH) tell outputs apart over restarts; without them they are
            numbered. Exit status: 0 everything was handed over or is in the spool, 74 an output's
            reader is gone.
            """,
        version: Version.text)

    @Argument(
        help: ArgumentHelp(
            "FIFOs, or >(command) of a shell; - is standard output.", valueName: "name=path"),
        completion: .file())
    var outputs: [String]
    @Option(SettingCatalog.fanOutStateDirectory) var stateDir: String?
    @Option(SettingCatalog.fanOutSpoolMax) var spoolMax: Int?
    @Option(SettingCatalog.drainTimeout) var drainTimeout: Double?
    @OptionGroup var common: CommonOptions

    func plan(_ settings: inout Settings) throws -> FanOutOptions {
        let outputs = try self.outputs.enumerated().map { number, text in
            try FanOutOptions.Output(text, number: number + 1)
        }
        guard Set(outputs.map(\.name)).count == outputs.count else {
            throw StageFailure(.usage, "two outputs have one name: write NAME=PATH for each")
        }
        let environment = Environment.all
        let standard =
            StatePlace.ofUnit(tool: "fan-out", environment: environment)
            ?? StatePlace.ofUser(tool: "fan-out", environment: environment)
        return FanOutOptions(
            outputs: outputs,
            state: try settings.optional(SettingCatalog.fanOutStateDirectory, stateDir) ?? standard,
            spoolMax: Int64(try settings.value(SettingCatalog.fanOutSpoolMax, spoolMax)),
            drainTimeout: try settings.value(SettingCatalog.drainTimeout, drainTimeout))
    }

    func run(_ options: FanOutOptions, in stage: borrowing Stage) throws {
        let reader = try stage.standardInput()
        try Files.makeDurableDirectories(options.state)
        try StateOwner.claim(options.state, stage: "fan-out")
        var distributor = try Distributor(options, reader, in: stage)
        stage.enter(.running)
        // What was read before input that is not frames goes out.
        let failure: (any Error)?
        do {
            try distributor.distribute(in: stage)
            failure = nil
        } catch { failure = error }
        stage.enter(.draining)
        try distributor.drain(in: stage)
        if let failure { throw failure }
        try distributor.finish(in: stage)
    }
}

/// What a run keeps to.
struct FanOutOptions: Sendable {
    /// One of those that get the records.
    struct Output: Sendable, Equatable {
        let name: String
        let path: String

        /// Takes `NAME=PATH`, or a path.
        ///
        /// - Parameter number: what it is called without a name.
        init(_ text: String, number: Int) throws {
            if let equals = text.firstIndex(of: "="), !text[..<equals].contains("/") {
                name = String(text[..<equals])
                path = String(text[text.index(after: equals)...])
            } else {
                name = "\(number)"
                path = text
            }
            let isName =
                !name.isEmpty && name.utf8.count <= 64
                && name.allSatisfy {
                    $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0))
                }
            guard isName, !path.isEmpty else {
                throw StageFailure(
                    .usage,
                    "\"\(text)\" is not an output: write PATH or NAME=PATH, with a name of letters, "
                        + "digits, points and dashes")
            }
        }
    }

    let outputs: [Output]
    let state: String
    let spoolMax: Int64
    let drainTimeout: Double
}
