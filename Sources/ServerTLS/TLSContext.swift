import COpenSSL

/// What a TLS server shows its clients: a certificate chain and its key, for TLS 1.2 and later.
///
/// One context serves all connections of a server, from any thread: OpenSSL counts its references.
package final class TLSContext: @unchecked Sendable {
    /// Why files could not be used for TLS, in OpenSSL's words.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// Owned; freed in `deinit`.
    let context: OpaquePointer

    /// Reads PEM files.
    ///
    /// - Parameters:
    ///   - certificate: the server's certificate, followed by those that lead to its authority.
    ///   - key: its private key, without a passphrase.
    /// - Throws: `Failure` that names the file.
    package init(certificate: String, key: String) throws(Failure) {
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw Failure(description: "cannot start TLS: \(Self.reason())")
        }
        self.context = context
        copenssl_set_minimum_version(context, TLS1_2_VERSION)
        copenssl_forbid_renegotiation(context)
        // Without this OpenSSL would ask for a passphrase on the terminal.
        SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
        guard SSL_CTX_use_certificate_chain_file(context, certificate) == 1 else {
            throw Failure(description: "cannot use certificate \(certificate): \(Self.reason())")
        }
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw Failure(description: "cannot use private key \(key): \(Self.reason())")
        }
    }

    deinit {
        SSL_CTX_free(context)
    }

    /// The oldest error of this thread in words; the others are forgotten.
    static func reason() -> String {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return "unknown TLS error" }
        if let text = ERR_reason_error_string(code) { return String(cString: text) }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
