import COpenSSL
import Posix

/// A hash of bytes that come in pieces, by OpenSSL.
struct Hash: ~Copyable {
    private let context: OpaquePointer?
    private let length: Int

    private init(_ algorithm: OpaquePointer?, length: Int) {
        context = EVP_MD_CTX_new()
        self.length = length
        guard EVP_DigestInit_ex(context, algorithm, nil) == 1 else {
            preconditionFailure("OpenSSL does not have the hash")
        }
    }

    deinit { EVP_MD_CTX_free(context) }

    /// FIPS 180-4.
    static func sha256() -> Hash { Hash(EVP_sha256(), length: 32) }
    /// RFC 1321; finds damage, proves nothing.
    static func md5() -> Hash { Hash(EVP_md5(), length: 16) }

    mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    consuming func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: length)
        _ = EVP_DigestFinal_ex(context, &digest, nil)
        return digest
    }
}

/// SHA-256 (FIPS 180-4) of bytes in memory, by OpenSSL.
enum SHA256 {
    static func of(_ bytes: [UInt8]) -> [UInt8] {
        var digest = Hash.sha256()
        digest.update(bytes.span.bytes)
        return digest.finish()
    }

    /// HMAC-SHA-256 (RFC 2104).
    static func authentication(of bytes: [UInt8], key: [UInt8]) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 32
        _ = HMAC(EVP_sha256(), key, Int32(key.count), bytes, bytes.count, &code, &length)
        return code
    }
}

/// Bytes as text.
enum Text {
    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Base64 with padding (RFC 4648, section 4).
    static func base64(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits: UInt32 = 0
            for (place, byte) in group.enumerated() { bits |= UInt32(byte) << (16 - 8 * place) }
            for place in 0..<4 {
                text.append(
                    place <= group.count
                        ? digits[Int(bits >> (18 - 6 * place) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A checksum as S3 writes it: base64 of the big-endian bytes.
    static func base64(_ checksum: UInt32) -> String {
        base64((0..<4).map { UInt8(truncatingIfNeeded: checksum >> (24 - 8 * $0)) })
    }

    /// Percent-encodes every byte outside `A-Za-z0-9-._~` (RFC 3986, section 2.3), upper-case.
    static func percentEncoded(_ text: some StringProtocol, keepingSlashes: Bool = false) -> String
    {
        var encoded: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.append(byte)
            case UInt8(ascii: "/") where keepingSlashes: encoded.append(byte)
            default:
                encoded.append(UInt8(ascii: "%"))
                encoded.append(digits[Int(byte >> 4)])
                encoded.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    /// Without white space at both ends.
    static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
