import Encoding
import Posix

/// Commands on their way to a server, one after another as the protocol has them.
public struct RedisCommands: ~Copyable {
    private(set) var bytes = Bytes(capacity: 64 << 10)
    /// How many there are.
    public private(set) var count = 0

    /// None.
    public init() {}

    /// Begins a command; as many words have to follow.
    public mutating func begin(words: Int) {
        count += 1
        bytes.append(UInt8(ascii: "*"))
        bytes.append(decimal: Int64(words))
        bytes.append("\r\n")
    }

    /// A word of the command.
    public mutating func word(_ text: StaticString) {
        header(text.utf8CodeUnitCount)
        bytes.append(text)
        bytes.append("\r\n")
    }

    /// A word of the command.
    public mutating func word(_ text: RawSpan) {
        header(text.byteCount)
        bytes.append(text)
        bytes.append("\r\n")
    }

    /// A number as a word.
    public mutating func word(_ number: Int64) {
        header(Self.digits(of: number))
        bytes.append(decimal: number)
        bytes.append("\r\n")
    }

    /// A letter and a number as a word, such as the type `u63` of BITFIELD.
    public mutating func word(_ letter: UInt8, _ number: Int64) {
        header(1 + Self.digits(of: number))
        bytes.append(letter)
        bytes.append(decimal: number)
        bytes.append("\r\n")
    }

    /// A whole command, where speed does not matter.
    public mutating func append(_ words: [String]) {
        begin(words: words.count)
        for text in words {
            header(text.utf8.count)
            bytes.append(utf8: text)
            bytes.append("\r\n")
        }
    }

    mutating func removeAll() {
        bytes.removeAll()
        count = 0
    }

    private mutating func header(_ length: Int) {
        bytes.append(UInt8(ascii: "$"))
        bytes.append(decimal: Int64(length))
        bytes.append("\r\n")
    }

    private static func digits(of number: Int64) -> Int {
        var count = number < 0 ? 2 : 1
        var rest = number.magnitude / 10
        while rest > 0 {
            rest /= 10
            count += 1
        }
        return count
    }
}
