import Avro
import NIOCore
import Posix

extension Response {
    /// Shorter bodies fit one packet anyway, bytes.
    private static let shortest = 1400

    /// The answer with a compressed body where the client takes one (RFC 9110, section 12.5.3).
    func compressed(for acceptEncoding: String) -> Response {
        guard !isLive, body.readableBytes > Self.shortest else { return self }
        var response = self
        response.headers["Vary"] =
            headers["Vary"].map { "\($0), Accept-Encoding" } ?? "Accept-Encoding"
        guard Self.takesGzip(acceptEncoding) else { return response }
        var output = Bytes()
        do throws(CompressionError) {
            let compressor = try StreamCompressor(.gzip)
            let input = Array(body.readableBytesView)
            try compressor.compress(input.span.bytes, ends: true, to: &output)
        } catch { return response }
        response.body = output.span.withUnsafeBytes { ByteBuffer(bytes: $0) }
        response.headers["Content-Encoding"] = "gzip"
        return response
    }

    /// True where gzip, or everything, is taken and not given the quality 0.
    static func takesGzip(_ field: String) -> Bool {
        var qualities: [String: Double] = [:]
        for part in field.lowercased().split(separator: ",") {
            let words = part.split(separator: ";").map { word in
                word.split { $0 == " " || $0 == "\t" }.joined()
            }
            guard let coding = words.first else { continue }
            let quality = words.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
            qualities[coding] = quality ?? 1
        }
        return (qualities["gzip"] ?? qualities["x-gzip"] ?? qualities["*"] ?? 0) > 0
    }
}
