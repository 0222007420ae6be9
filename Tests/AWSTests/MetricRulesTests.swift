import Testing

@testable import AWS

/// What is sent to CloudWatch, and what never is: one bad data point fails a whole call.
struct MetricRulesTests {
    private static let now: Int64 = 1_795_000_000_000

    private static func datum(_ change: (inout MetricDatum) -> Void) -> MetricDatum {
        var datum = MetricDatum(
            "Errors", dimensions: [MetricDatum.Dimension("Stage", "dedup")], time: now,
            value: .single(1), unit: .count)
        change(&datum)
        return datum
    }

    private static let good: [(String, MetricDatum)] = [
        ("plain", datum { _ in }),
        ("no dimension", datum { $0.dimensions = [] }),
        ("two weeks old", datum { $0.time -= 14 * 86_400_000 }),
        ("two hours ahead", datum { $0.time += 7_200_000 }),
        ("negative", datum { $0.value = .single(-1e100) }),
        (
            "150 values",
            datum {
                $0.value = .distribution(
                    values: (0..<150).map { Double($0) }, counts: [Double](repeating: 1, count: 150)
                )
            }
        ),
        ("longest name", datum { $0.name = String(repeating: "n", count: 255) }),
    ]

    private static let bad: [(String, MetricDatum)] = [
        ("no name", datum { $0.name = "" }),
        ("long name", datum { $0.name = String(repeating: "n", count: 256) }),
        ("name with a control character", datum { $0.name = "a\u{7}b" }),
        ("name beyond ASCII", datum { $0.name = "Füllung" }),
        ("NaN", datum { $0.value = .single(.nan) }),
        ("infinite", datum { $0.value = .single(-.infinity) }),
        ("beyond 2^360", datum { $0.value = .single(0x1p361) }),
        ("too old", datum { $0.time -= 14 * 86_400_000 + 1 }),
        ("too far ahead", datum { $0.time += 7_200_001 }),
        ("least time", datum { $0.time = .min }),
        ("empty dimension", datum { $0.dimensions = [MetricDatum.Dimension("Stage", "")] }),
        ("blank dimension", datum { $0.dimensions = [MetricDatum.Dimension("Stage", "  ")] }),
        ("colon", datum { $0.dimensions = [MetricDatum.Dimension(":Stage", "a")] }),
        (
            "long dimension",
            datum {
                $0.dimensions = [
                    MetricDatum.Dimension("S", String(repeating: "v", count: 1025))
                ]
            }
        ),
        (
            "twice",
            datum {
                $0.dimensions = [MetricDatum.Dimension("S", "a"), MetricDatum.Dimension("S", "b")]
            }
        ),
        (
            "31 dimensions",
            datum { $0.dimensions = (0..<31).map { MetricDatum.Dimension("D\($0)", "v") } }
        ),
        ("no values", datum { $0.value = .distribution(values: [], counts: []) }),
        ("fewer counts", datum { $0.value = .distribution(values: [1, 2], counts: [1]) }),
        ("count of none", datum { $0.value = .distribution(values: [1], counts: [0]) }),
        (
            "151 values",
            datum {
                $0.value = .distribution(
                    values: (0..<151).map { Double($0) }, counts: [Double](repeating: 1, count: 151)
                )
            }
        ),
        (
            "no sample",
            datum {
                $0.value = .statistics(
                    MetricDatum.Statistics(count: 0, sum: 0, minimum: 0, maximum: 0))
            }
        ),
        (
            "minimum above maximum",
            datum {
                $0.value = .statistics(
                    MetricDatum.Statistics(count: 1, sum: 1, minimum: 2, maximum: 1))
            }
        ),
    ]

    @Test(arguments: good.indices)
    func `what the rules allow is sent`(index: Int) {
        let (name, datum) = Self.good[index]
        #expect(MetricRules.refusal(datum, now: Self.now) == nil, "\(name)")
    }

    @Test(arguments: bad.indices)
    func `what they do not is refused here`(index: Int) {
        let (name, datum) = Self.bad[index]
        #expect(MetricRules.refusal(datum, now: Self.now) != nil, "\(name)")
    }

    @Test(
        arguments: [
            ("BitcoinPipeline/Ingestor", true), ("a", true), ("", false), (":a", false),
            ("AWS/EC2", false), ("a\nb", false), ("a*b", false), (" ", false),
            (String(repeating: "n", count: 256), false),
        ])
    func `a namespace is judged`(name: String, isGood: Bool) {
        #expect((MetricRules.refusal(namespace: name) == nil) == isGood)
    }

    @Test func `a data point is written as CloudWatch's JSON has it`() {
        var datum = Self.datum { $0.time = 1_700_000_000_007 }
        #expect(
            datum.json == """
                {"MetricName":"Errors","Dimensions":[{"Name":"Stage","Value":"dedup"}],\
                "Timestamp":1700000000.007,"Value":1.0,"Unit":"Count","StorageResolution":60}
                """)
        datum.isHighResolution = true
        datum.dimensions = []
        datum.value = .distribution(values: [1.5, 2], counts: [3, 4])
        #expect(
            datum.json == """
                {"MetricName":"Errors","Timestamp":1700000000.007,"Values":[1.5, 2.0],\
                "Counts":[3.0, 4.0],"Unit":"Count","StorageResolution":1}
                """)
        datum.value = .statistics(
            MetricDatum.Statistics(count: 2, sum: 3, minimum: 1, maximum: 2))
        #expect(
            datum.json.contains(
                """
                "StatisticValues":{"SampleCount":2.0,"Sum":3.0,"Minimum":1.0,"Maximum":2.0}
                """))
    }
}
