import Testing

@testable import Configuration

/// What somebody may have meant who typed something else.
struct SpellingTests {
    private static let options: Set<String> = [
        "--from", "--to", "--symbols", "--symbol", "--sse", "--help", "--limit", "--no-aggregate",
        "--aggregate", "--max-attempts", "--max-backoff",
    ]

    @Test(arguments: [
        ("--hlep", "--help"), ("--form", "--from"), ("--too", "--to"), ("--limti", "--limit"),
        ("--no-agregate", "--no-aggregate"), ("--agg", "--aggregate"), ("--sso", "--sse"),
        ("--sym", "--symbol"),
        ("--max-atempt", "--max-attempts"),
    ])
    func `a slip is near what was meant`(typed: String, meant: String) {
        #expect(Spelling.nearest(to: typed, among: Self.options) == meant)
    }

    @Test(arguments: ["--zebra", "--xyz", "--verbose", "--max", "--a", "--", "elephant"])
    func `what is far from everything is answered with nothing`(typed: String) {
        #expect(Spelling.nearest(to: typed, among: Self.options) == nil)
    }

    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("ab", "ba", 1), ("abc", "acb", 1), ("ca", "abc", 3),
        ("kitten", "sitting", 3), ("json", "jsno", 1), ("verify", "verfiy", 1),
    ])
    func `two neighbours that changed places are one slip`(one: String, other: String, slips: Int) {
        #expect(Spelling.distance(one, other) == slips)
        #expect(Spelling.distance(other, one) == slips)
    }

    @Test(arguments: [
        "", "a", "b", "ab", "ba", "abc", "acb", "bac", "abcd", "abdc", "KAFKA_HOME", "KAFKA_HOEM",
        "KAFKA_HOM", "KAFKA_OHEM", "S3_BUCKET", "S3__BUCKET", "S3_BUCKETS", "3S_BUCKET",
    ])
    func `one slip is found as the distance finds it`(one: String) {
        for other in [
            "", "a", "c", "ab", "abc", "bca", "abdc", "abcde", "KAFKA_HOME", "S3_BUCKET", "S3BUCKET",
        ] {
            let isNear = Spelling.distance(one, other) <= 1
            #expect(Spelling.isWithinOneSlip(one, other) == isNear, "\(one) and \(other)")
            #expect(Spelling.isWithinOneSlip(other, one) == isNear, "\(other) and \(one)")
        }
    }
}
