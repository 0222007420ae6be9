import AWS
import Posix
import Records

/// The work of `kinesis-peer build`: PutRecords bodies of 500 frames, built and signed.
func buildCalls(_ file: borrowing Bytes, passes: Int) throws -> String {
    guard let stream = StreamReference("market-sbe-trade") else { throw BenchError.usage }
    let suffix = RecordSuffix(partitionKey: "BTCUSDT")
    let credentials = Credentials(accessKeyID: "AKID", secretAccessKey: "secret")
    var signer = PostSigner(
        authority: "127.0.0.1:80", path: "/", region: "us-east-1", service: "kinesis",
        contentType: "application/x-amz-json-1.1")
    let now = Clock.realtimeNanoseconds() / 1_000_000_000
    var memory = Bytes(capacity: 256 << 10)
    var total = 0
    var sum: UInt64 = 0
    for _ in 0..<passes {
        var offset = 0
        while offset < file.count {
            var body = PutRecordsBody(stream, reusing: memory)
            while offset < file.count, body.count < 500 {
                let frame = try FrameView(firstIn: file.span(offset..<file.count))
                offset += frame.bytes.byteCount
                body.append(frame.bytes, suffix)
            }
            memory = body.finish()
            let headers = signer.headers(
                target: "Kinesis_20131202.PutRecords", body: memory.span,
                credentials: credentials, now: now)
            guard headers.count == 4 else { throw BenchError.usage }
            total += memory.count
            sum &+= memory.span.unsafeLoadUnaligned(
                fromByteOffset: memory.count - 1000, as: UInt64.self)
        }
    }
    return "\(total) bytes, sum \(sum)"
}
