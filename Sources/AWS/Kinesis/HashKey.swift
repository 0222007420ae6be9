import COpenSSL

/// Places in a stream's space of 128-bit hash keys.
public enum HashKey {
    /// Where a partition key falls: the MD5 of its UTF-8 as a big-endian number.
    ///
    /// Source: Amazon Kinesis Data Streams Developer Guide, "Partition key".
    ///
    /// - Returns: nil where the library refuses MD5, as a FIPS provider does.
    public static func of(_ partitionKey: String) -> UInt128? {
        let bytes = Array(partitionKey.utf8)
        return digest(bytes.span.bytes).map { digest in
            digest.reduce(0) { $0 << 8 | UInt128($1) }
        }
    }

    /// False where the library refuses MD5: keys have no known place then, and containers cannot
    /// be made.
    public static var isComputable: Bool { of("") != nil }

    /// MD5 of some bytes (RFC 1321).
    static func digest(_ bytes: RawSpan) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: 16)
        var length: UInt32 = 0
        let isDone = bytes.withUnsafeBytes {
            EVP_Digest($0.baseAddress, $0.count, &digest, &length, EVP_md5(), nil) == 1
        }
        return isDone && length == 16 ? digest : nil
    }
}
