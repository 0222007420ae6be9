/// Where checks throw from: out of line, so that a check costs a compare and a branch, and the code
/// that builds the error is not repeated at each of them.
@usableFromInline
enum Failure {
    @usableFromInline
    @inline(never)
    static func truncated(
        _ message: String, _ part: String, _ offset: Int, _ need: Int, _ have: Int
    ) throws(SBEError) -> Never {
        throw .truncated(message: message, part: part, offset: offset, need: need, have: have)
    }

    @usableFromInline
    @inline(never)
    static func foreignSchema(
        _ message: String, _ expected: UInt16, _ found: UInt16
    ) throws(SBEError) -> Never {
        throw .foreignSchema(message: message, expected: expected, found: found)
    }

    @usableFromInline
    @inline(never)
    static func foreignTemplate(
        _ message: String, _ expected: UInt16, _ found: UInt16
    ) throws(SBEError) -> Never {
        throw .foreignTemplate(message: message, expected: expected, found: found)
    }

    @usableFromInline
    @inline(never)
    static func shortBlock(
        _ message: String, _ part: String, _ offset: Int, _ need: Int, _ have: Int
    ) throws(SBEError) -> Never {
        throw .shortBlock(message: message, part: part, offset: offset, need: need, have: have)
    }

    @usableFromInline
    @inline(never)
    static func tooManyEntries(
        _ message: String, _ part: String, _ offset: Int, _ count: Int, _ limit: Int
    ) throws(SBEError) -> Never {
        throw .tooManyEntries(
            message: message, part: part, offset: offset, count: count, limit: limit)
    }

    @usableFromInline
    @inline(never)
    static func tooLong(
        _ message: String, _ part: String, _ offset: Int, _ length: Int, _ limit: Int
    ) throws(SBEError) -> Never {
        throw .tooLong(message: message, part: part, offset: offset, length: length, limit: limit)
    }

    @usableFromInline
    @inline(never)
    static func noRoom(
        _ message: String, _ part: String, _ offset: Int, _ need: Int, _ have: Int
    ) throws(SBEError) -> Never {
        throw .noRoom(message: message, part: part, offset: offset, need: need, have: have)
    }
}
