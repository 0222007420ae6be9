import Glibc

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
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // openssl draws its progress on stderr.
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        var argv = (["openssl"] + arguments).map { strdup($0) } + [nil]
        defer { for text in argv { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, "openssl", &actions, nil, &argv, environ)
        guard code == 0 else {
            throw Failure(description: "cannot run openssl: \(String(cString: strerror(code)))")
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        guard status == 0 else {
            throw Failure(description: "openssl \(arguments.joined(separator: " ")) failed")
        }
    }
}
