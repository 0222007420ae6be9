import Posix
import Transport

extension S3Client {
    /// Where the service asked to send the requests of a bucket to.
    struct Detour {
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
    private static let longestChain = 3
    /// Seconds for which a temporary redirect holds: a new bucket's name spreads in minutes to hours
    /// (Amazon S3 User Guide, "Request redirection and the REST API").
    private static let temporaryEnd: Int64 = 300

    /// Sends; a bucket in another region or at another host is followed there, and the request is
    /// signed again.
    mutating func send(
        _ call: ServiceCall, bucket: String, key: String?
    ) throws(AWSError) -> HTTPResponse {
        var call = call
        var followed = 0
        while true {
            do throws(AWSError) {
                return try service.send(call)
            } catch {
                guard followed < Self.longestChain, follow(error, bucket) else { throw error }
                followed += 1
                let place = try self.call(call.operation, call.method, bucket, key)
                call.endpoint = place.endpoint
                call.authority = place.authority
                call.path = place.path
            }
        }
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
        guard let region = region(in: error), region != service.region else { return false }
        detour = nil
        move(bucket, to: region)
        return true
    }

    private mutating func move(_ bucket: String, to region: String) {
        guard region != service.region else { return }
        configuration.onMove(bucket, service.region, region)
        service.region = region
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
        if let override {
            isKnown =
                target.host == override.host || target.isLoopback && override.isLoopback
                || target.host.hasSuffix("." + override.host)
        } else {
            isKnown = target.host.hasSuffix("." + Partition.of(region: service.region).domain)
        }
        let wasTLS = override?.isTLS ?? true
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
