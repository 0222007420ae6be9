import Encoding

/// What a client listens to and how, and its JSON requests about that.
struct Subscriptions {
    /// What a request changes, and its reply.
    struct Answer {
        /// JSON; nil where the request gets no reply.
        var reply: String?
        var added: [StreamName] = []
        var removed: [StreamName] = []
    }

    /// Streams, unknown ones too, each once.
    private(set) var names: [StreamName] = []
    /// How messages are wanted; SET_PROPERTY changes it, for which SBE frames do not care.
    private(set) var shape: MessageShape
    private let options: StreamOptions

    /// A longer control message gets no reply at all; as seen on the venue's JSON service.
    private static let longestRequest = 4096

    init(_ names: [StreamName], _ shape: MessageShape, _ options: StreamOptions) {
        self.shape = shape
        self.options = options
        for name in names where !self.names.contains(name) { self.names.append(name) }
    }

    /// Answers a request, and keeps to it.
    mutating func answer(_ text: [UInt8]) -> Answer {
        guard text.count <= Self.longestRequest else { return Answer() }
        do throws(ControlRequest.Failure) {
            let request = try ControlRequest(text)
            do throws(ControlRequest.Failure) {
                var answer = Answer()
                let result = try carryOut(request, &answer)
                answer.reply = "{\"result\":\(result),\"id\":\(request.id)}"
                return answer
            } catch {
                throw ControlRequest.Failure(error.code, error.message, id: request.id)
            }
        } catch { return Answer(reply: errorText(error)) }
    }

    private func errorText(_ failure: ControlRequest.Failure) -> String {
        let body = "\"code\":\(failure.code),\"msg\":\(String(jsonQuoted: failure.message))"
        let id = failure.id.map { ",\"id\":\($0)" } ?? ""
        return options.nestsErrors ? "{\"error\":{\(body)}\(id)}" : "{\(body)\(id)}"
    }

    /// - Returns: the result in JSON.
    private mutating func carryOut(
        _ request: ControlRequest, _ answer: inout Answer
    ) throws(ControlRequest.Failure) -> String {
        switch request.method {
        case .subscribe:
            let new = try streams(of: request).filter { !names.contains($0) }
            guard names.count + new.count <= options.streamLimit else {
                throw .init(4, "Too many subscriptions")
            }
            names += new
            answer.added = new
            return "null"
        case .unsubscribe:
            answer.removed = try streams(of: request)
            names.removeAll { answer.removed.contains($0) }
            return "null"
        case .list:
            return "[\(names.map { String(jsonQuoted: $0.text) }.joined(separator: ","))]"
        case .getProperty:
            try requireCombined(request)
            return "\(shape.isCombined)"
        case .setProperty:
            try requireCombined(request)
            guard request.parameters.count == 2, case .boolean(let value) = request.parameters[1]
            else { throw .init(1, "Invalid value type: expected Boolean") }
            shape.isCombined = value
            return "null"
        }
    }

    private func streams(
        of request: ControlRequest
    ) throws(ControlRequest.Failure) -> [StreamName] {
        var names: [StreamName] = []
        for parameter in request.parameters {
            guard case .text(let text) = parameter, let at = text.firstIndex(of: "@"),
                at != text.startIndex, !text.hasSuffix("@"), !text.contains(" ")
            else { throw .init(2, "Invalid request: invalid stream") }
            let name = StreamName(text: text)
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    private func requireCombined(_ request: ControlRequest) throws(ControlRequest.Failure) {
        guard case .text(let name)? = request.parameters.first else {
            throw .init(2, "Invalid request: property name must be a string")
        }
        guard name == "combined" else { throw .init(0, "Unknown property") }
    }
}
