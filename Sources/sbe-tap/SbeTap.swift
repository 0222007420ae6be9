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
        abstract: "Write the venue's live streams as records to standard output.",
        discussion: """
            EXAMPLES:
              sbe-tap --symbols BTCUSDT | recq json
              BINANCE_API_KEY=... sbe-tap --symbols BTCUSDT,ETHUSDT --connections 2 | kinesis-put
              sbe-tap --streams trade,aggTrade,kline_1m | recq count
              sbe-tap --raw > day.cap; sbe-tap --replay day.cap --speed max | recq count

            Transient failures are retried without limit. Exit status: 0 stopped, 69 never connected
            within --duration, 74 standard output cannot be written,
            77 the key or the location is not allowed (401, 403, 451), 78 the request is wrong (400:
            SBE without a key).
            """,
        version: Version.text)
    static let essentials = [
        "symbols", "symbol", "streams", "encoding", "connections", "raw", "replay", "duration",
        "limit", "overflow", "list", "shard",
    ]
    static let schemas = [
        "stream SBE \(Stream.TradesStreamEventDecoder.schemaID):\(Stream.TradesStreamEventDecoder.schemaVersion)"
    ]

    @Option(SettingCatalog.symbols) var symbols: [String]?
    @Option(SettingCatalog.shard) var shard: SymbolShard?
    @Option(SettingCatalog.streamKinds, completing: StreamKind.all.map(\.name))
    var streams: [String]?
    @Option(SettingCatalog.connections) var connections: Int?
    @Flag(help: "Write each message unchanged as a raw record: a capture.") var raw = false
    @Option(
        help: ArgumentHelp(
            "Decode a capture instead of a stream; - is standard input.", valueName: "file"),
        completion: .file())
    var replay: String?
    @Option(
        help: ArgumentHelp(
            "With --replay: this many times as fast as captured, or max.", valueName: "n|max"))
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
    @Option(SettingCatalog.streamEncoding) var encoding: RESTEncoding?
    @Flag(help: "List symbols with status, tick and lot size, then exit.") var list = false
    @Flag(help: "With klines: also write the current one, which is still open.") var open = false
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

    /// Symbols and streams; where a change asks for the other encoding, that needs a new start.
    var takesOver: Set<String> {
        [SettingCatalog.symbols.key, SettingCatalog.shard.key, SettingCatalog.streamKinds.key]
    }

    mutating func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
        if list && (raw || replay != nil) {
            throw ValidationError("--list cannot be combined with --raw or --replay")
        }
        if raw && replay != nil { throw ValidationError("--raw and --replay cannot be combined") }
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
        merge.takesOpenKlines = open
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
            quarantine: try settings.value(
                SettingCatalog.quarantine, quarantine, otherwise: TapOptions.standardQuarantine),
            quarantineBytes: try settings.value(SettingCatalog.quarantineBytes, quarantineBytes))
        let key = try settings.optional(SettingCatalog.binanceAPIKey)
        let selection = try SymbolSelection(
            &settings, symbols, shard: shard, needsOne: !list && replay == nil)
        let (streams, jsonReason) = try streamPlan(
            of: selection.symbols, &settings, hasKey: key != nil)
        let url =
            streams.encoding == .sbe
            ? try settings.value(SettingCatalog.streamURL, wsURL)
            : try settings.value(SettingCatalog.jsonStreamURL, wsURL)
        return TapOptions(
            streams: streams, listed: list ? symbols.map { _ in selection.named } ?? [] : nil,
            shard: selection.shard,
            baseURL: url, apiKey: key, jsonReason: jsonReason, authorities: ca,
            connections: try settings.value(SettingCatalog.connections, connections),
            stallTimeout: try settings.value(SettingCatalog.streamStallTimeout, stallTimeout),
            firstDataTimeout: try settings.value(
                SettingCatalog.firstDataTimeout, firstDataTimeout),
            rotation: rotation, merge: merge, capturesRaw: raw, output: output, replay: replay,
            speed: speed == "max" ? nil : Double(speed), duration: duration, limit: limit,
            drainTimeout: try settings.value(SettingCatalog.drainTimeout, drainTimeout), rest: rest)
    }

    private func streamPlan(
        of symbols: [SymbolName], _ settings: inout Settings, hasKey: Bool
    ) throws -> (StreamPlan, jsonReason: String?) {
        let words = try settings.value(SettingCatalog.streamKinds, streams)
        let kinds = try words.map { word in
            guard let kind = StreamKind(word) else {
                throw StageFailure(
                    .usage, "\"\(word)\" is not a stream; the venue has \(StreamKind.names)")
            }
            return kind
        }
        guard !kinds.isEmpty, Set(kinds).count == kinds.count else {
            throw StageFailure(.usage, "--streams must name at least one stream, each once")
        }
        let asked = try settings.value(SettingCatalog.streamEncoding, encoding)
        let (form, reason) = try Self.form(asked, kinds, hasKey: hasKey)
        return (StreamPlan(symbols: symbols, kinds: kinds, encoding: form), reason)
    }

    /// The form of the streams, and why it is JSON where that was not asked for.
    private static func form(
        _ asked: RESTEncoding, _ kinds: [StreamKind], hasKey: Bool
    ) throws -> (StreamEncoding, String?) {
        let lacking = kinds.filter { !$0.exists(in: .sbe) }.map(\.name).joined(separator: ", ")
        switch asked {
        case .json: return (.json, nil)
        case .sbe:
            guard lacking.isEmpty else {
                throw StageFailure(
                    .usage, "the venue has no SBE stream of \(lacking): use --encoding json")
            }
            return (.sbe, nil)
        case .auto where !hasKey:
            return (
                .json,
                "they need no key. BINANCE_API_KEY=... gives the SBE streams, which bring changes of "
                    + "a book every 20 ms"
            )
        case .auto where !lacking.isEmpty:
            return (.json, "there is no SBE stream of \(lacking)")
        case .auto: return (.sbe, nil)
        }
    }

    private static func nanoseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1e9) }

    func run(_ plan: TapOptions, in stage: borrowing Stage) throws {
        if let symbols = plan.listed {
            return try SymbolList(plan.rest, symbols, shard: plan.shard).print(in: stage)
        }
        if let path = plan.replay {
            var replay = try Replay(plan, path: path, in: stage)
            return try replay.run(in: stage)
        }
        var tap = try Tap(plan, in: stage)
        try tap.run(in: stage)
    }
}
