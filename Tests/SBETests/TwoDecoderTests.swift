import SBE
import SchemaModel
import Testing

/// Generated decoders against the walker, which shares no code with them.
struct TwoDecoderTests {
    @Test func `there is a subject for each message`() {
        #expect(Subject.stream.count == 4)
        #expect(Subject.rest.count == 7)
        #expect(Subject.odd.count == 2)
    }

    @Test(arguments: Subject.all)
    func `both decoders find the same in random messages of every version`(
        subject: Subject
    ) throws {
        for version in 0...subject.schema.version + 1 {
            for seed in 0..<200 as Range<UInt64> {
                let bytes = RandomMessage.bytes(
                    subject.schema, subject.message, version: version, seed: seed)
                let walked = try subject.walked(bytes)
                #expect(try subject.generated(bytes) == walked)
            }
        }
    }

    @Test(arguments: Subject.all)
    func `bytes after a message are ignored`(subject: Subject) throws {
        let bytes = RandomMessage.bytes(
            subject.schema, subject.message, version: subject.schema.version, seed: 7)
        #expect(try subject.generated(bytes + [1, 2, 3]) == subject.walked(bytes))
    }

    @Test(arguments: Subject.all)
    func `every truncation is an error`(subject: Subject) throws {
        for seed in 0..<5 as Range<UInt64> {
            let bytes = RandomMessage.bytes(
                subject.schema, subject.message, version: subject.schema.version, seed: seed)
            for length in 0..<bytes.count {
                #expect(throws: SBEError.self, "cut to \(length)") {
                    try subject.generated(Array(bytes[..<length]))
                }
            }
        }
    }

    @Test(arguments: Subject.all)
    func `random mutations are an error in both decoders or in none`(subject: Subject) throws {
        var numbers = SeededNumbers(state: 42)
        for seed in 0..<100 as Range<UInt64> {
            let original = RandomMessage.bytes(
                subject.schema, subject.message, version: subject.schema.version, seed: seed)
            for _ in 0..<40 {
                var bytes = original
                for _ in 0...Int.random(in: 0...2, using: &numbers) {
                    let place = Int.random(in: 0..<bytes.count, using: &numbers)
                    // 0 and 255 make lengths extreme.
                    bytes[place] =
                        [0, 255, UInt8.random(in: 0...255, using: &numbers)]
                        .randomElement(using: &numbers) ?? 0
                }
                expectAgreement(subject, bytes)
            }
        }
    }

    private func expectAgreement(_ subject: Subject, _ bytes: [UInt8]) {
        let walked = try? subject.walked(bytes)
        do {
            let generated = try subject.generated(bytes)
            #expect(generated == walked)
        } catch {
            #expect(error is SBEError)
            #expect(walked == nil, "\(error)")
        }
    }
}
