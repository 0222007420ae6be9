import ArgumentParser
import Binance
import Configuration
import Records
import Stage

/// How the venue and its archive are asked.
struct VenueFlags: ParsableArguments {
    @Option(SettingCatalog.restEncoding) var encoding: RESTEncoding?
    @Option(SettingCatalog.pollInterval) var pollInterval: Double?
    @Option(SettingCatalog.parallel) var parallel: Int?
    @Option(SettingCatalog.restBaseURL) var baseURL: String?
    @Option(SettingCatalog.authorities) var ca: String?
    @Option(SettingCatalog.restSchema) var sbeSchema: String?
    @Option(SettingCatalog.weightLimit) var weightLimit: Int?
    @Option(SettingCatalog.requestTimeout) var timeout: Double?
    @Option(SettingCatalog.maxAttempts) var maxAttempts: Int?
    @Option(SettingCatalog.initialBackoff) var initialBackoff: Double?
    @Option(SettingCatalog.maxBackoff) var maxBackoff: Double?

    /// What the REST API and the archive have in common.
    struct Requests {
        let authorities: String?
        /// Seconds for one request.
        let timeout: Double
        let maximumAttempts: Int
        /// Longest first and longest later pause between attempts, seconds.
        let backoff: (initial: Double, longest: Double)
        /// Requests under way at once; nil for as many as are of use.
        let parallel: Int?
    }

    func requests(_ settings: inout Settings) throws -> Requests {
        Requests(
            authorities: try settings.optional(SettingCatalog.authorities, ca),
            timeout: try settings.value(SettingCatalog.requestTimeout, timeout),
            maximumAttempts: try settings.value(SettingCatalog.maxAttempts, maxAttempts),
            backoff: (
                try settings.value(SettingCatalog.initialBackoff, initialBackoff),
                try settings.value(SettingCatalog.maxBackoff, maxBackoff)
            ),
            parallel: try settings.optional(SettingCatalog.parallel, parallel))
    }

    /// How to talk to the REST API.
    ///
    /// - Parameter follows: a run that follows waits for as long as the venue asks: its end would end
    ///   the live stages of its pipeline.
    func client(
        follows: Bool, _ common: CommonOptions, _ settings: inout Settings
    ) throws -> VenueClient.Options {
        var options = VenueClient.Options()
        options.baseURL = try settings.value(SettingCatalog.restBaseURL, baseURL)
        let form = try settings.value(SettingCatalog.restEncoding, encoding)
        options.encoding =
            switch form {
            case .auto: .auto
            case .sbe: .sbe
            case .json: .json
            }
        options.schema = try settings.value(SettingCatalog.restSchema, sbeSchema)
        options.apiKey = try settings.optional(SettingCatalog.binanceAPIKey)
        options.weightLimit = try settings.optional(SettingCatalog.weightLimit, weightLimit)
        let requests = try requests(&settings)
        options.authorities = requests.authorities
        options.timeout = requests.timeout
        options.maximumAttempts = requests.maximumAttempts
        options.backoff = requests.backoff
        let shared = try settings.runtimeDirectory(common)
        options.share(in: shared.path, isNamed: shared.isNamed)
        if follows { options.longestPause = .infinity }
        return options
    }

    /// How pages are asked for.
    ///
    /// - Parameter rows: of one page.
    func rules(
        rows: Int, follows: Bool, includesOpen: Bool, source: SourceCode,
        _ settings: inout Settings
    ) throws -> Puller.Rules {
        Puller.Rules(
            parallel: try settings.optional(SettingCatalog.parallel, parallel), rows: rows,
            lagPause: 0.25, follows: follows,
            pollInterval: try settings.value(SettingCatalog.pollInterval, pollInterval),
            includesOpen: includesOpen,
            badReplies: try settings.value(SettingCatalog.maxAttempts, maxAttempts),
            source: source, baseURL: try settings.value(SettingCatalog.restBaseURL, baseURL))
    }
}
