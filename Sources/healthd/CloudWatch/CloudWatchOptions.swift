import AWS
import Configuration
import Posix
import Stage
import StageAWS

/// How CloudWatch is told.
struct CloudWatchOptions {
    /// Where data points go.
    enum Way {
        case api(ServiceLocation, ConfiguredCredentials)
        /// Lines on standard error.
        case emf
    }

    let way: Way
    let namespace: String
    /// Seconds that a data point covers.
    let resolution: Int
    /// Seconds between two calls.
    let interval: Double

    /// Asks the settings.
    ///
    /// - Returns: nil when CloudWatch is not to be told.
    init?(
        _ settings: inout Settings, way asked: CloudWatchWay?, namespace: String?,
        resolution: Int?, region: String?, endpoint: String?
    ) throws {
        let isOn = try settings.value(SettingCatalog.enableCloudWatch)
        let way = try settings.optional(SettingCatalog.cloudWatch, asked) ?? (isOn ? .api : .off)
        self.namespace = try settings.value(SettingCatalog.metricsNamespace, namespace)
        self.resolution = try settings.value(SettingCatalog.metricsResolution, resolution)
        interval = try settings.value(SettingCatalog.metricsInterval)
        let region = try settings.optional(SettingCatalog.region, region)
        let endpoint = try settings.optional(SettingCatalog.cloudWatchEndpoint, endpoint)
        switch way {
        case .off: return nil
        case .emf: self.way = .emf
        case .api:
            let location = try ServiceLocation(
                "monitoring", environment: AWS.Environment(&settings), region: region,
                endpoint: endpoint)
            self.way = .api(
                location, try ConfiguredCredentials(region: location.region, &settings))
        }
        if let reason = MetricRules.refusal(namespace: self.namespace) {
            throw StageFailure(.configuration, "metrics.metrics_namespace: \(reason)")
        }
    }
}
