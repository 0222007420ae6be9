/// What the configuration says of the deployment that healthd watches.
struct Deployment: Sendable {
    /// Which pipeline is meant: `sbe`, `rest` or `both`.
    let mode: String
    /// Its name, such as `prod`.
    let environment: String
    /// Where the stats files are.
    let directory: String
}
