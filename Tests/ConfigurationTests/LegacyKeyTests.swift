import Testing

@testable import Configuration

/// The files of the service that this replaces.
struct LegacyKeyTests {
    /// Its files as they were, for three deployments.
    static func file(_ name: String) -> String {
        let prefix = name == "dev" ? "dev-" : ""
        return """
            service_name: bitcoin-ingestor
            environment: \(name)
            mode: \(name == "dev" ? "both" : "sbe")
            binance:
              rest_base_url: https://data-api.binance.vision
              sbe_ws_url: wss://stream-sbe.binance.com/ws
              symbols:
                - BTCUSDT
            \(name == "dev" ? "    - ETHUSDT" : "")
              rate_limit_requests_per_minute: 1200
              request_timeout_seconds: 30
              api_key: ${BINANCE_API_KEY}
              sbe_schema_version: "1:0"
            aws:
              region: us-east-1
              access_key_id: ${AWS_ACCESS_KEY_ID\(name == "local" ? ":-localstack" : "")}
              secret_access_key: ${AWS_SECRET_ACCESS_KEY\(name == "local" ? ":-localstack" : "")}
              kinesis_trade_stream: \(prefix)market-sbe-trade
              kinesis_bba_stream: \(prefix)market-sbe-bestbidask
              kinesis_depth_stream: \(prefix)market-sbe-depth
              kinesis_batch_size: \(name == "local" ? 100 : 500)
              kinesis_flush_interval_seconds: \(name == "local" ? 2 : 1)
              s3_bucket: \(prefix)bitcoin-data-lake
              s3_bronze_prefix: bronze
            \(name == "local" ? "  localstack_endpoint: http://localhost:4566" : "")
            retry:
              max_attempts: \(name == "local" ? 3 : 5)
              initial_backoff_seconds: 1.0
              max_backoff_seconds: \(name == "local" ? 30.0 : 60.0)
              multiplier: 2.0
              jitter: true
            health:
              host: 0.0.0.0
              port: 8080
              endpoint: /health
            logging:
              level: \(name == "local" ? "DEBUG" : "INFO")
              format: \(name == "local" ? "text" : "json")
              output: stdout
            metrics:
              enable_prometheus: \(name != "prod")
              prometheus_port: 8081
              enable_cloudwatch: \(name != "local")
              metrics_namespace: BitcoinPipeline/\(name == "dev" ? "Dev/" : "")Ingestor
            schema_base_path: ../../schemas/avro
            """
    }

    static let environment = [
        "BINANCE_API_KEY": "k", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s",
    ]

    @Test(arguments: ["local", "dev", "prod"])
    func `a file loads as it is, and no key of it is swallowed`(name: String) throws {
        let sources = sources(Self.file(name), Self.environment)
        let check = ConfigurationCheck(sources)
        #expect(check.problems.isEmpty, "\(check.problems)")
        let told = [
            "binance.rate_limit_requests_per_minute", "binance.sbe_schema_version",
            "logging.output",
            "schema_base_path",
        ]
        for key in told {
            #expect(check.warnings.contains { $0.contains("\(key) ") }, "\(key): \(check.warnings)")
        }
        #expect(check.warnings.count == told.count, "\(check.warnings)")
        // Each key is a setting that a program reads, or one of those of which something is said.
        let raw = ConfigFile(
            path: "x", bytes: Array(Self.file(name).utf8), variables: Variables(Self.environment))
        for key in raw.entries.keys {
            let programs = SettingCatalog.byKey[key]?.flatMap(\.programs) ?? []
            #expect(!programs.isEmpty || LegacyKey.byKey[key] != nil, "\(key)")
        }
        var settings = try Settings(sources)
        #expect(try settings.value(SettingCatalog.batchRecords) == (name == "local" ? 100 : 500))
        #expect(try settings.value(SettingCatalog.linger) == (name == "local" ? 2 : 1))
        #expect(try settings.optional(SettingCatalog.mode) == (name == "dev" ? .both : .sbe))
        #expect(
            try settings.value(SettingCatalog.symbols)
                == (name == "dev" ? ["BTCUSDT", "ETHUSDT"] : ["BTCUSDT"]))
        #expect(
            try settings.optional(SettingCatalog.kinesisEndpoint)
                == (name == "local" ? "http://localhost:4566" : nil))
        #expect(try settings.value(SettingCatalog.environment) == name)
    }

    @Test func `a renamed key sets the new one, which wins over it`() throws {
        let old = "binance:\n  rate_limit_requests_per_minute: 1200\n"
        var settings = try Settings(sources(old))
        #expect(try settings.optional(SettingCatalog.weightLimit) == 1200)
        #expect(settings.rows.first?.origin.description == "x.yaml:2")
        settings = try Settings(sources(old + "  weight_per_minute: 3000\n"))
        #expect(try settings.optional(SettingCatalog.weightLimit) == 3000)
        settings = try Settings(
            sources(nil, ["BINANCE__RATE_LIMIT_REQUESTS_PER_MINUTE": "100"]))
        #expect(try settings.optional(SettingCatalog.weightLimit) == 100)
    }

    @Test func `what differs from what is done is told by who would have read it`() {
        for old in LegacyKey.all {
            #expect(SettingCatalog.byKey[old.key] == nil, "\(old.key) is a setting")
            if let successor = old.successor { #expect(SettingCatalog.byKey[successor] != nil) }
            let parts = old.key.split(separator: ".")
            let value = old.successor == SettingCatalog.streamURL.key ? "wss://x" : "7"
            let yaml =
                parts.count == 2
                ? "\(parts[0]):\n  \(parts[1]): \(value)\n"
                : "\(old.key): \(value)\n"
            for set in [sources(yaml), sources(nil, [old.variable: value])]
            where set.path != nil || old.variable.contains("__") {
                for program in Program.allCases {
                    let isTold = set.warnings(for: program).contains { $0.contains(old.key) }
                    #expect(isTold == old.programs.contains(program), "\(old.key) \(program)")
                }
                #expect(ConfigurationCheck(set).problems.isEmpty, "\(old.key)")
            }
            for value in old.silentValues {
                let yaml = "\(parts[0]):\n  \(parts.last ?? ""): '\(value)'\n"
                #expect(ConfigurationCheck(sources(yaml)).warnings.isEmpty, "\(old.key): \(value)")
            }
        }
    }
}
