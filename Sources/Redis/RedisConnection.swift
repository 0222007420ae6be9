import CHiredis
import Glibc
import Posix

/// A reply of a server, while it is looked at.
@safe
public struct RedisReply: ~Copyable, ~Escapable {
    private let reply: UnsafePointer<redisReply>

    @_lifetime(borrow owner)
    init(_ reply: UnsafePointer<redisReply>, owner: borrowing RedisConnection) {
        self.reply = reply
    }

    /// A number; nil for another kind of reply.
    public var integer: Int64? {
        reply.pointee.type == REDIS_REPLY_INTEGER ? Int64(reply.pointee.integer) : nil
    }

    /// The only element of an array, if it is a number: what BITFIELD with one operation answers.
    public var onlyInteger: Int64? {
        guard reply.pointee.type == REDIS_REPLY_ARRAY, reply.pointee.elements == 1,
            let element = reply.pointee.element?[0], element.pointee.type == REDIS_REPLY_INTEGER
        else { return nil }
        return Int64(element.pointee.integer)
    }

    /// True for the absence of a value.
    public var isNil: Bool { reply.pointee.type == REDIS_REPLY_NIL }

    /// A text or a status; nil for another kind of reply.
    public var text: String? {
        guard reply.pointee.type == REDIS_REPLY_STRING || reply.pointee.type == REDIS_REPLY_STATUS
        else { return nil }
        return words
    }

    /// What an error says; nil for another kind of reply.
    var error: String? { reply.pointee.type == REDIS_REPLY_ERROR ? words : nil }

    private var words: String {
        guard let start = reply.pointee.str else { return "" }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(clamping: reply.pointee.len))
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A connection to a server of Redis' protocol (RESP2), for one thread at a time.
///
/// Commands go out together and their replies are read together, within a time. The replies are
/// foreign bytes: what waits unread of one is limited, and what is not a reply ends the connection.
public final class RedisConnection: @unchecked Sendable {
    /// Bytes of replies to one exchange that are held at most. Those that this project asks for have
    /// a few dozen each.
    private static let maximumWaiting = 64 << 20
    private static let room = 256 << 10

    private let socket: RedisSocket
    private let reader: UnsafeMutablePointer<redisReader>
    private let buffer: UnsafeMutableRawBufferPointer

    /// Connects, says who it is, and chooses the database.
    ///
    /// - Parameters:
    ///   - authorities: a PEM file of whom to trust instead of the system's; nil for those.
    ///   - seconds: for all of it; the system's resolver may take longer.
    public init(
        _ address: RedisAddress, authorities: String?, seconds: Double
    ) throws(RedisFailure) {
        let deadline = Clock.monotonicNanoseconds() + Int64(seconds * 1e9)
        guard let reader = chiredis_reader() else {
            throw RedisFailure(.unreachable, "out of memory")
        }
        self.reader = reader
        buffer = .allocate(byteCount: Self.room, alignment: 16)
        do throws(RedisFailure) {
            socket = try RedisSocket(address.endpoint, authorities: authorities, by: deadline)
        } catch {
            buffer.deallocate()
            redisReaderFree(reader)
            throw error
        }
        var commands = RedisCommands()
        if let password = address.password {
            commands.append(["AUTH"] + (address.user.map { [$0] } ?? []) + [password])
        }
        if address.database != 0 { commands.append(["SELECT", "\(address.database)"]) }
        commands.append(["PING"])
        try exchange(&commands, by: deadline) { _, _ in }
    }

    deinit {
        buffer.deallocate()
        redisReaderFree(reader)
    }

    /// Sends commands and gives the reply to each, in order.
    ///
    /// - Parameters:
    ///   - commands: emptied.
    ///   - deadline: monotonic ns.
    ///   - body: hears the number of the command and the reply, which is not an error.
    /// - Throws: when there is an error among the replies, or not a reply to each. The connection must
    ///   not be used any more then.
    public func exchange(
        _ commands: inout RedisCommands, by deadline: Int64,
        _ body: (Int, borrowing RedisReply) -> Void
    ) throws(RedisFailure) {
        defer { commands.removeAll() }
        let (total, length) = (commands.count, commands.bytes.count)
        var (sent, answered) = (0, 0)
        while answered < total {
            var isIdle = true
            // Replies are read while commands are still being sent: a server may stop reading when
            // what it answers is not taken.
            if sent < length {
                let count = try write(commands.bytes, from: sent)
                sent += count
                isIdle = count == 0
            }
            let count = try socket.read(buffer)
            if count > 0 {
                isIdle = false
                guard redisReaderFeed(reader, buffer.baseAddress, count) == REDIS_OK else {
                    throw protocolFailure()
                }
                answered += try takeReplies(from: answered, of: total, body)
                guard chiredis_waiting(reader) <= Self.maximumWaiting else {
                    throw RedisFailure(
                        .protocolError, "a reply is longer than \(Self.maximumWaiting) bytes")
                }
            }
            if isIdle, answered < total { try socket.wait(by: deadline) }
            if Clock.monotonicNanoseconds() > deadline, answered < total {
                throw RedisFailure(.slow, "it did not answer in time")
            }
        }
        guard chiredis_waiting(reader) == 0, sent == length else {
            throw RedisFailure(.protocolError, "it answers more than it was asked")
        }
    }

    private func write(_ bytes: borrowing Bytes, from start: Int) throws(RedisFailure) -> Int {
        let socket = socket
        return try bytes.withUnsafeBytes(start..<bytes.count) { (rest) throws(RedisFailure) in
            try socket.write(rest)
        }
    }

    private func takeReplies(
        from first: Int, of total: Int, _ body: (Int, borrowing RedisReply) -> Void
    ) throws(RedisFailure) -> Int {
        var taken = 0
        while true {
            var object: UnsafeMutableRawPointer?
            guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw protocolFailure() }
            guard let object else { return taken }
            defer { freeReplyObject(object) }
            guard first + taken < total else {
                throw RedisFailure(.protocolError, "it answers more than it was asked")
            }
            let reply = RedisReply(object.assumingMemoryBound(to: redisReply.self), owner: self)
            if let error = reply.error { throw RedisFailure(reply: error) }
            body(first + taken, reply)
            taken += 1
        }
    }

    private func protocolFailure() -> RedisFailure {
        let words = withUnsafeBytes(of: reader.pointee.errstr) { bytes in
            String(decoding: Array(bytes).prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisFailure(.protocolError, "its reply is not in Redis' protocol: \(words)")
    }
}
