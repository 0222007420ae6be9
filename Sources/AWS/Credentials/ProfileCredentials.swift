/// Credentials of a profile: a role to assume, keys, or a program to ask.
///
/// Source: AWS SDKs and Tools Reference Guide, "Assume role credential provider" and "Process
/// credential provider".
struct ProfileCredentials {
    let chain: CredentialChain
    let files: ProfileFiles

    /// Follows a profile, and the profiles that it names.
    ///
    /// - Parameter visited: profiles on the way here, so that a loop is found.
    /// - Returns: nil when the profile says nothing of credentials.
    func find(_ name: String, through visited: [String]) throws(AWSError) -> Credentials? {
        guard !visited.contains(name) else {
            throw failure(
                "source_profile has a cycle: \((visited + [name]).joined(separator: " > "))")
        }
        guard let profile = files.profile(name) else {
            // The default profile need not be there; one that is asked for must.
            if visited.isEmpty && name == "default" && !files.isSelectionExplicit { return nil }
            throw files.missing(name)
        }
        if let role = profile.settings["role_arn"] {
            return try assume(role, profile, through: visited)
        }
        if let keys = try keys(profile) { return keys }
        if let command = profile.settings["credential_process"] {
            return try CredentialProcess.run(
                command, of: profile.place(of: "credential_process"))
        }
        let signIn = SingleSignOn(environment: chain.environment, files: files)
        if let found = try signIn.credentials(profile) { return found }
        if profile.settings["login_session"] != nil {
            throw failure(
                "\(profile.place(of: "login_session")) uses login_session: an interactive sign-in, "
                    + "which is not supported",
                hint: "let the AWS CLI sign in, in a profile with credential_process = "
                    + "aws configure export-credentials --profile \(name) --format process")
        }
        guard visited.isEmpty else { throw failure("profile \(name) has no credentials") }
        return nil
    }

    private func keys(_ profile: Profile) throws(AWSError) -> Credentials? {
        let half =
            profile.settings["aws_access_key_id"] == nil
            ? "aws_secret_access_key" : "aws_access_key_id"
        // The files may have been rewritten since.
        return try CredentialChain.pair(
            profile.settings["aws_access_key_id"], profile.settings["aws_secret_access_key"],
            token: profile.settings["aws_session_token"] ?? profile.settings["aws_security_token"],
            source: "profile \(profile.name)",
            isRenewable: true, place: profile.place(of: half))
    }

    // MARK: - Roles

    private func assume(
        _ role: String, _ profile: Profile, through visited: [String]
    ) throws(AWSError) -> Credentials {
        let session = profile.settings["role_session_name"]
        let service = try chain.tokenService(profile)
        if let path = profile.settings["web_identity_token_file"] {
            return try service.assume(
                role: role, session: session, tokenFile: chain.environment.expanded(path))
        }
        guard profile.settings["mfa_serial"] == nil else {
            throw failure(
                "\(profile.place(of: "mfa_serial")) has mfa_serial: an interactive code, which is "
                    + "not supported"
            )
        }
        var duration: Int?
        if let text = profile.settings["duration_seconds"] {
            guard let seconds = Int(text), (900...43_200).contains(seconds) else {
                throw failure(
                    "duration_seconds of \(profile.place(of: "duration_seconds")) is not between "
                        + "900 and 43200")
            }
            duration = seconds
        }
        return try service.assume(
            role: role, session: session, externalID: profile.settings["external_id"],
            duration: duration, with: try base(profile, through: visited))
    }

    /// What a role is assumed with.
    private func base(
        _ profile: Profile, through visited: [String]
    ) throws(AWSError) -> Credentials {
        switch (profile.settings["source_profile"], profile.settings["credential_source"]) {
        case (let source?, nil):
            // A profile may name itself, for the keys that it holds.
            if source == profile.name, let keys = try keys(profile) { return keys }
            guard let found = try find(source, through: visited + [profile.name]) else {
                throw failure("profile \(source) has no credentials")
            }
            return found
        case (nil, let source?): return try surroundings(source, profile)
        case (nil, nil):
            throw failure(
                "\(profile.place(of: "role_arn")) has role_arn without source_profile or "
                    + "credential_source")
        default:
            throw failure(
                "\(profile.place(of: "source_profile")) has both source_profile and "
                    + "credential_source")
        }
    }

    private func surroundings(
        _ source: String, _ profile: Profile
    ) throws(AWSError) -> Credentials {
        let found: Credentials?
        switch source {
        case "Environment": found = try chain.fromEnvironment()
        case "Ec2InstanceMetadata": found = try MetadataService(chain.environment).instance()
        case "EcsContainer": found = try MetadataService(chain.environment).container()
        default:
            throw failure(
                "credential_source of \(profile.place(of: "credential_source")) is not one of "
                    + "Environment, Ec2InstanceMetadata and EcsContainer")
        }
        guard let found else {
            throw failure(
                "credential_source of \(profile.place(of: "credential_source")): \(source) has no credentials"
            )
        }
        return found
    }

    private func failure(_ message: String, hint: String = "") -> AWSError {
        CredentialChain.failure(message, hint: hint)
    }
}
