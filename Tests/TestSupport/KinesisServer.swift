import Foundation
import Posix

/// A Kinesis on loopback that stores in memory and misbehaves by a script, for what no real server
/// here produces: failed entries, throttles, lost and broken answers, refusals, reshards.
public final class KinesisServer: Sendable {
    /// One call as it came.
    public struct Call: Sendable {
        /// Counts the calls of its operation, from 0.
        public let number: Int
        /// Such as `PutRecords`.
        public let operation: String
        /// The stream's name; empty for a page by its token.
        public let stream: String
        /// The stream's ARN; empty for one that is asked for by its name.
        public let streamARN: String
        /// Names in lower case.
        public let headers: [String: String]
        /// The entries of a `PutRecords`.
        public let entries: [Entry]
    }

    /// A Kinesis record.
    public struct Entry: Sendable, Equatable {
        /// The stream it went to.
        public let stream: String
        /// The shard that took it; empty until one did.
        public fileprivate(set) var shard = ""
        /// Its partition key.
        public let key: String
        /// Its explicit hash key.
        public let explicitHash: String?
        /// Its data.
        public let data: [UInt8]
        /// The number of the `PutRecords` call that brought it.
        public let call: Int

        /// A record that was in this one.
        public func with(key: String, data: [UInt8]) -> Entry {
            var inner = Entry(
                stream: stream, key: key, explicitHash: explicitHash, data: data, call: call)
            inner.shard = shard
            return inner
        }
    }

    /// What happens to a call instead of success.
    public enum Fault: Sendable {
        /// The entries at these places fail with a code; the others are stored.
        case entries([Int: String])
        /// Nothing is stored; this answer.
        case refuse(Int, body: String, headers: [(String, String)] = [])
        /// The connection ends without an answer; stored or not.
        case hangUp(stored: Bool)
        /// No answer until the client goes; stored or not.
        case stall(stored: Bool)
        /// Stored, and answered after some seconds.
        case slow(Double)
        /// Stored, but this is the answer.
        case garbage(String)
        /// Stored, but half of the answer comes.
        case cut
    }

    private struct State {
        var streams: [String: [KinesisShard]] = [:]
        var accepted: [Entry] = []
        var calls: [Call] = []
        var counts: [String: Int] = [:]
        var sequence = 0
        var script: @Sendable (Call) -> Fault? = { _ in nil }
        var isDown = false
        /// Entries of calls whose replies are on their way in whole.
        var answered = 0
        var connections: Set<Int32> = []
    }

    /// Of loopback, chosen by the system.
    public let port: UInt16
    private let listener: Int32
    private let state = Locked(State())

    /// Starts with some streams.
    public init(streams: [String: Int] = [:]) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listener, $0, length) == 0 && listen(listener, 64) == 0)
                getsockname(listener, $0, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        for (name, shards) in streams { create(name, shards: shards) }
        Thread.detachNewThread { [self] in serve() }
    }

    /// Where it is.
    public var url: String { "http://127.0.0.1:\(port)" }

    /// Takes no more connections, and ends those that are open.
    public func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        hangUpAll()
    }

    // MARK: - For tests

    /// Decides what happens to each call from now on.
    public func script(_ script: @escaping @Sendable (Call) -> Fault?) {
        state.withLock { $0.script = script }
    }

    /// Hangs up on everything, or works again.
    public func setDown(_ isDown: Bool) {
        state.withLock { $0.isDown = isDown }
        if isDown { hangUpAll() }
    }

    private func hangUpAll() {
        state.withLock {
            for connection in $0.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    /// Makes a stream.
    public func create(_ name: String, shards: Int) {
        state.withLock { $0.streams[name] = KinesisShard.make(shards, from: 0) }
    }

    /// Closes a stream's shards and opens others.
    public func reshard(_ name: String, to count: Int) {
        state.withLock { state in
            var all = state.streams[name] ?? []
            for index in all.indices { all[index].isOpen = false }
            state.streams[name] = all + KinesisShard.make(count, from: all.count)
        }
    }

    /// True when a stream is there.
    public func has(_ name: String) -> Bool { state.withLock { $0.streams[name] != nil } }

    /// What was stored, in order.
    public var accepted: [Entry] { state.withLock { $0.accepted } }
    /// How many entries were in calls that were answered: what comes after, such as ``setDown(_:)``,
    /// does not take those replies back. One that was stored may still be without its reply, and
    /// whoever sent it then sends it again.
    public var answeredCount: Int { state.withLock { $0.answered } }
    /// How many entries were stored.
    public var acceptedCount: Int { state.withLock { $0.accepted.count } }
    /// Calls of an operation, in order.
    public func calls(_ operation: String) -> [Call] {
        state.withLock { $0.calls.filter { $0.operation == operation } }
    }

    // MARK: - HTTP

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 {
                if errno == EINTR { continue }
                close(listener)
                return
            }
            var one: Int32 = 1
            setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
            state.withLock { _ = $0.connections.insert(connection) }
            Thread.detachNewThread { [self] in
                var buffer: [UInt8] = []
                while let (headers, body) = read(connection, &buffer) {
                    if !answer(connection, headers, body) { break }
                }
                state.withLock { _ = $0.connections.remove(connection) }
                close(connection)
            }
        }
    }

    private func read(
        _ connection: Int32, _ buffer: inout [UInt8]
    ) -> ([String: String], [UInt8])? {
        var chunk = [UInt8](repeating: 0, count: 256 << 10)
        var searched = 0
        while true {
            let end = Data(buffer[searched...]).range(of: Data([13, 10, 13, 10]))
            if let end {
                let headEnd = searched + end.upperBound
                var headers: [String: String] = [:]
                let head = String(decoding: buffer[..<headEnd], as: UTF8.self)
                for line in head.split(separator: "\r\n").dropFirst() {
                    guard let colon = line.firstIndex(of: ":") else { continue }
                    headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                        .trimmingCharacters(in: .whitespaces)
                }
                let length = headers["content-length"].flatMap { Int($0) } ?? 0
                while buffer.count < headEnd + length {
                    let count = recv(connection, &chunk, chunk.count, 0)
                    if count <= 0 { return nil }
                    buffer += chunk[..<count]
                }
                let body = Array(buffer[headEnd..<headEnd + length])
                buffer.removeFirst(headEnd + length)
                return (headers, body)
            }
            searched = max(0, buffer.count - 3)
            let count = recv(connection, &chunk, chunk.count, 0)
            if count <= 0 { return nil }
            buffer += chunk[..<count]
        }
    }

    /// - Returns: true when the connection stays open.
    private func answer(
        _ connection: Int32, _ headers: [String: String], _ body: [UInt8]
    ) -> Bool {
        let operation = headers["x-amz-target"]?.split(separator: ".").last.map(String.init) ?? ""
        guard
            let request = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
        else {
            send(connection, 400, "{\"__type\":\"SerializationException\"}")
            return true
        }
        // The script runs outside the lock: it may look at the server.
        let (call, script, isDown) = state.withLock { state in
            let number = state.counts[operation, default: 0]
            state.counts[operation] = number + 1
            let stream =
                request["StreamName"] as? String
                ?? (request["StreamARN"] as? String)?.split(separator: "/").last.map(String.init)
                ?? ""
            let entries = (request["Records"] as? [[String: Any]] ?? []).map { record in
                Entry(
                    stream: stream, key: record["PartitionKey"] as? String ?? "",
                    explicitHash: record["ExplicitHashKey"] as? String,
                    data: (record["Data"] as? String).flatMap { Data(base64Encoded: $0) }
                        .map(Array.init) ?? [], call: number)
            }
            let call = Call(
                number: number, operation: operation, stream: stream,
                streamARN: request["StreamARN"] as? String ?? "", headers: headers,
                entries: entries)
            if !state.isDown { state.calls.append(call) }
            return (call, state.script, state.isDown)
        }
        if isDown { return false }
        let fault = script(call)
        switch fault {
        case nil:
            send(connection, 200, good(call, request, failing: [:]))
            state.withLock { $0.answered += call.entries.count }
        case .entries(let failing): send(connection, 200, good(call, request, failing: failing))
        case .refuse(let status, let body, let headers): send(connection, status, body, headers)
        case .hangUp(let isStored):
            if isStored { _ = good(call, request, failing: [:]) }
            return false
        case .stall(let isStored):
            if isStored { _ = good(call, request, failing: [:]) }
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
            return false
        case .slow(let seconds):
            let reply = good(call, request, failing: [:])
            usleep(UInt32(seconds * 1e6))
            send(connection, 200, reply)
        case .garbage(let body):
            _ = good(call, request, failing: [:])
            send(connection, 200, body)
        case .cut:
            let text = good(call, request, failing: [:])
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
            write(connection, Array((head + text.prefix(text.count / 2)).utf8))
            return false
        }
        return true
    }

    private func send(
        _ connection: Int32, _ status: Int, _ body: String, _ headers: [(String, String)] = []
    ) {
        var head = "HTTP/1.1 \(status) X\r\nContent-Type: application/x-amz-json-1.1\r\n"
        head += "x-amzn-RequestId: 1\r\nContent-Length: \(body.utf8.count)\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        write(connection, Array((head + "\r\n" + body).utf8))
    }

    private func write(_ connection: Int32, _ bytes: [UInt8]) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    // MARK: - Kinesis

    /// Does what the call asks for and gives the answer.
    private func good(_ call: Call, _ request: [String: Any], failing: [Int: String]) -> String {
        state.withLock { state in
            if call.operation == "CreateStream" {
                let count = request["ShardCount"] as? Int ?? 1
                state.streams[call.stream] = KinesisShard.make(count, from: 0)
                return "{}"
            }
            guard let shards = state.streams[call.stream] else {
                return "{\"nothing\":\"the script lets a missing stream succeed\"}"
            }
            switch call.operation {
            case "ListShards":
                let rows = shards.map { shard in
                    let end = shard.isOpen ? "" : ",\"EndingSequenceNumber\":\"9\""
                    return "{\"ShardId\":\"\(shard.id)\",\"HashKeyRange\":{\"StartingHashKey\":"
                        + "\"\(shard.start)\",\"EndingHashKey\":\"\(shard.end)\"},"
                        + "\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"1\"\(end)}}"
                }
                return "{\"Shards\":[\(rows.joined(separator: ","))]}"
            case "DescribeStreamSummary":
                return "{\"StreamDescriptionSummary\":{\"StreamStatus\":\"ACTIVE\"}}"
            case "PutRecords":
                var rows: [String] = []
                for (index, entry) in call.entries.enumerated() {
                    if let code = failing[index] {
                        rows.append("{\"ErrorCode\":\"\(code)\",\"ErrorMessage\":\"as told\"}")
                        continue
                    }
                    let hash =
                        entry.explicitHash.flatMap { UInt128($0) }
                        ?? KinesisShard.hash(of: entry.key)
                    var stored = entry
                    stored.shard =
                        shards.first { $0.isOpen && $0.start <= hash && hash <= $0.end }?.id ?? ""
                    state.sequence += 1
                    rows.append(
                        "{\"SequenceNumber\":\"\(state.sequence)\",\"ShardId\":\"\(stored.shard)\"}"
                    )
                    state.accepted.append(stored)
                }
                return "{\"FailedRecordCount\":\(failing.count),\"Records\":["
                    + rows.joined(separator: ",") + "]}"
            default: return "{}"
            }
        }
    }
}
