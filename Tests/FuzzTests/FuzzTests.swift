#if !FUZZ
    import Foundation
    import TestSupport
    import Testing

    /// Every reader of foreign bytes with its seeds, what was once found, and mutations of both.
    struct FuzzTests {
        @Test(arguments: FuzzTarget.all)
        func `mutated input gives a value or an error, never a crash`(_ target: FuzzTarget) throws {
            let found = try Self.found(target.name)
            for input in found { target.run(input) }
            var random = Random(state: 0x9E37_79B9_7F4A_7C15)
            let seeds = target.seeds + found + [[]]
            for round in 0..<2000 {
                target.run(random.mutation(of: seeds[round % seeds.count]))
            }
        }

        @Test
        func `the sample of each kind is accepted, so that mutations start from whole records`() {
            for (line, frame) in zip(sampleLines, sampleFrames()) {
                #expect(frame != nil, "refused: \(String(decoding: line, as: UTF8.self))")
            }
        }

        /// Inputs that `make fuzz` found, kept in Tests/FuzzTests/Found/TARGET.
        private static func found(_ target: String) throws -> [[UInt8]] {
            let folder = packageRoot.appendingPathComponent("Tests/FuzzTests/Found/\(target)")
            guard FileManager.default.fileExists(atPath: folder.path) else { return [] }
            return try FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: nil
            ).map { try Array(Data(contentsOf: $0)) }
        }
    }

    /// The same mutations each run: xorshift64*.
    private struct Random {
        var state: UInt64

        mutating func next(below bound: Int) -> Int {
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return Int((state &* 0x2545_F491_4F6C_DD1D) >> 33) % max(1, bound)
        }

        mutating func mutation(of seed: [UInt8]) -> [UInt8] {
            var bytes = seed
            for _ in 0...next(below: 6) {
                let place = next(below: bytes.count + 1)
                switch next(below: 5) {
                case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8(next(below: 8))
                case 1: bytes.insert(UInt8(next(below: 256)), at: place)
                case 2 where place < bytes.count: bytes.remove(at: place)
                case 3 where place < bytes.count:
                    bytes[place] = [0, 0x7F, 0x80, 0xFF][next(below: 4)]
                default: bytes = Array(bytes.prefix(place))
                }
            }
            return bytes
        }
    }
#endif
