public import AWS
public import Configuration

extension AWS.Environment {
    /// The process's variables with those of the file beside the configuration, and with what the
    /// configuration says of how every service is reached.
    public init(_ settings: inout Settings) throws(ConfigurationError) {
        var variables = settings.variables
        if let file = try settings.optional(SettingCatalog.awsAuthorities) {
            variables["AWS_CA_BUNDLE"] = file
        }
        self = AWS.Environment.process.replacing(variables)
    }
}
