import COpenSSL
import Encoding
import Posix

/// A hash of bytes that come in pieces, by OpenSSL.
public struct Hash: ~Copyable {
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
    public static func sha256() -> Hash { Hash(EVP_sha256(), length: 32) }
    /// RFC 1321; finds damage, proves nothing.
    public static func md5() -> Hash { Hash(EVP_md5(), length: 16) }

    /// Adds some bytes.
    public mutating func update(_ bytes: RawSpan) {
        bytes.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
    }

    /// The digest of all bytes.
    public consuming func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: length)
        _ = EVP_DigestFinal_ex(context, &digest, nil)
        return digest
    }
}

extension Hash {
    /// SHA-256 of bytes in memory, in hexadecimal.
    public static func sha256(of bytes: [UInt8]) -> String {
        var hash = sha256()
        hash.update(bytes.span.bytes)
        return Hex.text(hash.finish())
    }
}
