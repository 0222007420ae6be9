import Encoding
import NIOCore
import NIOWebSocket

/// The JSON requests of a client.
extension StreamConnection {
    /// A longer control message gets no reply at all; as seen on the venue's JSON service.
    static let longestRequest = 4096

    /// Answers a request.
    func answer(_ text: [UInt8]) {
        guard text.count <= Self.longestRequest else {
            hub.counts.ignored += 1
            return
        }
        do throws(ControlRequest.Failure) {
            let request = try ControlRequest(text)
            do throws(ControlRequest.Failure) {
                let result = try carryOut(request)
                send(.text, Array("{\"result\":\(result),\"id\":\(request.id)}".utf8))
            } catch {
                throw ControlRequest.Failure(error.code, error.message, id: request.id)
            }
        } catch { send(.text, Array(errorText(error).utf8)) }
    }

    private func errorText(_ failure: ControlRequest.Failure) -> String {
        let body = "\"code\":\(failure.code),\"msg\":\(String(jsonQuoted: failure.message))"
        let id = failure.id.map { ",\"id\":\($0)" } ?? ""
        return hub.options.nestsErrors ? "{\"error\":{\(body)}\(id)}" : "{\(body)\(id)}"
    }

    private func carryOut(
        _ request: ControlRequest
    ) throws(ControlRequest.Failure) -> String {
        switch request.method {
        case .subscribe:
            let names = try names(request)
            let new = names.filter { !subscriptions.contains($0) }
            guard subscriptions.count + new.count <= hub.options.streamLimit else {
                throw .init(4, "Too many subscriptions")
            }
            for name in new { subscribe(name) }
            return "null"
        case .unsubscribe:
            for name in try names(request) { unsubscribe(name) }
            return "null"
        case .list:
            let names = subscriptions.map { String(jsonQuoted: $0.text) }
            return "[\(names.joined(separator: ","))]"
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

    private func names(
        _ request: ControlRequest
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
