import Encoding
import Posix
import Transport

/// What the operator is told of the venue's answers, and what of it was told already.
struct VenueNotices {
    /// Gets each notice when it arises.
    var report: (VenueClient.Notice) -> Void = { _ in }

    private let baseURL: String
    private let schema: String
    private var hasToldOfDeprecation = false
    private var hasToldOfVersion = false

    init(_ options: VenueClient.Options) {
        baseURL = options.baseURL
        schema = options.schema
    }

    /// Tells of something that an operator should look at.
    func warn(_ text: String, _ cause: VenueClient.Cause) {
        report(VenueClient.Notice(isWarning: true, text: text.withoutUserInfo, cause: cause))
    }

    /// Tells that a request is sent again.
    func noteRetry(
        of request: VenueClient.Request, because reason: String, after pause: Double
    ) {
        report(
            VenueClient.Notice(
                // A pause that a person would take for a hang is worth a warning.
                isWarning: request.attempts > 2 || pause >= 5,
                text: "\(baseURL) \(request.endpoint.rawValue): \(reason); attempt "
                    + "\(request.attempts + 1) in \(Spoken.seconds(pause))",
                cause: .retry))
    }

    /// Tells once that the schema that is asked for has a newer version, or will go.
    mutating func noteSchema(of response: HTTPResponse) {
        if response.header("x-mbx-sbe-deprecated") != nil, !hasToldOfDeprecation {
            hasToldOfDeprecation = true
            warn(
                "the venue marks SBE schema \(schema) as deprecated: set binance.rest_sbe_schema",
                .once)
        }
        if response.status == 200, response.isSBE { noteVersion(of: response.body) }
    }

    /// What a newer version adds is passed over, and worth a look.
    private mutating func noteVersion(of body: [UInt8]) {
        guard !hasToldOfVersion, body.count >= 8,
            let asked = schema.split(separator: ":").last.flatMap({ Int($0) })
        else { return }
        let version = Int(body[6]) | Int(body[7]) << 8
        guard version > asked else { return }
        hasToldOfVersion = true
        report(
            VenueClient.Notice(
                isWarning: false,
                text: "the venue answers in version \(version) of its SBE schema instead of "
                    + "\(schema): new fields are ignored",
                cause: .once))
    }
}
