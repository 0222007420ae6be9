import Posix

/// The profile of the shared files that the environment selects.
struct Profile {
    let name: String
    /// Settings by lower-case name; those of the credentials file win.
    let settings: [String: String]
    /// False when neither file names it.
    let isPresent: Bool

    /// Reads both files.
    ///
    /// - Throws: when a file is there and cannot be read, or a profile was asked for by name and
    ///   is nowhere.
    init(_ environment: Environment) throws(AWSError) {
        let asked = environment["AWS_PROFILE"]
        name = asked ?? "default"
        let home = environment["HOME"]
        let credentials = try Profile.file(
            environment["AWS_SHARED_CREDENTIALS_FILE"] ?? home.map { "\($0)/.aws/credentials" },
            isConfig: false)
        let config = try Profile.file(
            environment["AWS_CONFIG_FILE"] ?? home.map { "\($0)/.aws/config" }, isConfig: true)
        isPresent = credentials?.profiles[name] != nil || config?.profiles[name] != nil
        settings = (config?.profiles[name] ?? [:])
            .merging(credentials?.profiles[name] ?? [:]) { $1 }
        if let asked, !isPresent {
            throw AWSError(
                .configuration, service: "", operation: "read profile",
                message:
                    "profile \(asked) is in neither the credentials nor the config file")
        }
    }

    private static func file(_ path: String?, isConfig: Bool) throws(AWSError) -> ProfileFile? {
        guard let path else { return nil }
        do throws(SystemError) {
            return try ProfileFile(path: path, isConfig: isConfig)
        } catch {
            throw AWSError(
                .configuration, service: "", operation: "read profile", message: "\(error)")
        }
    }
}

/// The region of an environment: `AWS_REGION`, `AWS_DEFAULT_REGION`, then the profile's `region`.
public enum Region {
    /// Resolves it.
    ///
    /// - Throws: when none is set, or a profile file cannot be read.
    public static func resolve(_ environment: Environment = .process) throws(AWSError) -> String {
        if let region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] {
            return region
        }
        if let region = try Profile(environment).settings["region"], !region.isEmpty {
            return region
        }
        throw AWSError(
            .configuration, service: "", operation: "find region", message: "no region is set",
            hint: "set AWS_REGION, or region in the profile")
    }
}
