@testable import AWS
@testable import Transport

extension KinesisFailure {
    /// A refusal as the service words it.
    static func example(_ code: String, status: Int = 400) -> KinesisFailure {
        let body = Array("{\"__type\":\"\(code)\",\"message\":\"as told\"}".utf8)
        let response = HTTPResponse(status: status, headers: [], body: body)
        let error = AWSError(
            response, service: "kinesis", operation: "PutRecords", subject: "stream")
        guard let error else { preconditionFailure("a good answer is no failure") }
        return KinesisFailure(error)
    }
}
