import Testing

@testable import AWS
@testable import Transport

struct ErrorAnswerTests {
    struct Case: Sendable {
        let body: String
        var headers: [(String, String)] = []
        let code: String
        let message: String
        var requestID = ""
    }

    static let cases = [
        Case(
            body: #"{"__type":"com.amazonaws.kinesis.v20131202#ResourceNotFoundException","#
                + #""message":"Stream \"x\" under account 1 not found.","extra":{"a":[1,null]}}"#,
            headers: [("x-amzn-RequestId", "r-1")], code: "ResourceNotFoundException",
            message: "Stream \"x\" under account 1 not found.", requestID: "r-1"),
        Case(
            body: #" {"message":"slow","__type":"ThrottlingException"}"#,
            code: "ThrottlingException", message: "slow"),
        Case(
            body: #"{"Message":"no"}"#,
            headers: [("x-amzn-ErrorType", "AccessDeniedException:http://internal/x")],
            code: "AccessDeniedException", message: "no"),
        Case(
            body: "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>a &amp; b"
                + "</Message></Error><RequestId>7a</RequestId></ErrorResponse>",
            code: "SignatureDoesNotMatch", message: "a & b", requestID: "7a"),
        Case(
            body: "{}", headers: [("x-amzn-query-error", "Throttling;Sender")],
            code: "Throttling", message: "no reason given"),
        Case(body: "", code: "HTTP400", message: "no reason given"),
        Case(body: "{\"__type\":", code: "HTTP400", message: "no reason given"),
        Case(body: "<html>bad gateway</html>", code: "HTTP400", message: "no reason given"),
    ]

    @Test(arguments: cases)
    func `an error is found in JSON, in headers and in XML`(_ sample: Case) {
        let answer = ErrorAnswer(
            HTTPResponse(status: 400, headers: sample.headers, body: Array(sample.body.utf8)))
        #expect(answer.code == sample.code)
        #expect(answer.message == sample.message)
        #expect(answer.requestID == sample.requestID)
    }
}
