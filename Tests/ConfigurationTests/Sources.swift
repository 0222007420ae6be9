@testable import Configuration

/// Sources of settings as a test writes them.
func sources(
    _ yaml: String?, _ environment: [String: String] = [:], env: String? = nil
) -> ConfigurationSources {
    var variables = Variables(environment)
    let environmentFile = env.map {
        EnvFile(path: "x.env", bytes: Array($0.utf8), variables: variables)
    }
    if let environmentFile { variables.add(environmentFile) }
    let file = yaml.map {
        ConfigFile(path: "x.yaml", bytes: Array($0.utf8), variables: variables)
    }
    return ConfigurationSources(
        file: file, environmentFile: environmentFile, variables: variables)
}
