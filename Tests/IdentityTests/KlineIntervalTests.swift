import Encoding
import Identity
import Testing

struct KlineIntervalTests {
    @Test(arguments: [
        (KlineInterval.minute1, "2024-02-29T23:59:59.999999", "2024-02-29T23:59", "2024-03-01"),
        (.hour4, "2024-02-29T23:59", "2024-02-29T20:00", "2024-03-01"),
        (.day1, "2024-02-29", "2024-02-29", "2024-03-01"),
        (.day3, "1970-01-06", "1970-01-04", "1970-01-07"),
        (.week1, "2024-03-03T23:59", "2024-02-26", "2024-03-04"),
        (.week1, "2024-03-04", "2024-03-04", "2024-03-11"),
        (.month1, "2024-02-29T12:00", "2024-02-01", "2024-03-01"),
        (.month1, "2023-12-31", "2023-12-01", "2024-01-01"),
    ])
    func `intervals begin and end where the venue's do`(
        interval: KlineInterval, time: String, start: String, next: String
    ) throws {
        let bucket = interval.bucket(of: try #require(Timestamp.parse(time)))
        #expect(bucket.lowerBound == Timestamp.parse(start))
        #expect(bucket.upperBound + 1 == Timestamp.parse(next))
    }

    @Test func `consecutive intervals touch, whichever they are`() {
        for interval in KlineInterval.allCases {
            var bucket = interval.bucket(of: 1_600_000_000_000_000)
            for _ in 0..<40 {
                let next = interval.bucket(of: bucket.upperBound + 1)
                #expect(next.lowerBound == bucket.upperBound + 1)
                bucket = next
            }
        }
    }
}
