import Encoding
import Transport

/// The error that an answer holds, in whichever of AWS's forms it came.
///
/// JSON services say `{"__type":"namespace#Code","message":"..."}`, perhaps with the code in the
/// header `x-amzn-ErrorType` as `Code:uri`; services with the old query protocol, S3, and local
/// servers also for JSON services, say XML. Source: Smithy, "AWS JSON 1.1 protocol", "Operation
/// error serialization".
struct ErrorAnswer {
    /// For example `AccessDenied`; `HTTP404` where the answer has no code.
    let code: String
    let message: String
    let requestID: String
    /// False when no code was found.
    let hasCode: Bool

    /// A longer body is no error document.
    static let maximumBody = 64 << 10

    init(_ response: HTTPResponse) {
        let body = response.body.count <= Self.maximumBody ? response.body : []
        var code: String?
        var message: String?
        if body.first(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 })
            == UInt8(ascii: "{")
        {
            (code, message) = Self.json(body)
        } else {
            code = XMLText.first("Code", in: body)
            message = XMLText.first("Message", in: body)
        }
        if let header = response.header("x-amzn-errortype"), !header.isEmpty {
            code = Self.bare(header)
        }
        if let header = response.header("x-amzn-query-error") {
            code = String(header.prefix { $0 != ";" })
        }
        hasCode = code != nil
        self.code = code ?? "HTTP\(response.status)"
        self.message = String((message ?? "no reason given").prefix(500))
        requestID =
            response.header("x-amz-request-id") ?? response.header("x-amzn-requestid")
            ?? XMLText.first("RequestId", in: body) ?? XMLText.first("RequestID", in: body) ?? ""
    }

    private static func json(_ body: [UInt8]) -> (String?, String?) {
        var code: String?
        var message: String?
        var scanner = JSONScanner(body.span.bytes)
        // What was read before the text breaks off counts.
        do throws(JSONScanner.Failure) {
            var members = JSONScanner.Place()
            while let name = try scanner.nextKey(&members) {
                guard scanner.isAtString() else {
                    try scanner.skip()
                    continue
                }
                if scanner.equals(name, "__type") || scanner.equals(name, "code") {
                    code = bare(try scanner.lenientText())
                } else if scanner.equals(name, "message") || scanner.equals(name, "Message") {
                    message = try scanner.lenientText()
                } else {
                    try scanner.skip()
                }
            }
        } catch {}
        return (code, message)
    }

    /// `namespace#Code` and `Code:uri` without what surrounds the code.
    private static func bare(_ text: String) -> String {
        let code = text.split(separator: "#").last ?? ""
        return String(code.prefix { $0 != ":" })
    }
}
