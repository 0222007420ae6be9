public import ArgumentParser
import AWS
public import BronzeAccess
public import Configuration
import Posix
public import Stage

/// The options of a tool that reads objects from buckets.
public struct BucketReadingOptions: ParsableArguments {
    @Option(SettingCatalog.region) var region: String?
    @Option(SettingCatalog.endpoint) var endpointURL: String?

    /// For ArgumentParser.
    public init() {}

    /// How S3 is reached, once it is needed: a directory and a public bucket need neither region nor
    /// credentials.
    public func reading(_ settings: inout Settings) throws -> BucketReading {
        let region = try settings.optional(SettingCatalog.region, region)
        return BucketReading(
            environment: try AWS.Environment(&settings), region: region,
            endpoint: try settings.optional(SettingCatalog.endpoint, endpointURL),
            credentials: try ConfiguredCredentials(region: region ?? "us-east-1", &settings))
    }
}

/// How S3 is reached by a tool that reads. Holds secrets: never part of a message.
public struct BucketReading: Sendable {
    let environment: AWS.Environment
    /// Nil for that of the environment.
    package let region: String?
    /// Nil for AWS's own.
    package let endpoint: String?
    let credentials: ConfiguredCredentials

    /// The place of a URL or path.
    public func source(_ text: String, _ log: Log) throws -> ObjectSource {
        var policy = RetryPolicy()
        // What is only read can be asked for again by whoever ran this.
        policy.shouldStop = { StopRequest.isMade }
        policy.onRetry = { log.warning("attempt \($0.attempt + 1) follows: \($0.error)") }
        return try ObjectSource(ObjectURL(text), policy: policy) {
            let location = try ServiceLocation(
                "s3", environment: environment, region: region, endpoint: endpoint)
            var configuration = S3Configuration(location)
            configuration.policy = policy
            return S3Reach(configuration, credentials.provider(log))
        }
    }
}
