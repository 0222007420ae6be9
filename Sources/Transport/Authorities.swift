import Glibc

/// Which certificate authorities are trusted where no setting names a file.
enum Authorities {
    /// The file that the environment names, as for curl(1) and OpenSSL; nil for the system's own
    /// authorities. libcurl itself looks at neither variable.
    static let ofEnvironment: String? =
        ["CURL_CA_BUNDLE", "SSL_CERT_FILE"].compactMap(variable).first { !$0.isEmpty }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
