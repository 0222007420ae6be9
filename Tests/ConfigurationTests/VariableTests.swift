import Testing

@testable import Configuration

/// The variables of settings.
struct VariableTests {
    @Test func `each key's variable is its name in capitals, and sets it`() {
        for declaration in SettingCatalog.declarations {
            let words = declaration.key.split(separator: ".").joined(separator: "__").uppercased()
            #expect(declaration.variable == words)
            for name in [words, words.lowercased()] where name == words || name.contains("__") {
                let found = try? sources(nil, [name: "value-7"]).text(of: declaration)
                #expect(found?.text == "value-7", "\(name)")
                #expect(found?.origin.description == "environment \(name)")
            }
        }
    }

    @Test func `a short name works, and the long one wins`() {
        for declaration in SettingCatalog.declarations {
            for alias in declaration.aliases {
                let short = try? sources(nil, [alias: "/a"]).text(of: declaration)
                #expect(short?.text.hasPrefix("/a") == true, "\(alias)")
                let both = try? sources(nil, [alias: "/a", declaration.variable: "/b"])
                    .text(of: declaration)
                #expect(both?.text == "/b", "\(alias)")
            }
        }
    }

    @Test func `no two settings have one variable`() {
        var keys: [String: String] = [:]
        for declaration in SettingCatalog.declarations {
            for (name, adapt) in declaration.variables where adapt == nil {
                let known = keys.updateValue(declaration.key, forKey: name)
                #expect(
                    known == nil || known == declaration.key || name == "AWS_ENDPOINT_URL",
                    "\(name)")
            }
        }
    }

    @Test(arguments: [
        ("BINANCE__SYMBOL", "BINANCE__SYMBOLS"), ("binance__symbl", "BINANCE__SYMBOLS"),
        ("BINANCE_SYMBOLS", "BINANCE__SYMBOLS"), ("KINESIS__AGREGATE", "KINESIS__AGGREGATE"),
        ("S3__OBJECT_SECOND", "S3__OBJECT_SECONDS"), ("RETRY_MAX_ATTEMPTS", "RETRY__MAX_ATTEMPTS"),
        ("HEALTH_TOKN", "HEALTH_TOKEN"), ("STAT_DIR", "STATS_DIR"),
        ("BINANCE_API_KEYS", "BINANCE_API_KEY"), ("PIPELINE_NAMES", "PIPELINE_NAME"),
        ("STAGE_INSTANC", "STAGE_INSTANCE"), ("LOGGING_LEVEL", "LOGGING__LEVEL"),
        ("AWS__REGIN", "AWS__REGION"), ("DEDUP__WINDOWS", "DEDUP__WINDOW"),
        ("DRAIN_TIMEOUT_SECOND", "DRAIN_TIMEOUT_SECONDS"),
    ])
    func `a misspelt variable is reported with what was meant`(name: String, meant: String) {
        let found = sources(nil, [name: "1"]).warnings(for: .dedup)
        #expect(found.count == 1 && found[0].contains("did you mean \(meant)?"), "\(found)")
        #expect(found.first?.contains(name) == true)
    }

    @Test(arguments: [
        "PATH", "HOME", "AWS_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL_SQS", "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION", "NO_COLOR", "CONFIG_FILE", "XDG_RUNTIME_DIR", "NOTIFY_SOCKET",
        "OTHER__SYMBOLS", "MODE", "ENVIRONMENT", "SERVICE_NAME", "STATE_DIRECTORY",
        "BINANCE__SYMBOLS",
        "binance__api_key", "POD_NAME", "HEALTHCHECK_URL", "REGION", "LOG_LEVEL", "S3_BUCKET",
    ])
    func `other variables are nobody's business`(name: String) {
        #expect(sources(nil, [name: "x"]).warnings(for: .dedup).isEmpty)
    }

    @Test(arguments: [
        (" 7 ", "7"), ("7\r", "7"), ("\"7\"", "7"), ("'7'", "7"), (" \" 7\" \r\n", "7"),
        ("\"", "\""),
        ("a\"b\"", "a\"b\""),
    ])
    func `white space and quotation marks around a value are not part of it`(
        value: String, text: String
    ) throws {
        let found = try sources(nil, ["DEDUP__WINDOW": value]).text(of: SettingCatalog.window)
        #expect(found?.text == text)
    }
}
