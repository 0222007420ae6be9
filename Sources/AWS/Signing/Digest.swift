import COpenSSL
import Encoding
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

/// SHA-1 as the AWS CLI uses it: for names of files, not for secrets.
enum FileNameDigest {
    /// 40 hexadecimal digits.
    static func text(of name: String) -> String {
        let bytes = Array(name.utf8)
        var digest = [UInt8](repeating: 0, count: 20)
        _ = SHA1(bytes, bytes.count, &digest)
        return Hex.text(digest)
    }
}

/// Texts of files and answers.
enum Text {
    /// Without white space at both ends.
    static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }
}
