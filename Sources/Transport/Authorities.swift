import Encoding
import Glibc
import Posix

/// Which certificate authorities are trusted where no setting names a file.
enum Authorities {
    /// The file that the environment names, as for curl(1) and OpenSSL; nil for the system's own
    /// authorities. libcurl itself looks at none of these variables.
    static let ofEnvironment = variable("CURL_CA_BUNDLE") ?? variable("SSL_CERT_FILE")

    /// A directory of authorities in OpenSSL's form (`openssl rehash`).
    static let directoryOfEnvironment = variable("SSL_CERT_DIR")

    /// Why curl could make nothing of the file that it was given: which one it is, and what is
    /// wrong with it. Its own words for that (`CURLE_SSL_CACERT_BADFILE`) name no file.
    ///
    /// - Parameter file: what a setting names; nil where none does.
    static func objection(to file: String?) -> String {
        guard let file = file ?? ofEnvironment else {
            return "the system's certificate authorities cannot be read"
        }
        do throws(SystemError) {
            let mode = try Descriptor.openInput(file).status().st_mode
            return mode & S_IFMT == S_IFDIR
                ? "the certificate authorities \(file) are a directory, not a file"
                : "the file \(file) has no certificate authority in PEM form"
        } catch { return "certificate authorities: \(error)" }
    }

    private static func variable(_ name: String) -> String? {
        guard let text = getenv(name).map({ CleanText.of(String(cString: $0)) }), !text.isEmpty
        else { return nil }
        return text
    }
}
