import Encoding

/// What Kinesis says of a stream: the answer to `DescribeStreamSummary`.
public struct StreamSummary: Sendable, Equatable {
    /// The longest record that every stream takes, data and key, bytes. A stream that takes more
    /// says so.
    public static let standardRecordBytes = 1 << 20
    /// The longest that any stream can be made to take, bytes.
    private static let maximumRecordBytes = 10 << 20

    /// Such as `ACTIVE`, `CREATING`, `UPDATING` or `DELETING`.
    public let status: String
    /// The stream with its account, by the ARN in the answer; nil where there is none.
    public let stream: StreamReference?
    /// The longest record that the stream takes, data and key, bytes.
    public let recordBytes: Int

    /// Reads an answer; nil for bytes that are not one.
    ///
    /// Source: botocore 1.43.11, `StreamDescriptionSummary`; `MaxRecordSizeInKiB` is 1024 to 10240.
    public init?(_ body: [UInt8]) {
        var status: String?
        var arn: String?
        var kibibytes: Int64?
        var scanner = JSONScanner(body.span.bytes)
        do throws(JSONScanner.Failure) {
            var members = JSONScanner.Place()
            while let name = try scanner.nextKey(&members) {
                guard scanner.equals(name, "StreamDescriptionSummary") else {
                    try scanner.skip()
                    continue
                }
                var members = JSONScanner.Place()
                while let name = try scanner.nextKey(&members) {
                    if scanner.equals(name, "StreamStatus") {
                        status = try scanner.lenientText()
                    } else if scanner.equals(name, "StreamARN"), scanner.isAtString() {
                        arn = try scanner.lenientText()
                    } else if scanner.equals(name, "MaxRecordSizeInKiB"),
                        let digit = scanner.peek(), (0x30...0x39).contains(digit)
                    {
                        kibibytes = (try scanner.decimal().rescaled(to: 0)).flatMap {
                            Int64(exactly: $0)
                        }
                    } else {
                        try scanner.skip()
                    }
                }
            }
        } catch {}
        guard let status else { return nil }
        self.status = status
        stream = arn.flatMap { StreamReference($0) }
        // A number from outside: only one that a stream can have is believed.
        let limit = kibibytes.flatMap { (1...10_240).contains($0) ? Int($0) << 10 : nil }
        recordBytes = min(limit ?? Self.standardRecordBytes, Self.maximumRecordBytes)
    }
}
