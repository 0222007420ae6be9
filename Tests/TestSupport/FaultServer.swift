import Glibc
import Posix

/// An HTTP server on loopback that answers by a script, one connection after the other.
public final class FaultServer: Sendable {
    /// What happens to one request.
    public enum Answer: Sendable {
        /// A whole response; the connection closes after it, unless kept.
        case respond(
            Int, headers: [(String, String)] = [], body: String = "", keepsOpen: Bool = false)
        /// These bytes, then the end.
        case raw([UInt8])
        /// The end, without a word.
        case close
        /// Nothing until the client goes.
        case stall
    }

    /// A request that came.
    public struct Request: Sendable {
        /// GET, PUT and so on.
        public let method: String
        /// Path and query as sent.
        public let target: String
        /// Names in lower case.
        public let headers: [String: String]
        /// What it carried.
        public let body: [UInt8]
    }

    private struct Log {
        var next = 0
        var requests: [Request] = []
        /// Connections that are still to be cut in a body.
        var cuts = 0
    }

    /// Of loopback, chosen by the system.
    public let port: UInt16
    private let listener: Int32
    private let answers: [Answer]
    private let hangsUp: Bool
    private let log = Locked(Log())

    /// Starts; the last answer repeats.
    ///
    /// - Parameters:
    ///   - hangsUp: each connection is closed before anything is read.
    ///   - cuts: so many connections are closed in the middle of a body; their requests are not
    ///     noted and take no answer.
    public init(_ answers: [Answer], hangsUp: Bool = false, cuts: Int = 0) {
        self.hangsUp = hangsUp
        self.answers = answers
        log.withLock { $0.cuts = cuts }
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        self.listener = listener
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(listener, $0, length) == 0 && listen(listener, 16) == 0)
                getsockname(listener, $0, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        var thread = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        pthread_create(
            &thread, nil,
            { context in
                guard let context else { return nil }
                Unmanaged<FaultServer>.fromOpaque(context).takeRetainedValue().serve()
                return nil
            }, context)
        pthread_detach(thread)
    }

    /// Takes no more connections.
    public func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

    /// All requests so far.
    public var requests: [Request] { log.withLock { $0.requests } }

    /// Where it is.
    public var url: String { "http://127.0.0.1:\(port)" }

    private func serve() {
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 {
                if errno == EINTR { continue }
                close(listener)
                return
            }
            while !hangsUp, let request = read(connection) {
                let index = log.withLock { log in
                    log.requests.append(request)
                    log.next += 1
                    return min(log.next, answers.count) - 1
                }
                if !answer(answers[index], to: request, on: connection) { break }
            }
            close(connection)
        }
    }

    /// - Returns: true when the connection stays open.
    private func answer(_ answer: Answer, to request: Request, on connection: Int32) -> Bool {
        switch answer {
        case .respond(let status, let headers, let body, let keepsOpen):
            var text = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\n"
            if !keepsOpen { text += "Connection: close\r\n" }
            for (name, value) in headers { text += "\(name): \(value)\r\n" }
            send(Array((text + "\r\n" + (request.method == "HEAD" ? "" : body)).utf8), connection)
            return keepsOpen
        case .raw(let bytes):
            send(bytes, connection)
            return false
        case .close: return false
        case .stall:
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
            return false
        }
    }

    private func send(_ bytes: [UInt8], _ connection: Int32) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            sent += count
        }
    }

    private func isCut() -> Bool {
        log.withLock { log in
            guard log.cuts > 0 else { return false }
            log.cuts -= 1
            return true
        }
    }

    private func read(_ connection: Int32) -> Request? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        var headEnd: Int?
        var length = 0
        var lines: [Substring] = []
        var headers: [String: String] = [:]
        while true {
            if let headEnd, bytes.count >= headEnd + length {
                let words = lines[0].split(separator: " ")
                guard words.count == 3 else { return nil }
                return Request(
                    method: String(words[0]), target: String(words[1]), headers: headers,
                    body: Array(bytes[headEnd..<headEnd + length]))
            }
            let count = recv(connection, &chunk, chunk.count, 0)
            if count <= 0 { return nil }
            bytes += chunk[..<count]
            if headEnd != nil, length > 64 << 10, bytes.count > length / 2, isCut() { return nil }
            guard headEnd == nil,
                let end = (0...max(0, bytes.count - 4)).first(where: {
                    $0 + 4 <= bytes.count && bytes[$0..<$0 + 4].elementsEqual([13, 10, 13, 10])
                })
            else { continue }
            headEnd = end + 4
            lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                headers[line[..<colon].lowercased()] = String(
                    line[line.index(after: colon)...].drop { $0 == " " })
            }
            length = headers["content-length"].flatMap { Int($0) } ?? 0
        }
    }
}
