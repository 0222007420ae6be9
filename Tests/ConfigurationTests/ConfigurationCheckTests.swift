import Testing

@testable import Configuration

/// What the judgement of a whole configuration finds.
struct ConfigurationCheckTests {
    @Test func `every error of a file is listed, of all programs, in the file's order`() {
        let yaml = """
            mode: turbo
            dedup:
              window: many
            kinesis:
              aggregate: maybe
              agregate: true
            s3:
              format: avr
              kms_key_id: abc
            retry:
              max_attempts: 0
              initial_backoff_seconds: 90
            aws:
              region: us-east-1
              access_key_id: AKIA
              secret_access_key: ''
            binance:
              symbols: [BTCUSDT]
              rest_base_url: data-api.binance.vision
              stream_types: [trade, trades]
              kline_intervals: 1m,1x
            health:
              port: 70000
              tls_certificate: /x.pem
            logging: INFO
            """
        let check = ConfigurationCheck(sources(yaml))
        let lines = check.problems.map { $0.split(separator: ":")[1] }.compactMap { Int($0) }
        #expect(lines == lines.sorted(), "\(check.problems)")
        #expect(
            Set(lines) == [1, 3, 5, 6, 8, 9, 11, 12, 15, 16, 19, 20, 21, 23, 24, 25],
            "\(check.problems)")
        #expect(check.problems.contains { $0.contains("did you mean kinesis.aggregate?") })
        #expect(check.report.contains("16 errors"), "\(check.report)")
    }

    @Test func `variables are judged as well`() {
        let check = ConfigurationCheck(
            sources(nil, ["DEDUP__WINDOW": "x", "HEALTH_TOKEN": "", "STAGE_INSTANCE": ".."]))
        #expect(check.problems.count == 3, "\(check.problems)")
        #expect(check.problems.contains { $0.contains("environment DEDUP__WINDOW: dedup.window") })
    }

    @Test func `a good configuration has no error`() {
        let yaml =
            "s3: {destination: \"file://./data\", server_side_encryption: aws:kms, kms_key_id: k}\n"
        let check = ConfigurationCheck(sources(yaml))
        #expect(check.problems.isEmpty, "\(check.problems)")
        #expect(check.count == 3)
    }

    /// What a program would find out later is found as well.
    @Test(arguments: [
        "s3:\n  destination: ./data\n", "s3:\n  destination: s3://\n", "binance:\n  symbols: []\n",
        "binance:\n  symbols: [BTCUSDT, btcusdt]\n",
        "binance:\n  symbols: [ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJ]\n",
        "kinesis:\n  streams: trades\n", "kinesis:\n  streams: [trade=a, trades=b]\n",
        "binance:\n  rest_sbe_schema: three\n", "health:\n  listen: 'localhost:http'\n",
    ])
    func `a value that no program could use is found with its place`(yaml: String) {
        let check = ConfigurationCheck(sources(yaml))
        #expect(check.problems.count == 1, "\(check.problems)")
        #expect(check.problems.first?.hasPrefix("x.yaml:2: ") == true)
    }
}
