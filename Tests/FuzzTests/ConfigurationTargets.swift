@testable import AWS
@testable import Configuration

/// Files that people write.
let configurationTargets = [
    FuzzTarget(
        name: "yaml",
        seeds: [
            bytes("binance:\n  symbols: [BTCUSDT]\n  api_key: ${KEY:-none}\naws: {region: ~}\n")
        ]
    ) { input in
        _ = ConfigFile(path: "fuzz.yaml", bytes: input, variables: Variables(["KEY": "1"]))
    },
    FuzzTarget(
        name: "profile",
        seeds: [
            bytes(
                "[default]\naws_access_key_id = A\n[profile x]\nservices = s\n[services s]\nk =\n  v = 1\n"
            )
        ]
    ) { input in
        let text = String(decoding: input, as: UTF8.self)
        _ = try? ProfileFile(text, isConfig: true, path: "fuzz")
        _ = try? ProfileFile(text, isConfig: false, path: "fuzz")
    },
]
