import Posix

/// One profile of the shared files.
struct Profile {
    let name: String
    /// Settings by lower-case name; those of the credentials file win.
    let settings: [String: String]
    /// Where each of them is: `FILE:LINE`.
    let places: [String: String]

    init(name: String, _ sections: [ProfileFile.Section]) {
        self.name = name
        let merged = sections.reduce(into: ProfileFile.Section()) { $0.merge($1) { $1 } }
        settings = merged.mapValues(\.text)
        places = merged.mapValues(\.place)
    }

    /// A setting's place and the profile, for errors: `profile x (~/.aws/config:3)`.
    func place(of key: String) -> String {
        places[key].map { "profile \(name) (\($0))" } ?? "profile \(name)"
    }
}

/// Both shared files, and which profile the environment selects.
struct ProfileFiles {
    private let credentials: ProfileFile
    private let config: ProfileFile
    /// The files that were looked for, in words.
    let paths: String
    /// `AWS_PROFILE`, else `default`.
    let selected: String
    /// True when the environment names a profile, which then must be there.
    let isSelectionExplicit: Bool

    /// Reads both files.
    ///
    /// - Throws: when a file is there and cannot be read.
    init(_ environment: Environment) throws(AWSError) {
        let asked = environment["AWS_PROFILE"] ?? environment["AWS_DEFAULT_PROFILE"]
        selected = asked ?? "default"
        isSelectionExplicit = asked != nil
        let home = environment.home
        let credentialsPath =
            environment["AWS_SHARED_CREDENTIALS_FILE"].map(environment.expanded)
            ?? home.map { "\($0)/.aws/credentials" }
        let configPath =
            environment["AWS_CONFIG_FILE"].map(environment.expanded)
            ?? home.map { "\($0)/.aws/config" }
        credentials = try ProfileFiles.file(credentialsPath, isConfig: false)
        config = try ProfileFiles.file(configPath, isConfig: true)
        paths =
            [credentialsPath, configPath].compactMap(\.self).joined(separator: ", ")
    }

    private static func file(_ path: String?, isConfig: Bool) throws(AWSError) -> ProfileFile {
        guard let path else { return ProfileFile() }
        do {
            return try ProfileFile(path: path, isConfig: isConfig)
        } catch {
            throw AWSError(
                .configuration, service: "", operation: "read profile", message: "\(error)")
        }
    }

    /// A profile; nil when it is in neither file.
    func profile(_ name: String) -> Profile? {
        let sets = [config.profiles[name], credentials.profiles[name]].compactMap(\.self)
        return sets.isEmpty ? nil : Profile(name: name, sets)
    }

    /// The profile that is selected; nil when none is asked for and there is no `default`.
    ///
    /// - Throws: when one is asked for and is nowhere.
    func selectedProfile() throws(AWSError) -> Profile? {
        if let profile = profile(selected) { return profile }
        guard isSelectionExplicit else { return nil }
        throw missing(selected)
    }

    /// The error for a profile that is asked for and nowhere.
    func missing(_ name: String) -> AWSError {
        AWSError(
            .configuration, service: "", operation: "read profile",
            message: "profile \(name) is in neither the credentials nor the config file (\(paths))",
            hint: credentials.misnamed[name] ?? config.misnamed[name] ?? "")
    }

    /// The section `[sso-session NAME]`; nil when it is not there.
    func ssoSession(_ name: String) -> ProfileFile.Section? { config.ssoSessions[name] }

    /// The endpoint that the selected profile names for a service: in its `services` section,
    /// else for all.
    ///
    /// - Parameter service: `kinesis`, `s3`, `cloudwatch` or `sts`.
    func endpoint(of service: String) throws(AWSError) -> String? {
        guard let profile = try selectedProfile() else { return nil }
        if let name = profile.settings["services"] {
            guard let section = config.services[name] else {
                throw AWSError(
                    .configuration, service: "", operation: "read profile",
                    message: "\(profile.place(of: "services")) names [services \(name)], which is "
                        + "not there")
            }
            if let endpoint = section["\(service).endpoint_url"]?.text, !endpoint.isEmpty {
                return endpoint
            }
        }
        return profile.settings["endpoint_url"].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// The region of an environment: `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's `region`, then
/// that of the EC2 instance.
public enum Region {
    /// Resolves it.
    ///
    /// Where nothing says it the machine's metadata service is asked, which elsewhere than on EC2 may
    /// take a second without an answer.
    ///
    /// - Throws: when none is set, or a profile file cannot be read.
    public static func resolve(_ environment: Environment = .process) throws(AWSError) -> String {
        if let region = try find(environment) { return region }
        if let region = MetadataService(environment).region() { return region }
        throw AWSError(
            .configuration, service: "", operation: "find region", message: "no region is set",
            hint: "set AWS_REGION, or region in the profile")
    }

    /// The region, or nil when none is set.
    ///
    /// - Throws: when a profile file cannot be read.
    public static func find(_ environment: Environment = .process) throws(AWSError) -> String? {
        if let region = environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] {
            return region
        }
        let profile = try ProfileFiles(environment).selectedProfile()
        return profile?.settings["region"].flatMap { $0.isEmpty ? nil : $0 }
    }
}
