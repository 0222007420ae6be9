import Posix

/// Secrets in files, which count as variables that are not set otherwise.
///
/// - A credential of a unit (`LoadCredential=`, systemd.exec(5)): the file `binance-api-key` in
///   `$CREDENTIALS_DIRECTORY` is the variable `BINANCE_API_KEY`.
/// - The file that `NAME_FILE` names is the variable NAME of a secret, as containers have it.
///
/// So that no process shows them in its environment, which its children inherit. What surrounds a
/// secret in its file, such as the end of a line, is no part of it.
struct SecretFiles {
    /// Most bytes of a secret.
    private static let longest = 64 << 10

    /// The environment with what the files hold.
    private(set) var environment: [String: String]
    /// The file that a variable comes from.
    private(set) var paths: [String: String] = [:]

    /// Reads the files.
    ///
    /// - Throws: ``ConfigurationError`` for a file that is named and cannot be read, or is empty.
    init(_ environment: [String: String]) throws(ConfigurationError) {
        self.environment = environment
        let known = Set(
            SettingCatalog.declarations.flatMap { [$0.variable] + $0.aliases })
        // A variable that is set wins, by whichever of its names, also one that is empty: that is
        // refused later.
        let secrets = SettingCatalog.declarations.filter { secret in
            secret.isSecret && secret.variables.allSatisfy { environment[$0.name] == nil }
        }
        for secret in secrets {
            for name in [secret.variable] + secret.aliases where !known.contains("\(name)_FILE") {
                guard let path = environment["\(name)_FILE"], !path.isEmpty else { continue }
                try take(path, as: name)
            }
        }
        guard let folder = environment["CREDENTIALS_DIRECTORY"], !folder.isEmpty else { return }
        for secret in secrets {
            for name in [secret.variable] + secret.aliases {
                let path = "\(folder)/\(Self.credential(of: name))"
                if Files.exists(path) { try take(path, as: name) }
            }
        }
    }

    /// What the credential of a variable is called: `binance-api-key`.
    private static func credential(of name: String) -> String {
        name.lowercased().replacing("__", with: "-").replacing("_", with: "-")
    }

    private mutating func take(_ path: String, as name: String) throws(ConfigurationError) {
        guard environment[name] == nil else { return }
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Files.read(path, limit: Self.longest) } catch {
            throw ConfigurationError("\(name): \(error)")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        let inner = text.drop { $0.isWhitespace }
        guard let last = inner.lastIndex(where: { !$0.isWhitespace }) else {
            throw ConfigurationError(
                "\(path): \(name) is empty: put the secret into the file, or remove the file")
        }
        environment[name] = String(inner[...last])
        paths[name] = path
    }
}
