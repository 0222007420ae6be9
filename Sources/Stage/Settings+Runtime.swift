public import Configuration
import Posix

extension Settings {
    /// The directory in which the stages of this host leave small files for each other: that of the
    /// stats files.
    ///
    /// - Returns: the path, and true when someone named it, be it by `XDG_RUNTIME_DIR`.
    public mutating func runtimeDirectory(
        _ common: CommonOptions
    ) throws(ConfigurationError) -> (path: String, isNamed: Bool) {
        let named = try optional(SettingCatalog.statsDirectory, common.statsDirectory)
        let isNamed =
            named != nil || DirectoryVariable.path("XDG_RUNTIME_DIR", in: Environment.all) != nil
        return (named ?? Stage.standardStats, isNamed)
    }
}
