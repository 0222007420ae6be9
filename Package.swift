// swift-tools-version: 6.2
import PackageDescription

// The floors of this package and who may import whom stand in docs/design.md, section 4;
// LayeringTests compares every import with that table.

let base: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableExperimentalFeature("Lifetimes"),
    // Field accessors live in SBE and Records and are called per record from every tool:
    // without this each call crosses a module boundary unspecialised.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
    // Overlapping accesses to an object's properties are found by the debug build, in which all
    // tests run; checking again took a tenth of kinesis-put's time (docs/decisions/0026).
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// For the modules that look at bytes from outside: each unsafe expression has to be marked.
let strict = base + [.strictMemorySafety()]

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")

func library(
    _ name: String, _ dependencies: [Target.Dependency], _ settings: [SwiftSetting] = base
) -> Target {
    .target(
        name: name, dependencies: dependencies, exclude: schemaFolders[name] ?? [],
        swiftSettings: settings)
}

/// Schemas are read by `make generate`, not by the compiler.
let schemaFolders = ["Records": ["Schema"], "Binance": ["Schema"], "SBETests": ["Schema"]]

func tool(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: base)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: schemaFolders[name] ?? [],
        swiftSettings: base)
}

func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

/// Readers of foreign bytes under random input: a test, and with FUZZ=1 a program of libFuzzer
/// (Scripts/fuzz).
let fuzz: Target = {
    let readers: [Target.Dependency] = [
        "AWS", "Avro", "Binance", "Configuration", "Identity", "Journal", "Ledger", "ObjectReading",
        "Parquet", "Posix", "Records", "Spool", "Stage", "Stats", "Transport",
    ]
    guard Context.environment["FUZZ"] != nil else {
        return .testTarget(
            name: "FuzzTests", dependencies: readers + ["TestSupport"], swiftSettings: base)
    }
    return .executableTarget(
        name: "FuzzTests", dependencies: readers, path: "Tests/FuzzTests",
        swiftSettings: base + [.define("FUZZ"), .unsafeFlags(["-parse-as-library"])])
}()

let package = Package(
    name: "bitcoin-ingestor",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        // Floor 0: C libraries of the system, and the system itself.
        system("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        system("COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
        // Its pkg-config file has flags that a package may not pass on; Redis names the library.
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        system("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        system("CDeflate", pkgConfig: "libdeflate", apt: "libdeflate-dev"),
        system("CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
        system("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        .target(name: "CLinux"),
        library("Posix", ["CLinux"]),

        // Floor 1: formats and files, each on its own.
        library("SBE", [], strict),
        library("Avro", ["CDeflate", "CZlib", "CZstd", "Encoding", "Posix"]),
        library("Parquet", ["CZlib", "CZstd", "Posix"]),
        library("Encoding", ["CLinux", "Posix"], strict),
        library("Digests", ["COpenSSL", "Encoding", "Posix"]),
        library("Identity", ["Encoding"], strict),
        library("Journal", ["Posix"]),
        library("Zip", ["CZlib", "Posix"]),
        library("Ledger", ["Identity", "Journal", "Posix"]),
        library("Spool", ["Journal", "Posix"]),
        library("Stats", ["Posix"]),

        // Floor 2: our record, our objects, and the network.
        library("Records", ["SBE", "Avro", "Parquet", "Encoding", "Identity", "Posix"], strict),
        library("Bronze", ["Digests", "Encoding", "Identity", "Ledger", "Posix"]),
        library("Transport", ["CCurl", "COpenSSL", "Encoding", "Posix"]),

        .target(
            name: "Redis", dependencies: ["CHiredis", "COpenSSL", "Encoding", "Posix"],
            swiftSettings: base, linkerSettings: [.linkedLibrary(":libhiredis.a")]),
        library(
            "ServerTLS", ["COpenSSL", .product(name: "NIOCore", package: "swift-nio")]),

        // Floor 3: the venue, the cloud, and what every stage shares.
        library(
            "Binance",
            [
                "SBE", "Records", "Digests", "Encoding", "Identity", "Posix", "Transport", "Zip",
            ]),
        library("AWS", ["Transport", "COpenSSL", "Digests", "Encoding", "Posix"]),
        library("Monitoring", ["Stats", "Encoding", "Posix"]),
        library("Configuration", ["CYAML", "Encoding", "Identity", "Posix", argumentParser]),
        library(
            "Stage",
            [
                "Configuration", "Records", "Encoding", "Identity", "Journal", "Stats", "Posix",
                argumentParser,
            ]),
        library(
            "Sink",
            [
                "Configuration", "Stage", "Records", "Encoding", "Identity", "Journal", "Ledger",
                "Spool", "Stats",
                "Posix",
            ]),
        library("ObjectReading", ["Records", "Avro", "Parquet", "Posix"]),
        library("BronzeAccess", ["AWS", "Encoding", "Posix"]),
        library(
            "StageAWS",
            [
                "Configuration", "Stage", "AWS", "BronzeAccess", "Transport", "Stats", "Posix",
                argumentParser,
            ]),

        library(
            "BronzeProof",
            [
                "Bronze", "BronzeAccess", "ObjectReading", "Sink", "Records", "Digests", "Identity",
                "Ledger", "Posix",
            ]),

        library(
            "ObjectWriting",
            [
                "Configuration", "Stage", "StageAWS", "Sink", "Bronze", "Ledger", "Records", "Avro",
                "Parquet", "AWS", "Digests", "Encoding", "Identity", "Journal", "Posix",
                argumentParser,
            ]),

        // Floor 4: the programs.
        tool(
            "rest-pull",
            [
                "Configuration", "Stage", "StageAWS", "Binance", "Bronze", "BronzeAccess",
                "BronzeProof", "Transport", "Records", "Encoding", "Identity", "Journal",
                "Ledger", "Stats", "Posix",
            ]),
        tool(
            "sbe-tap",
            [
                "Configuration", "Stage", "Binance", "Transport", "Records", "Encoding", "Identity",
                "Stats",
                "Posix",
            ]),
        tool(
            "dedup",
            [
                "Configuration", "Stage", "Records", "Redis", "Encoding", "Identity", "Stats",
                "Posix",
            ]),
        tool(
            "fan-out",
            [
                "Configuration", "Stage", "Records", "Encoding", "Journal", "Spool", "Stats",
                "Posix",
            ]),
        tool(
            "s3-put",
            [
                "Configuration", "Sink", "Stage", "StageAWS", "Bronze", "BronzeAccess",
                "ObjectWriting",
                "Digests",
                "Records", "AWS",
                "Transport", "Encoding", "Identity", "Journal", "Ledger", "Spool", "Stats",
                "Posix", argumentParser,
            ]),
        tool(
            "kinesis-put",
            [
                "Configuration", "Sink", "Stage", "StageAWS", "Records", "Avro", "AWS", "Transport",
                "Encoding",
                "Identity", "Journal", "Ledger", "Spool", "Stats", "Posix", argumentParser,
            ]),
        tool(
            "recq",
            [
                "Configuration", "Stage", "StageAWS", "Records", "ObjectReading", "Bronze",
                "BronzeAccess", "BronzeProof", "Ledger", "Avro", "Parquet",
                "Encoding", "Identity", "Posix",
            ]),
        tool(
            "healthd",
            [
                "Configuration", "Monitoring", "Stage", "StageAWS", "AWS", "Avro", "Encoding",
                "ServerTLS", "Stats",
                "Posix",
                argumentParser,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ], exclude: ["Page/page.html"]),
        tool(
            "ledgerctl",
            [
                "Configuration", "Stage", "StageAWS", "Sink", "Bronze", "BronzeAccess",
                "BronzeProof", "ObjectWriting", "Records", "AWS", "Digests", "Encoding", "Identity",
                "Ledger",
                "Journal", "Stats", "Posix", argumentParser,
            ]),

        // For developers and demos.
        library("SchemaModel", []),
        library("SimulatedMarket", []),
        tool("sbe-gen", ["SchemaModel", argumentParser]),
        tool("ws-echo", ["Stage", "Transport", "Posix", argumentParser]),
        tool(
            "exchange-sim",
            [
                "Avro", "Binance", "CZlib", "Digests", "Stage", "SBE", "Records", "Encoding",
                "Identity", "Posix", "ServerTLS", "SimulatedMarket", argumentParser,
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ]),

        .executableTarget(
            name: "bench-core",
            dependencies: [
                "Binance", "AWS", "Ledger", "Transport", "Records", "Identity", "SBE", "Stats",
                "Posix",
            ],
            path: "Benchmarks/core", swiftSettings: base),

        // Tests: one target per library.
        .target(
            name: "TestSupport", dependencies: ["Posix"], path: "Tests/TestSupport",
            swiftSettings: base),
        .testTarget(
            name: "ToolTests",
            dependencies: [
                "TestSupport", "rest-pull", "sbe-tap", "dedup", "fan-out", "s3-put", "kinesis-put",
                "recq",
                "ledgerctl", "exchange-sim", "ws-echo",
            ],
            exclude: [
                "autobahn_judge.py", "chaos.py", "check_records.py", "control_c.py",
                "dedup_reference.py", "deployments.py", "disconnect.py", "documents.py",
                "engines.py", "kinesis_sink.py", "links.py", "local_aws.py", "market.py", "once.py",
                "public_bucket.py", "read_bucket.py", "read_objects.py", "s3_server.py",
                "scripted_redis.py", "scripted_rest.py", "scripted_venue.py", "shard_reference.py",
                "soak.py", "laboratory",
            ],
            swiftSettings: base),
        .testTarget(
            name: "ExchangeSimTests", dependencies: ["TestSupport", "exchange-sim"],
            exclude: ["cases.py", "venue_client.py"], swiftSettings: base),
        .testTarget(
            name: "KinesisPutTests",
            dependencies: [
                "kinesis-put", "TestSupport", "AWS", "Avro", "Configuration", "Records", "Identity",
                "Posix",
                "Sink", "Spool", "Stage", "StageAWS", "Stats", "Transport",
            ],
            exclude: ["moto_kinesis.py", "read_stream.py"], swiftSettings: base),
        fuzz,
        tests("LayeringTests", ["TestSupport"]),
        tests("ConfigurationTests", ["Configuration", "Posix", "TestSupport"]),
        tests("StageTests", ["Configuration", "Stage", "Stats", "Posix", "TestSupport"]),
        tests("PosixTests", ["Posix", "TestSupport"]),
        tests("EncodingTests", ["Encoding", "Posix", "TestSupport"]),
        tests("IdentityTests", ["Identity", "Encoding", "TestSupport"]),
        tests(
            "LedgerTests", ["ledgerctl", "Ledger", "Journal", "Identity", "Posix", "TestSupport"]),
        tests(
            "CrashTests",
            [
                "s3-put", "ledgerctl", "Ledger", "Spool", "Journal", "Identity", "Posix",
                "TestSupport",
            ]),
        tests("ZipTests", ["Zip", "Posix", "TestSupport"]),
        tests("JournalTests", ["Journal", "Posix", "TestSupport"]),
        .testTarget(
            name: "SinkTests",
            dependencies: [
                "Sink", "s3-put", "recq", "ledgerctl", "Bronze", "Parquet", "Records", "Identity",
                "Ledger", "SimulatedMarket",
                "Spool",
                "Posix", "TestSupport",
            ], exclude: ["two_hosts.py"], swiftSettings: base),
        tests("SpoolTests", ["Spool", "Journal", "Posix", "TestSupport"]),
        tests("StatsTests", ["Stats", "Posix", "TestSupport"]),
        tests("MonitoringTests", ["Monitoring", "Encoding", "Stats", "Posix", "TestSupport"]),
        .testTarget(
            name: "HealthTests",
            dependencies: [
                "healthd", "rest-pull", "dedup", "s3-put", "recq", "exchange-sim", "AWS",
                "Monitoring", "Stage", "Stats", "Posix", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            exclude: ["browser.py", "moto_cloudwatch.py", "read_metrics.py"], swiftSettings: base),
        .testTarget(
            name: "ParquetTests", dependencies: ["Parquet", "Posix", "TestSupport"],
            exclude: ["tables.py"], swiftSettings: base),
        tests(
            "ObjectReadingTests",
            ["ObjectReading", "Records", "Avro", "Parquet", "Identity", "Posix", "TestSupport"]),
        tests("AvroTests", ["Avro", "Posix", "TestSupport"]),
        tests(
            "RecordsTests",
            ["Records", "Avro", "Parquet", "SBE", "Encoding", "Identity", "Posix", "TestSupport"]),
        tests(
            "BinanceTests",
            ["Binance", "Records", "Identity", "Transport", "Posix", "TestSupport"]),
        .testTarget(
            name: "TransportTests",
            dependencies: [
                "Transport", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ],
            exclude: ["websocket_server.py"], swiftSettings: base),
        .testTarget(
            name: "EdgeTests",
            dependencies: [
                "TestSupport", "AWS", "Binance", "Transport", "Encoding", "Posix", "s3-put",
                "kinesis-put", "rest-pull", "sbe-tap", "healthd", "recq", "exchange-sim",
            ],
            exclude: ["botocore_profile.py", "documented_errors.py", "endpoints.py", "proxy.py"],
            swiftSettings: base),
        tests("AWSTests", ["AWS", "Transport", "Encoding", "Posix", "TestSupport"]),
        tests("SchemaModelTests", ["SchemaModel", "SBE", "sbe-gen"]),
        tests("SBETests", ["SBE", "SchemaModel", "Identity", "Records", "Binance"]),
    ]
)
