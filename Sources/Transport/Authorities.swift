import Encoding
import Glibc

/// Which certificate authorities are trusted where no setting names a file.
enum Authorities {
    /// The file that the environment names, as for curl(1) and OpenSSL; nil for the system's own
    /// authorities. libcurl itself looks at none of these variables.
    static let ofEnvironment = variable("CURL_CA_BUNDLE") ?? variable("SSL_CERT_FILE")

    /// A directory of authorities in OpenSSL's form (`openssl rehash`).
    static let directoryOfEnvironment = variable("SSL_CERT_DIR")

    private static func variable(_ name: String) -> String? {
        guard let text = getenv(name).map({ CleanText.of(String(cString: $0)) }), !text.isEmpty
        else { return nil }
        return text
    }
}
