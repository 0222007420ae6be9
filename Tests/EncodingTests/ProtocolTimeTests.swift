import Encoding
import Testing

/// Times in the forms that services write.
struct ProtocolTimeTests {
    @Test(
        arguments: [
            ("2030-01-01T00:00:00Z", 1_893_456_000), ("2030-01-01T00:00:00.123456Z", 1_893_456_000),
            // As `aws configure export-credentials` prints it.
            ("2030-01-01T00:00:00+00:00", 1_893_456_000),
            ("2030-01-01T05:30:00+05:30", 1_893_456_000),
            ("2029-12-31T19:00:00.5-0500", 1_893_456_000),
            ("2030-01-01T02:00:00+02", 1_893_456_000),
            ("2030-01-01T00:00:00", nil), ("2030-01-01T00:00:00+", nil),
            ("2030-01-01T00:00:00+1:00", nil), ("2030-01-01T00:00:00+25:00", nil),
            ("2030-01-01T00:00:00.Z", nil), ("2030-01-01 00:00:00Z", nil),
            ("2030-01-01T00:00:00Zx", nil), ("2030-13-01T00:00:00Z", nil), ("", nil),
        ] as [(String, Int64?)])
    func `times are read with their zone`(_ text: String, _ seconds: Int64?) {
        #expect(Timestamp.seconds(rfc3339: text) == seconds)
    }
}
