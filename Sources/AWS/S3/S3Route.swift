import Encoding
import Posix
import Transport

/// Where the requests of a bucket go: to the service, to an endpoint that was asked for, or to where
/// the service's answers sent them.
struct S3Route {
    /// Where the service asked to send the requests of a bucket to.
    private struct Detour {
        let bucket: String
        let endpoint: Endpoint
        /// True for a host of the bucket alone, which is not in the path then.
        let isBucketHost: Bool
        /// Until when it is followed, ns of the monotonic clock.
        let end: Int64

        func isFor(_ bucket: String) -> Bool {
            bucket == self.bucket && Clock.monotonicNanoseconds() < end
        }
    }

    /// Redirects that one call follows.
    static let longestChain = 3
    /// Seconds for which a temporary redirect holds: a new bucket's name spreads in minutes to hours
    /// (Amazon S3 User Guide, "Request redirection and the REST API").
    private static let temporaryEnd: Int64 = 300

    /// What requests are signed for.
    private(set) var region: String
    private let configuration: S3Configuration
    /// Asked for instead of the service's own.
    private let endpoint: Endpoint?
    private var detour: Detour?

    init(_ configuration: S3Configuration, endpoint: Endpoint?) {
        self.configuration = configuration
        self.endpoint = endpoint
        region = configuration.region
    }

    /// The address of a bucket or of an object in it, in the style that is set.
    func target(
        of bucket: String, _ key: String?
    ) -> (endpoint: Endpoint, authority: String, path: String) {
        let detour = detour.flatMap { $0.isFor(bucket) ? $0 : nil }
        let place =
            detour?.endpoint ?? endpoint
            ?? Endpoint(
                service: "s3", region: region, isFIPS: configuration.usesFIPS,
                isDualStack: configuration.usesDualStack)
        let path = key.map { "/" + $0.percentEncoded(keeping: "-._~/") } ?? ""
        let inPath =
            detour.map { !$0.isBucketHost } ?? configuration.usesPathStyle ?? (endpoint != nil)
            || place.isAddress
            || place.isTLS && bucket.contains(".") || bucket.contains("_")
            || bucket.lowercased() != bucket
        return (
            place,
            place.authority(bucket: inPath || detour?.isBucketHost == true ? nil : bucket),
            inPath ? "/\(bucket)\(path)" : path.isEmpty ? "/" : path
        )
    }

    /// Takes over where a refusal says that a bucket is.
    ///
    /// - Returns: false when it says nothing, nothing new, or what must not be followed.
    mutating func follow(_ error: AWSError, _ bucket: String) -> Bool {
        let isRedirect = [301, 302, 307, 308].contains(error.status)
        guard isRedirect || error.status == 400 || error.status == 403 else { return false }
        if isRedirect, let location = error.location,
            let detour = detour(to: location, error, bucket)
        {
            self.detour = detour
            if let region = region(in: error) { move(bucket, to: region) }
            return true
        }
        guard let region = region(in: error), region != self.region else { return false }
        detour = nil
        move(bucket, to: region)
        return true
    }

    private mutating func move(_ bucket: String, to region: String) {
        guard region != self.region else { return }
        configuration.onMove(bucket, self.region, region)
        self.region = region
    }

    /// The region becomes part of a host name.
    private func region(in error: AWSError) -> String? {
        error.bucketRegion.flatMap { StreamReference.isWord($0) ? $0 : nil }
    }

    /// A redirect's target where it is the same service still: a signed request tells whoever reads
    /// it what may be stored.
    private func detour(to location: String, _ error: AWSError, _ bucket: String) -> Detour? {
        let start = location.lowercased().hasPrefix("https://") ? 8 : 7
        let authority = location.dropFirst(start).prefix { !"/?#".contains($0) }
        let path = location.dropFirst(start + authority.count).prefix { $0 != "?" && $0 != "#" }
        guard let target = Endpoint(location.prefix(start) + authority) else { return nil }
        let now = Clock.monotonicNanoseconds()
        let isPermanent = error.status == 301 || error.status == 308
        let isBucketHost =
            target.host.hasPrefix(bucket.lowercased() + ".")
            && path != "/\(bucket)" && !path.hasPrefix("/\(bucket)/")
        let isKnown: Bool
        if let endpoint {
            isKnown =
                target.host == endpoint.host || target.isLoopback && endpoint.isLoopback
                || target.host.hasSuffix("." + endpoint.host)
        } else {
            isKnown = target.host.hasSuffix("." + Partition.of(region: region).domain)
        }
        let wasTLS = endpoint?.isTLS ?? true
        guard isKnown, target.isTLS || !wasTLS else { return nil }
        // Sent to where it came from it would come again.
        let current = detour.flatMap { $0.isFor(bucket) ? $0 : nil }
        if let current, current.endpoint == target, current.isBucketHost == isBucketHost {
            return nil
        }
        return Detour(
            bucket: bucket, endpoint: target, isBucketHost: isBucketHost,
            end: isPermanent ? .max : now + Self.temporaryEnd * 1_000_000_000)
    }
}
