import Foundation
import Posix
import TestSupport
import Testing

@testable import Encoding

/// Numbers and times against other implementations of the same.
struct NumberTests {
    private static func text(_ mantissa: Int128, _ exponent: Int8) -> String {
        var bytes = Bytes()
        bytes.append(decimal: mantissa, exponent: exponent)
        return String(decoding: bytes.array, as: UTF8.self)
    }

    private static func text(_ mantissa: Int64, _ exponent: Int8) -> String {
        var bytes = Bytes()
        bytes.append(decimal: mantissa, exponent: exponent)
        return String(decoding: bytes.array, as: UTF8.self)
    }

    private static func decimal(_ text: String) -> ExactDecimal? {
        let bytes = Array(text.utf8)
        return JSONScanner.decimal(bytes.span.bytes, 0..<bytes.count)
    }

    private static let mantissas: [Int64] = [
        0, 1, -1, 9, 10, 99_999_999, 100_000_000, -123_456_789_012, 1 << 53, 1 << 53 + 1, .max,
        .min,
    ]

    @Test(arguments: mantissas)
    func `decimal text has every digit and reads back the same`(mantissa: Int64) throws {
        for exponent in Int8(-20)...4 {
            let narrow = Self.text(mantissa, exponent)
            #expect(narrow == Self.text(Int128(mantissa), exponent))
            let back = try #require(Self.decimal(narrow))
            #expect(back.rescaled(to: exponent) == Int128(mantissa), "\(narrow)")
        }
    }

    @Test func `doubles are the nearest ones, as strtod finds them`() {
        var random = SeededRandom(5)
        for _ in 0..<20_000 {
            let bits = Int64(bitPattern: random.next())
            let mantissa = bits >> Int64.random(in: 0...63, using: &random)
            let exponent = Int8.random(in: -24...6, using: &random)
            let nearest = strtod("\(mantissa)e\(exponent)", nil)
            #expect(ExactDecimal.double(mantissa: mantissa, exponent: exponent) == nearest)
        }
    }

    @Test(
        arguments: [
            ("0", 0, 0), ("-0", 0, 0), ("1.50", 150, -2), ("1e3", 1, 3), ("1.5E-7", 15, -8),
            ("123456789012345678901234567890.12345678", nil, 0), ("1.", nil, 0), (".5", nil, 0),
            ("", nil, 0), ("-", nil, 0), ("1e", nil, 0), ("1e999", nil, 0), ("0x1", nil, 0),
            ("1 ", nil, 0),
            ("99999999999999999999999999999999999999", nil, 0),
        ] as [(String, Int128?, Int8)])
    func `numbers are taken exactly or not at all`(text: String, mantissa: Int128?, exponent: Int8)
    {
        let decimal = Self.decimal(text)
        if let mantissa {
            #expect(decimal == ExactDecimal(mantissa: mantissa, exponent: exponent))
        } else if let decimal {
            // More than 64 bits are fine while 128 hold them.
            #expect(Self.text(decimal.mantissa, decimal.exponent) == text)
        }
    }

    @Test func `the fast way for prices agrees with the general one`() throws {
        var random = SeededRandom(9)
        for _ in 0..<5000 {
            let mantissa =
                Int64(bitPattern: random.next()) >> Int64.random(in: 1...60, using: &random)
            let written = Array(
                "\"\(Self.text(mantissa, Int8.random(in: -12...0, using: &random)))\"".utf8)
            var fast = JSONScanner(written.span.bytes)
            var general = JSONScanner(written.span.bytes)
            let (narrow, exponent) = try fast.mantissa()
            #expect(
                try general.decimal() == ExactDecimal(mantissa: Int128(narrow), exponent: exponent))
        }
    }

    @Test(
        arguments: [
            ("120000000000.00000000", 12, 10), ("1200000000000.0", 12_000_000_000_000, -1),
            ("-92233720368.547758080", -9_223_372_036_854_775_808, -8),
            ("\"92233720368547758070\"", 9_223_372_036_854_775_807, 1),
            ("0.000000000000000000000000000000", 0, -30),
        ] as [(String, Int64, Int8)])
    func `a number over 64 bits loses the zeros at its end, not a digit`(
        text: String, mantissa: Int64, exponent: Int8
    ) throws {
        let written = Array(text.utf8)
        var scanner = JSONScanner(written.span.bytes)
        let found = try scanner.mantissa()
        #expect(found.mantissa == mantissa && found.exponent == exponent, "\(found)")
    }

    @Test(arguments: ["92233720368.54775809", "123456789012345678901", "1e999", "1e-999"])
    func `a number whose digits are more than 64 bits hold is refused`(text: String) {
        let written = Array(text.utf8)
        var scanner = JSONScanner(written.span.bytes)
        #expect(throws: JSONScanner.Failure.self) { _ = try scanner.mantissa() }
    }

    @Test(
        arguments: [
            ("0.1", true), ("-1e-999", true), ("1E+5", true),
            ("12345678901234567890123456789", true),
            ("1.", false), ("-", false), ("1e", false), ("1e+", false), ("1.e5", false),
            ("+1", false), ("1-2", false), ("--1", false),
        ])
    func `a number that nobody wants is stepped over when it is one`(text: String, isOne: Bool) {
        let written = Array(text.utf8)
        var scanner = JSONScanner(written.span.bytes)
        #expect(((try? scanner.skip()) != nil) == isOne)
    }

    @Test func `times at the ends of 64 bits have a text`() {
        for value in [Int64.min, .min + 1, -1, 0, .max] {
            #expect(Timestamp.text(microseconds: value).hasSuffix("Z"))
            #expect(Timestamp.text(nanoseconds: value).hasSuffix("Z"))
            #expect(Timestamp.basic(seconds: value).hasSuffix("Z"))
            #expect((0...23).contains(Timestamp.hour(microseconds: value)))
        }
        #expect(Timestamp.text(microseconds: -1) == "1969-12-31T23:59:59.999999Z")
    }

    @Test func `whole numbers are what strtoll finds, whatever stands behind them`() throws {
        var random = SeededRandom(12)
        let tails = [
            "", ",", "}", "]", " ", "x", "\u{80}", "/////////", ":::::::::", ",\"a\":12345678",
        ]
        for _ in 0..<20_000 {
            let value = Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random)
            let tail = tails.randomElement(using: &random) ?? ""
            let written = Array("\(value)\(tail)".utf8)
            var scanner = JSONScanner(written.span.bytes)
            #expect(try scanner.integer() == strtoll("\(value)", nil, 10), "\(value)\(tail)")
            #expect(scanner.position == written.count - tail.utf8.count)
        }
    }

    @Test func `eight bytes are digits up to the first that is none`() {
        var random = SeededRandom(13)
        for _ in 0..<20_000 {
            let text = (0..<8).map { _ in
                Int.random(in: 0..<12, using: &random) == 0
                    ? UInt8.random(in: 0...255, using: &random)
                    : UInt8.random(in: 0x30...0x39, using: &random)
            }
            let digits = text.prefix { (0x30...0x39).contains($0) }
            let run = EightDigits(text.span.bytes.word(0))
            #expect(run.count == digits.count)
            #expect(run.value == Int64(String(decoding: digits, as: UTF8.self)) ?? 0)
        }
    }

    @Test(
        arguments: [
            ("true", true, 4), ("false", false, 5), ("true,\"a\"", true, 4), (" false}", false, 6),
            ("tru", nil, 0), ("truE", nil, 0), ("fals", nil, 0), ("falsy", nil, 0), ("", nil, 0),
            ("1", nil, 0), ("null", nil, 0),
        ] as [(String, Bool?, Int)])
    func `true and false are taken whole or not at all`(text: String, value: Bool?, end: Int) {
        let written = Array(text.utf8)
        var scanner = JSONScanner(written.span.bytes)
        #expect((try? scanner.boolean()) == value)
        if value != nil { #expect(scanner.position == end) }
    }

    @Test(
        arguments: [
            ("\"a\":1", "a", 4), ("\"T\" : 1", "T", 5), (" \"a\":1", "a", 5), ("\"ab\":1", "ab", 5),
            ("\"\":1", "", 3), ("\"\\\"\":1", "\\\"", 5), ("\"a\"1", nil, 0), ("\"a:1", nil, 0),
            ("a:1", nil, 0), ("\"a", nil, 0), ("\"\u{1}\":1", nil, 0),
        ] as [(String, String?, Int)])
    func `a key is what stands between quotes before a colon`(text: String, key: String?, end: Int)
    {
        let written = Array(text.utf8)
        var scanner = JSONScanner(written.span.bytes)
        let range = try? scanner.key()
        #expect(range.map { String(decoding: written[$0], as: UTF8.self) } == key)
        if key != nil { #expect(scanner.position == end) }
    }

    @Test func `dates and times agree with the C library`() throws {
        var random = SeededRandom(2)
        for _ in 0..<5000 {
            let seconds = Int64.random(in: -62_135_596_800...253_402_300_799, using: &random)
            let micros = Int64.random(in: 0...999_999, using: &random)
            var when = time_t(seconds)
            var civil = tm()
            gmtime_r(&when, &civil)
            let expected = String(
                format: "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", civil.tm_year + 1900,
                civil.tm_mon + 1,
                civil.tm_mday, civil.tm_hour, civil.tm_min, civil.tm_sec, micros)
            let text = Timestamp.text(microseconds: seconds * 1_000_000 + micros)
            #expect(text == expected)
            #expect(Timestamp.parse(text) == seconds * 1_000_000 + micros)
        }
    }

    @Test(arguments: [
        "2024-02-30", "2023-02-29", "24-01-01", "2024-1-1", "2024-01-01T24:00", "2024-01-01T00:60",
        "2024-01-01T00:00:61", "2024-01-01T", "2024-01-01 00:00", "2024-01-01T00:00:00.1234567", "",
        "now",
        "2024-01-01T00:00:00+01:00",
    ])
    func `what is no UTC time is not taken for one`(text: String) {
        #expect(Timestamp.parse(text) == nil)
    }
}
