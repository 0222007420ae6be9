import Glibc
import Posix

/// A certificate authority for this run alone, and the server's certificate from it, made by
/// running `openssl`.
enum TestCA {
    /// What could not be made.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// Writes `ca.pem`, `server.pem` and their keys into a directory, which is made when it is not
    /// there.
    ///
    /// - Returns: the paths of the authority, the certificate and its key.
    static func make(in directory: String) throws -> (ca: String, certificate: String, key: String)
    {
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw Failure(
                description: "cannot make \(directory): \(String(cString: strerror(errno)))")
        }
        func path(_ name: String) -> String { "\(directory)/\(name)" }
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try openssl(
            ["req", "-x509"] + curve + [
                "-keyout", path("ca.key"), "-out", path("ca.pem"), "-days", "30",
                "-subj", "/CN=exchange-sim test CA",
                "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign",
            ])
        // The authority signs the server's certificate in the same step.
        try openssl(
            ["req", "-x509"] + curve + [
                "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
                "-keyout", path("server.key"), "-out", path("server.pem"), "-days", "30",
                "-subj", "/CN=localhost", "-addext", "basicConstraints=critical,CA:FALSE",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                "-addext", "extendedKeyUsage=serverAuth",
            ])
        return (path("ca.pem"), path("server.pem"), path("server.key"))
    }

    private static func openssl(_ arguments: [String]) throws {
        // openssl draws its progress on stderr.
        let pid = try Spawn.start(["openssl"] + arguments, input: .null, errors: .null)
        guard Spawn.wait(for: pid) == 0 else {
            throw Failure(description: "openssl \(arguments.joined(separator: " ")) failed")
        }
    }
}
