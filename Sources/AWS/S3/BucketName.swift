extension S3Client {
    /// Why a bucket's name cannot be used; nil for one that can. Tells what to use instead of an
    /// access point's ARN, a directory bucket and the like.
    ///
    /// Names that only AWS's oldest buckets and other stores have are taken: capitals, `_`, up to 255
    /// bytes. Source: Amazon S3 User Guide, "General purpose bucket naming rules".
    public static func refusal(ofBucket bucket: String) -> String? {
        if bucket.hasPrefix("arn:") {
            return "an ARN is not a bucket name; for an access point use its alias "
                + "(…-s3alias), which the console and GetAccessPoint show"
        }
        if let (_, what) = others.first(where: { bucket.hasSuffix($0.0) }) {
            return "\(what) not supported; use a general purpose bucket or the alias of an access "
                + "point (…-s3alias)"
        }
        if bucket.contains(":") {
            return "a bucket name has no colon; --endpoint-url names a server and its port"
        }
        let bytes = Array(bucket.utf8)
        let isName =
            (3...255).contains(bytes.count)
            && bytes.allSatisfy {
                isLetterOrDigit($0)
                    || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")]
                        .contains($0)
            }
        guard isName else {
            return "this is not a valid bucket name (3 to 255 of a-z A-Z 0-9 . _ -)"
        }
        guard isLetterOrDigit(bytes[0]), isLetterOrDigit(bytes[bytes.count - 1]) else {
            return "a bucket name begins and ends with a letter or digit"
        }
        if bucket.contains("..") { return "a bucket name does not have two dots in a row" }
        let numbers = bucket.split(separator: ".", omittingEmptySubsequences: false)
        if numbers.count == 4, numbers.allSatisfy({ UInt8($0) != nil }) {
            return "an address is not a bucket name; --endpoint-url names a server"
        }
        return nil
    }

    /// What has names with an end of its own and does not take the requests of a bucket.
    private static let others = [
        ("--x-s3", "directory buckets (S3 Express One Zone) are"),
        ("--xa-s3", "access points of directory buckets are"),
        ("--ol-s3", "Object Lambda access points, which objects cannot be stored through, are"),
        ("--op-s3", "access points on Outposts are"),
        ("--table-s3", "table buckets are"),
        (".mrap", "multi-region access points, which need another kind of signature, are"),
    ]

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
