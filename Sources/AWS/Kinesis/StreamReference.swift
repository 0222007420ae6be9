/// A Kinesis data stream: by its whole ARN, or by its name in the account of the credentials.
///
/// Two ARNs that differ anywhere are two streams, and an ARN and a name are as well: whose stream
/// a name means is not known before the service says so.
public struct StreamReference: Sendable, Hashable, CustomStringConvertible {
    /// Where an ARN says that a stream is.
    public struct Place: Sendable, Hashable {
        /// Such as `aws` or `aws-cn`.
        public let partition: String
        /// Such as `eu-west-1`.
        public let region: String
        /// Twelve digits.
        public let account: String
    }

    /// The name alone, which may be that of streams in several accounts.
    public let name: String
    /// The rest of the ARN; nil for a stream of the caller's own account.
    public let place: Place?

    /// Takes a name (1 to 128 of `a-z A-Z 0-9 _ . -`) or an ARN; nil for anything else.
    ///
    /// Source: the Kinesis service model of botocore 1.43, `StreamName` and `StreamARN`.
    public init?(_ text: String) {
        if text.hasPrefix("arn:") {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
                .map(String.init)
            guard parts.count == 6, parts[2] == "kinesis", parts[5].hasPrefix("stream/"),
                parts[1].hasPrefix("aws"), Self.isWord(parts[1]), Self.isWord(parts[3]),
                parts[4].utf8.count == 12, parts[4].utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
            place = Place(partition: parts[1], region: parts[3], account: parts[4])
            name = String(parts[5].dropFirst("stream/".count))
        } else {
            place = nil
            name = text
        }
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard (1...128).contains(name.utf8.count), isPlain, name != ".", name != ".." else {
            return nil
        }
    }

    /// Lower-case letters, digits and hyphens, as in partitions and regions; 1 to 64 of them.
    static func isWord(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D
            }
    }

    /// The whole ARN; nil for a stream that is known by its name.
    public var arn: String? {
        place.map {
            "arn:\($0.partition):kinesis:\($0.region):\($0.account):stream/\(name)"
        }
    }

    /// The ARN, or else the name: what tells two streams apart.
    public var description: String { arn ?? name }

    /// A name for a directory, which ``init(directoryName:)`` takes back.
    public var directoryName: String { arn.map { $0.replacing("/", with: "%2F") } ?? name }

    /// A stream by the name of its directory; nil for other names.
    public init?(directoryName: String) {
        self.init(directoryName.replacing("%2F", with: "/"))
    }

    /// A short name for figures, where the region is always the same one: `ACCOUNT/NAME`, or the
    /// name.
    public var shortName: String { place.map { "\($0.account)/\(name)" } ?? name }

    /// The region that some streams are in.
    ///
    /// - Parameter given: what else says which region it is; nil when nothing does.
    /// - Returns: `given`, or the region of the ARNs where nothing is given; nil for neither.
    /// - Throws: when ARNs contradict it or each other: a request for a stream of another region or
    ///   partition can only fail.
    public static func region(
        of streams: [StreamReference], given: String?
    ) throws(AWSError) -> String? {
        var region = given
        var origin = "the region \(given ?? "") that is set"
        for stream in streams {
            guard let place = stream.place else { continue }
            if let region, region != place.region {
                throw refusal(stream, "is in \(place.region), which contradicts \(origin)")
            }
            let partition = Partition.of(region: place.region).name
            guard partition == place.partition else {
                throw refusal(
                    stream,
                    "is of the partition \(place.partition), but \(place.region) is of "
                        + partition)
            }
            if region == nil { origin = "\(stream), in \(place.region)" }
            region = place.region
        }
        return region
    }

    private static func refusal(_ stream: StreamReference, _ message: String) -> AWSError {
        AWSError(
            .configuration, service: "kinesis", operation: "find region",
            message: "the stream \(stream) \(message)",
            hint: "one kinesis-put writes to the streams of one region")
    }

    /// The member of a request that names it. No character of it needs an escape.
    var member: String { arn.map { "\"StreamARN\":\"\($0)\"" } ?? "\"StreamName\":\"\(name)\"" }
}
