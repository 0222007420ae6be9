import ArgumentParser
import Configuration
import Monitoring
import NIOPosix
import Posix
import Stage
import Stats

@main
struct Healthd: StageCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthd",
        abstract: "Report the health of this host's stages over HTTP and to Prometheus.",
        discussion: """
            EXAMPLES:
              healthd &
              curl -s http://127.0.0.1:8080/health | jq .
              curl -s http://127.0.0.1:8081/metrics
              healthd --watch
              healthd --once --json | jq '.stages[] | [.id, .state, .rates.records_out]'

            Router /health, /health/detailed, /health/components/NAME, /stats, /live, /ready,
            /fresh, /complete, /overview and /metrics; / is a page for browsers. SIGHUP reads
            the configuration again.
            """,
        version: Version.text)
    static let essentials = [
        "listen", "metrics-port", "token-file", "expect", "watch", "once", "json",
    ]

    @Option(SettingCatalog.healthListen) var listen: String?
    @Option(SettingCatalog.prometheusPort) var metricsPort: Int?
    @Option(SettingCatalog.healthTokenFile) var tokenFile: String?
    @Option(SettingCatalog.healthCertificate) var tlsCertificate: String?
    @Option(SettingCatalog.healthKey) var tlsKey: String?
    @Option(SettingCatalog.healthAllowedHosts) var allowHost: [String]?
    @Option(SettingCatalog.healthInterval) var interval: Double?
    @Option(SettingCatalog.healthExpected) var expect: [String]?
    @Option(SettingCatalog.cloudWatch) var cloudwatch: CloudWatchWay?
    @Option(SettingCatalog.metricsNamespace) var metricsNamespace: String?
    @Option(SettingCatalog.metricsResolution) var metricsResolution: Int?
    @Option(SettingCatalog.region) var region: String?
    @Option(SettingCatalog.cloudWatchEndpoint) var endpointURL: String?
    @Flag(
        name: .customLong("watch"),
        help:
            "Show the overview in this terminal; q quits. It is refreshed each interval, without a server."
    )
    var isWatch = false
    @Flag(name: .customLong("once"), help: "Look once, then exit; with --watch or --json.")
    var isOnce = false
    @Flag(
        name: .customLong("json"), help: "One line of JSON per look; with --watch or --once.")
    var isJSON = false
    @OptionGroup var common: CommonOptions

    /// A run that only looks is not a stage itself.
    var hasStatsFile: Bool { !isWatching }
    /// There is one for a directory of stats files.
    var standardInstance: String? { "main" }
    private var isWatching: Bool { isWatch || isOnce || isJSON }
    /// The rules.
    var takesOver: Set<String> {
        [
            SettingCatalog.healthHeartbeat.key, SettingCatalog.healthNoData.key,
            SettingCatalog.healthConnectionDown.key, SettingCatalog.healthDecodeErrors.key,
            SettingCatalog.healthUndelivered.key, SettingCatalog.healthSpool.key,
            SettingCatalog.healthDisk.key, SettingCatalog.healthHole.key,
            SettingCatalog.healthConservation.key, SettingCatalog.healthKeep.key,
            SettingCatalog.healthExpected.key,
        ]
    }

    func plan(_ settings: inout Settings) throws -> HealthOptions {
        let isMetricsOn = try settings.value(SettingCatalog.enablePrometheus)
        let port = try settings.value(SettingCatalog.prometheusPort, metricsPort)
        return HealthOptions(
            address: try address(&settings),
            metricsPort: isMetricsOn ? port : nil,
            token: try token(&settings),
            allowedHosts: try settings.value(SettingCatalog.healthAllowedHosts, allowHost),
            certificate: try settings.optional(SettingCatalog.healthCertificate, tlsCertificate),
            key: try settings.optional(SettingCatalog.healthKey, tlsKey),
            maximumConnections: try settings.value(SettingCatalog.healthConnections),
            requestTime: try settings.value(SettingCatalog.healthRequestTime),
            interval: try settings.value(SettingCatalog.healthInterval, interval),
            service: try settings.value(SettingCatalog.serviceName),
            deployment: Deployment(
                mode: (try settings.optional(SettingCatalog.mode) ?? .sbe).rawValue,
                environment: try settings.value(SettingCatalog.environment),
                directory: try settings.optional(
                    SettingCatalog.statsDirectory, common.statsDirectory) ?? Stage.standardStats),
            thresholds: try thresholds(&settings),
            cloudWatch: try CloudWatchOptions(
                &settings, way: cloudwatch, namespace: metricsNamespace,
                resolution: metricsResolution, region: region, endpoint: endpointURL))
    }

    private func address(_ settings: inout Settings) throws -> ListenAddress {
        let host = try settings.value(SettingCatalog.healthHost)
        let port = try settings.value(SettingCatalog.healthPort)
        guard let text = try settings.optional(SettingCatalog.healthListen, listen) else {
            return ListenAddress(host: host, port: port)
        }
        guard let address = ListenAddress(text, standardPort: port) else {
            throw StageFailure(
                .usage, "--listen \(text) is not ADDRESS:PORT, such as 0.0.0.0:8080 or [::]:8080")
        }
        return address
    }

    private func token(_ settings: inout Settings) throws -> String? {
        if let token = try settings.optional(SettingCatalog.healthToken) {
            guard token.contains(where: { !$0.isWhitespace }) else {
                throw StageFailure(.configuration, "health.token is empty")
            }
            return token
        }
        guard let path = try settings.optional(SettingCatalog.healthTokenFile, tokenFile) else {
            return nil
        }
        let bytes = try Files.read(path, limit: 4096)
        let token = String(decoding: bytes, as: UTF8.self).split { $0.isWhitespace }
        guard token.count == 1 else {
            throw StageFailure(.configuration, "\(path) does not contain exactly one token")
        }
        return String(token[0])
    }

    private func thresholds(_ settings: inout Settings) throws -> Thresholds {
        var thresholds = Thresholds()
        thresholds.heartbeat = try settings.value(SettingCatalog.healthHeartbeat)
        thresholds.noData = try settings.value(SettingCatalog.healthNoData)
        thresholds.connectionDown = try settings.value(SettingCatalog.healthConnectionDown)
        thresholds.decodeErrors = try settings.value(SettingCatalog.healthDecodeErrors)
        thresholds.undelivered = try settings.value(SettingCatalog.healthUndelivered)
        thresholds.spool = try settings.value(SettingCatalog.healthSpool)
        thresholds.diskFree = try settings.value(SettingCatalog.healthDisk)
        thresholds.hole = try settings.value(SettingCatalog.healthHole)
        thresholds.conservation = try settings.value(SettingCatalog.healthConservation)
        thresholds.keep = try settings.value(SettingCatalog.healthKeep)
        thresholds.expected = try settings.value(SettingCatalog.healthExpected, expect)
        return thresholds
    }

    func run(_ options: HealthOptions, in stage: borrowing Stage) throws {
        if isWatching {
            return try Watch(options: options, isOnce: isOnce, isJSON: isJSON).run(in: stage)
        }
        if options.token == nil, !HostCheck.isLoopback(options.address.host) {
            stage.log.warning(
                "anyone who can reach \(options.address.host):\(options.address.port) can read this "
                    + "host's health: no token is set (--token-file)")
        }
        ResidentMemory.returnLargeBlocks()
        let latest = LatestState()
        let server = try Server(options, latest: latest)
        try stage.print(server.greeting)
        let monitor = Monitor(
            directory: options.deployment.directory, service: options.service,
            version: Version.text,
            thresholds: options.thresholds)
        let export: CloudWatchExport?
        if let cloudWatch = options.cloudWatch {
            export = try CloudWatchExport(cloudWatch, monitor, in: stage)
        } else {
            export = nil
        }
        latest.post(monitor, options.deployment)
        stage.enter(.running)
        while true {
            latest.post(monitor, options.deployment)
            server.publish()
            export?.tick()
            if stage.waitForStop(seconds: options.interval, orReadable: stage.reloads.descriptor) {
                break
            }
            if let new = stage.reloads.take(HealthOptions.self) {
                monitor.thresholds = new.thresholds
            }
        }
        stage.enter(.draining)
        export?.end()
        server.stop()
    }
}
