import Testing

@testable import Configuration

/// The dialects of `.env`.
struct EnvFileTests {
    struct Good: Sendable, CustomTestStringConvertible {
        let text: String
        let values: [String: String]
        var testDescription: String { text.debugDescription }

        init(_ text: String, _ values: [String: String]) {
            self.text = text
            self.values = values
        }
    }

    static let good: [Good] = [
        Good("", [:]), Good("\n# x\n  # y\n", [:]), Good("A=1\nB=2", ["A": "1", "B": "2"]),
        Good("A=1\r\nB=2\r\n", ["A": "1", "B": "2"]), Good("\u{FEFF}A=1\n", ["A": "1"]),
        Good("export A=1\nexport\tB=2\nexport C\n", ["A": "1", "B": "2"]),
        Good("A = 1 \n B\t=\t2\t\n", ["A": "1", "B": "2"]), Good("A: 1\n", ["A": "1"]),
        Good("A=\nB=''\nC=\"\"\n", ["A": "", "B": "", "C": ""]), Good("A\nB=2\n", ["B": "2"]),
        Good("A=x # y\nB=x#y\nC=#y\n", ["A": "x", "B": "x#y", "C": ""]),
        Good("A='x # y' # z\nB=\"x # y\" # z\n", ["A": "x # y", "B": "x # y"]),
        Good("A=two words\nB='two words'\n", ["A": "two words", "B": "two words"]),
        Good("A='x\ny'\nB=\"x\ny\"\n", ["A": "x\ny", "B": "x\ny"]),
        Good(#"A="x\ny\t\"z\" \\ \$B \q""#, ["A": "x\ny\t\"z\" \\ $B \\q"]),
        Good(#"A='x\ny'"#, ["A": #"x\ny"#]), Good(#"A=x\ny"#, ["A": #"x\ny"#]),
        Good("A=pa$$word\nB=$A\n", ["A": "pa$$word", "B": "$A"]),
        Good(
            "A=1\nB=${A}2\nC=\"${A}3\"\nD='${A}'\n", ["A": "1", "B": "12", "C": "13", "D": "${A}"]),
        Good("A=${OF_PROCESS}\nB=${NOT:-x}\n", ["A": "p", "B": "x"]),
        Good("A=\"\\${NOT}\"\n", ["A": "${NOT}"]), Good("A=1\nA=2\n", ["A": "2"]),
        Good("A=a=b==\n", ["A": "a=b=="]),
        Good("A=\"it's\"\nB='say \"x\"'\n", ["A": "it's", "B": "say \"x\""]),
        Good("A=x\rB=y\r", ["A": "x", "B": "y"]),
        Good("export=1\n", ["export": "1"]), Good("A=ключ\n", ["A": "ключ"]),
        Good("OF_PROCESS=other\n", ["OF_PROCESS": "other"]),
    ]

    @Test(arguments: good) func `each dialect says what it means`(_ item: Good) {
        let file = EnvFile(
            path: "x.env", bytes: Array(item.text.utf8), variables: Variables(["OF_PROCESS": "p"]))
        #expect(file.problems.isEmpty, "\(file.problems)")
        let values = Dictionary(file.entries.map { ($0.name, $0.value) }) { $1 }
        #expect(values == item.values)
    }

    @Test(arguments: [
        ("A=1\nhello world\n", 2, "NAME=value"), ("A='x\ny\n", 1, "not closed"),
        ("A=1\nB=\"x\n", 2, "not closed"), ("A='x'y\n", 1, "after the closing"),
        ("=x\n", 1, "NAME=value"),
        ("1A=x\n", 1, "NAME=value"), ("A=1\n\nB=${NOT}\n", 3, "NOT is not set"),
        ("A=\0\n", 1, "NUL"),
        ("A=${B\n", 1, "without a closing }"), ("A-\u{E9}=1\n", 1, "NAME=value"),
    ])
    func `a line that says nothing has its number`(text: String, line: Int, words: String) {
        let file = EnvFile(path: "x.env", bytes: Array(text.utf8), variables: Variables([:]))
        #expect(file.problems.first?.line == line, "\(file.problems)")
        #expect(file.problems.first?.reason.contains(words) == true, "\(file.problems)")
    }

    @Test func `the environment wins over the file, and the file over the configuration`() throws {
        let yaml = "dedup:\n  window: 3\n"
        func window(_ environment: [String: String], _ env: String?) throws -> (Int, String) {
            var settings = try Settings(sources(yaml, environment, env: env))
            let value = try settings.value(SettingCatalog.window)
            return (value, settings.rows.map { "\($0.origin)" }.joined())
        }
        #expect(try window([:], nil) == (3, "x.yaml:2"))
        #expect(try window([:], "\nDEDUP__WINDOW=2\n") == (2, "x.env:2 DEDUP__WINDOW"))
        #expect(
            try window(["DEDUP__WINDOW": "1"], "DEDUP__WINDOW=2\n")
                == (1, "environment DEDUP__WINDOW"))
    }

    @Test func `values of the configuration file come from it`() throws {
        var settings = try Settings(
            sources("binance: {api_key: \"${KEY}\"}\n", [:], env: "KEY=abc\n"))
        #expect(try settings.optional(SettingCatalog.binanceAPIKey) == "abc")
    }

    @Test func `its mistakes are among those of the configuration`() {
        let check = ConfigurationCheck(sources("a: 1\n", [:], env: "A=1\nx y\n"))
        #expect(check.problems.contains { $0.hasPrefix("x.env:2: ") }, "\(check.problems)")
        #expect(check.problems.contains { $0.hasPrefix("x.yaml:1: ") }, "\(check.problems)")
    }
}
