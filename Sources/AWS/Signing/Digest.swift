import COpenSSL
import Digests
import Encoding
import Posix

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
