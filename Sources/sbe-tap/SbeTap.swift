import ArgumentParser
import Binance
import Configuration
import Identity
import Posix
import Records
import Stage
import Transport

@main
struct SbeTap: StageCommand {
    static let configuration = CommandConfiguration(
        commandName: "sbe-tap",
        abstract: "Write the venue's live SBE streams as records to standard output.",
        discussion: """
            BINANCE_API_KEY=... sbe-tap --symbols BTCUSDT --streams trade | recq json
            sbe-tap --symbols BTCUSDT,ETHUSDT --connections 2 | dedup | kinesis-put
            sbe-tap --raw > day.cap; sbe-tap --replay day.cap --speed max | recq count

            Transient failures are retried without limit. Exit status: 0 stopped, 69 never connected
            within --duration, 74 standard output cannot be written,
            77 the key or the location is not allowed (401, 403, 451), 78 the request is wrong (400: no
            key).
            """,
        version: Version.text)

    @Option(SettingCatalog.streamSymbols) var symbols: [String]?
    @Option(SettingCatalog.streamKinds) var streams: [String]?
    @Option(SettingCatalog.connections) var connections: Int?
    @Flag(help: "Write each message as it came, as a raw record: a capture.") var raw = false
    @Option(
        help: ArgumentHelp(
            "Decode a capture instead of a stream; - is standard input.", valueName: "file"),
        completion: .file())
    var replay: String?
    @Option(
        help: ArgumentHelp(
            "With --replay: so many times as fast as it was captured, or max.", valueName: "n|max"))
    var speed = "max"
    @Option(
        help: ArgumentHelp("End after this time.", valueName: "seconds"),
        transform: { text in
            do throws(SettingError) { return try SettingText.seconds(0...31_536_000)(text) } catch {
                throw ValidationError(error.description)
            }
        })
    var duration: Double?
    @Option(help: ArgumentHelp("End after this many records.", valueName: "count")) var limit: Int?
    @Flag(help: "Do not fetch a snapshot where a book begins or has a hole.") var noSnapshots =
        false
    @Option(SettingCatalog.overflow) var overflow: OverflowPolicy?
    @Option(SettingCatalog.bufferBytes) var bufferBytes: Int?
    @Option(SettingCatalog.spillMax) var spillMax: Int?
    @Option(SettingCatalog.quarantine) var quarantine: String?
    @Option(SettingCatalog.quarantineBytes) var quarantineBytes: Int?
    @Option(SettingCatalog.streamURL) var wsURL: String?
    @Option(SettingCatalog.authorities) var ca: String?
    @Option(SettingCatalog.streamStallTimeout) var stallTimeout: Double?
    @Option(SettingCatalog.firstDataTimeout) var firstDataTimeout: Double?
    @Option(SettingCatalog.maximumConnectionAge) var maxConnectionAge: Double?
    @Option(SettingCatalog.rotationOverlap) var rotationOverlap: Double?
    @Option(SettingCatalog.reorderWindow) var reorderWindow: Double?
    @Option(SettingCatalog.restBaseURL) var baseURL: String?
    @Option(SettingCatalog.weightLimit) var weightLimit: Int?
    @Option(SettingCatalog.initialBackoff) var initialBackoff: Double?
    @Option(SettingCatalog.maxBackoff) var maxBackoff: Double?
    @Option(SettingCatalog.drainTimeout) var drainTimeout: Double?
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if raw && replay != nil { throw ValidationError("a capture cannot be made of --replay") }
        guard speed == "max" || (Double(speed) ?? 0) > 0 else {
            throw ValidationError("--speed must be a number above 0, or max")
        }
    }

    func plan(_ settings: inout Settings) throws -> TapOptions {
        let ca = try settings.optional(SettingCatalog.authorities, ca)
        var rotation = ConnectionRotation.Rules()
        rotation.maximumAge = Self.nanoseconds(
            try settings.value(SettingCatalog.maximumConnectionAge, maxConnectionAge))
        rotation.overlap = Self.nanoseconds(
            try settings.value(SettingCatalog.rotationOverlap, rotationOverlap))
        rotation.backoff = Backoff(
            base: try settings.value(SettingCatalog.initialBackoff, initialBackoff),
            cap: try settings.value(SettingCatalog.maxBackoff, maxBackoff))
        var merge = StreamMerge.Rules()
        merge.takesSnapshots = !noSnapshots && replay == nil
        merge.reorderWindow = Self.nanoseconds(
            try settings.value(SettingCatalog.reorderWindow, reorderWindow))
        var rest = VenueClient.Options()
        rest.baseURL = try settings.value(SettingCatalog.restBaseURL, baseURL)
        rest.weightLimit = try settings.optional(SettingCatalog.weightLimit, weightLimit)
        rest.authorities = ca
        let shared = try settings.runtimeDirectory(common)
        rest.share(in: shared.path, isNamed: shared.isNamed)
        rest.isLive = true
        rest.timeout = 10
        rest.maximumAttempts = 1
        let output = TapOptions.OutputRules(
            overflow: try settings.value(SettingCatalog.overflow, overflow),
            bufferBytes: try settings.value(SettingCatalog.bufferBytes, bufferBytes),
            spillMax: try settings.value(SettingCatalog.spillMax, spillMax),
            quarantine: try settings.optional(SettingCatalog.quarantine, quarantine)
                ?? TapOptions.standardQuarantine,
            quarantineBytes: try settings.value(SettingCatalog.quarantineBytes, quarantineBytes))
        return TapOptions(
            streams: try streamPlan(&settings),
            baseURL: try settings.value(SettingCatalog.streamURL, wsURL),
            apiKey: try settings.optional(SettingCatalog.binanceAPIKey), authorities: ca,
            connections: try settings.value(SettingCatalog.connections, connections),
            stallTimeout: try settings.value(SettingCatalog.streamStallTimeout, stallTimeout),
            firstDataTimeout: try settings.value(
                SettingCatalog.firstDataTimeout, firstDataTimeout),
            rotation: rotation, merge: merge, capturesRaw: raw, output: output, replay: replay,
            speed: speed == "max" ? nil : Double(speed), duration: duration, limit: limit,
            drainTimeout: try settings.value(SettingCatalog.drainTimeout, drainTimeout), rest: rest)
    }

    private func streamPlan(_ settings: inout Settings) throws -> StreamPlan {
        let names = try settings.value(SettingCatalog.streamSymbols, symbols)
        let symbols = try names.map { name in
            guard let symbol = SymbolName(asTyped: name) else {
                throw StageFailure(.usage, SymbolName.refusal(of: name))
            }
            return symbol
        }
        guard !symbols.isEmpty, Set(symbols).count == symbols.count else {
            throw StageFailure(.usage, "--symbols must name at least one symbol, and none twice")
        }
        let words = try settings.value(SettingCatalog.streamKinds, streams)
        let kinds = try words.map { word in
            let kind = StreamKind.allCases.first {
                $0.rawValue.lowercased() == word.lowercased()
            }
            guard let kind else {
                let all = StreamKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw StageFailure(.usage, "\"\(word)\" is not a stream; streams are \(all)")
            }
            return kind
        }
        guard !kinds.isEmpty, Set(kinds).count == kinds.count else {
            throw StageFailure(.usage, "--streams must name at least one stream, and none twice")
        }
        return StreamPlan(symbols: symbols, kinds: kinds)
    }

    private static func nanoseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1e9) }

    func run(_ plan: TapOptions, in stage: borrowing Stage) throws {
        if let path = plan.replay {
            var replay = try Replay(plan, path: path, in: stage)
            return try replay.run(in: stage)
        }
        var tap = try Tap(plan, in: stage)
        try tap.run(in: stage)
    }
}
