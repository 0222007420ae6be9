import Foundation

/// A shard of a stream of ``KinesisServer``.
struct KinesisShard {
    let id: String
    let start: UInt128
    let end: UInt128
    var isOpen = true

    /// Shards that divide all hash keys evenly.
    ///
    /// - Parameter first: the number of the first of them.
    static func make(_ count: Int, from first: Int) -> [KinesisShard] {
        (0..<count).map { index in
            let width = UInt128.max / UInt128(count)
            return KinesisShard(
                id: "shardId-" + String(repeating: "0", count: 6) + "\(100_000 + first + index)",
                start: index == 0 ? 0 : width * UInt128(index) + 1,
                end: index == count - 1 ? .max : width * UInt128(index + 1))
        }
    }

    /// Where a partition key is: MD5 (RFC 1321), here so that tests do not trust the code under test with it.
    static func hash(of text: String) -> UInt128 {
        var words: [UInt32] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476]
        let turns: [UInt32] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
        var message = Array(text.utf8)
        let bits = UInt64(message.count * 8)
        message.append(0x80)
        while message.count % 64 != 56 { message.append(0) }
        message += (0..<8).map { UInt8(truncatingIfNeeded: bits >> ($0 * 8)) }
        for start in stride(from: 0, to: message.count, by: 64) {
            let block = (0..<16).map { word in
                (0..<4).reduce(UInt32(0)) {
                    $0 | UInt32(message[start + word * 4 + $1]) << UInt32($1 * 8)
                }
            }
            var (a, b, c, d) = (words[0], words[1], words[2], words[3])
            for step in 0..<64 {
                let (mix, place): (UInt32, Int) =
                    switch step / 16 {
                    case 0: (b & c | ~b & d, step)
                    case 1: (d & b | ~d & c, (5 * step + 1) % 16)
                    case 2: (b ^ c ^ d, (3 * step + 5) % 16)
                    default: (c ^ (b | ~d), 7 * step % 16)
                    }
                let constant = UInt32(abs(sin(Double(step + 1))) * 4_294_967_296)
                let sum = a &+ mix &+ constant &+ block[place]
                let turn = turns[step / 16 * 4 + step % 4]
                (a, d, c, b) = (d, c, b, b &+ (sum << turn | sum >> (32 - turn)))
            }
            words[0] &+= a
            words[1] &+= b
            words[2] &+= c
            words[3] &+= d
        }
        return words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
            .reduce(0) { $0 << 8 | UInt128($1) }
    }
}
