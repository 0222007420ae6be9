/// The programs that read settings.
public enum Program: String, CaseIterable, Sendable {
    case sbeTap = "sbe-tap"
    case restPull = "rest-pull"
    case dedup
    case fanOut = "fan-out"
    case s3Put = "s3-put"
    case kinesisPut = "kinesis-put"
    case healthd
    case recq
    case ledgerctl

    /// The sources of the venue's records.
    static let sources: Set<Self> = [.sbeTap, .restPull]
    /// Those that deliver records.
    static let sinks: Set<Self> = [.s3Put, .kinesisPut]
    /// Those that write objects.
    static let objectWriters: Set<Self> = [.s3Put, .ledgerctl]
    /// Those that call AWS.
    static let cloud: Set<Self> = [.restPull, .s3Put, .kinesisPut, .healthd, .recq, .ledgerctl]
    /// Those that read or write objects of a bucket.
    static let buckets: Set<Self> = [.restPull, .s3Put, .recq, .ledgerctl]
    /// Those that a pipeline is made of, and the one that watches them.
    static let stages: Set<Self> = [
        .sbeTap, .restPull, .dedup, .fanOut, .s3Put, .kinesisPut, .healthd,
    ]
    /// All of them.
    static let all = Set(allCases)
}
