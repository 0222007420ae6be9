import Encoding
import Foundation
import TestSupport
import Testing

@testable import AWS

/// moto, an S3 of strangers, with signatures checked: a Python process that ends with this one.
final class Moto {
    /// The Python with moto and boto3 in it: `.venv` in the package, or `MOTO_PYTHON`.
    static let python: String? = {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let path =
            ProcessInfo.processInfo.environment["MOTO_PYTHON"]
            ?? root.appendingPathComponent(".venv/bin/python").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    private let process = Process()
    private let commands = Pipe()
    private let answers = Pipe()
    private var pending = Data()
    let endpoint: String
    let accessKeyID: String
    let secretAccessKey: String

    /// - Parameter checking: moto checks signatures. It decodes the path first, so that it refuses
    ///   keys with `=`, `+` or `:` then, also boto3's own (moto 5.2.1).
    init(checking: Bool = true) throws {
        process.executableURL = URL(fileURLWithPath: try #require(Moto.python))
        process.arguments = ["-c", Moto.script, checking ? "0" : "inf"]
        process.standardInput = commands
        process.standardOutput = answers
        process.standardError = FileHandle.nullDevice
        try process.run()
        var first = Data()
        while !first.contains(0x0A) {
            let more = answers.fileHandleForReading.availableData
            if more.isEmpty { break }
            first += more
        }
        let words = String(decoding: first, as: UTF8.self).split { $0 == " " || $0 == "\n" }
        try #require(words.count == 3, "moto did not start")
        endpoint = String(words[0])
        accessKeyID = String(words[1])
        secretAccessKey = String(words[2])
    }

    deinit {
        try? commands.fileHandleForWriting.close()
        process.terminate()
        process.waitUntilExit()
    }

    /// Length, SHA-256, content type and the metadata `note` of an object, as boto3 sees it.
    func read(_ key: String) throws -> String {
        commands.fileHandleForWriting.write(Data("\(key)\n".utf8))
        while !pending.contains(0x0A) {
            let more = answers.fileHandleForReading.availableData
            if more.isEmpty { break }
            pending += more
        }
        defer { pending.removeAll() }
        return String(decoding: pending, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    private static let script = """
        import sys, json, hashlib, urllib.request, os
        import boto3
        from moto.server import ThreadedMotoServer
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        url = f"http://127.0.0.1:{port}"
        def client(name, key, secret):
            return boto3.client(name, endpoint_url=url, region_name="us-east-1",
                                aws_access_key_id=key, aws_secret_access_key=secret)
        iam = client("iam", "x", "y")
        iam.create_user(UserName="u")
        pair = iam.create_access_key(UserName="u")["AccessKey"]
        iam.put_user_policy(UserName="u", PolicyName="all", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        client("s3", "x", "y").create_bucket(Bucket="bronze")
        iam.create_role(RoleName="writer", AssumeRolePolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}))
        iam.put_role_policy(RoleName="writer", PolicyName="all", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        urllib.request.urlopen(urllib.request.Request(
            url + "/moto-api/reset-auth", data=sys.argv[1].encode(), headers={"Content-Type": "text/plain"}))
        key, secret = pair["AccessKeyId"], pair["SecretAccessKey"]
        s3 = client("s3", key, secret)
        print(url, key, secret, flush=True)
        for line in sys.stdin:
            try:
                answer = s3.get_object(Bucket="bronze", Key=line.rstrip("\\n"))
                body = answer["Body"].read()
                print(len(body), hashlib.sha256(body).hexdigest(), answer["ContentType"],
                      answer["Metadata"].get("note"), flush=True)
            except Exception as error:
                print("error", str(error).replace("\\n", " "), flush=True)
        os._exit(0)
        """
}

@Suite(.enabled(if: Moto.python != nil, "there is no Python with moto: .venv or MOTO_PYTHON"))
struct MotoTests {
    private func client(_ moto: Moto, secret: String? = nil, key: String? = nil) throws -> S3Client
    {
        var configuration = S3Configuration(region: "us-east-1", endpoint: moto.endpoint)
        configuration.partLength = 5 << 20
        configuration.multipartThreshold = 5 << 20
        return try S3Client(
            configuration,
            credentials: CredentialsProvider(
                Credentials(
                    accessKeyID: key ?? moto.accessKeyID,
                    secretAccessKey: secret ?? moto.secretAccessKey)))
    }

    @Test(arguments: [true, false])
    func `objects are stored once and read back by boto3`(_ checking: Bool) throws {
        let moto = try Moto(checking: checking)
        var client = try client(moto)
        try client.checkBucket("bronze")
        let keys: [(String, Int)] =
            checking
            ? [("empty", 0), ("a b//x~.avro", 70_000), ("parts", 5 << 20 | 5), ("three", 11 << 20)]
            : [("kind=trade/date=2026-11-24/1-2.avro", 1000), ("a+b:é", 1), ("p=1", 5 << 20 | 5)]
        for (key, count) in keys {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let file = try ScratchFile(bytes)
            let other = try ScratchFile(bytes + [1])
            var upload = ObjectUpload(
                path: file.path, bucket: "bronze", key: key, contentType: "application/avro",
                metadata: [("note", "n 1")])
            #expect(try client.put(upload) == .created)
            let hash = Hex.text(SHA256.of(bytes))
            #expect(try moto.read(key) == "\(count) \(hash) application/avro n 1")
            #expect(try client.put(upload) == .existedSame)
            upload.path = other.path
            #expect(try client.put(upload) == .existedOther)
            #expect(try client.get(bucket: "bronze", key: key, limit: 20 << 20) == bytes)
            upload.onlyIfAbsent = false
            #expect(try client.put(upload) == .created)
            #expect(try client.head(bucket: "bronze", key: key)?.length == Int64(count + 1))
        }
        #expect(try client.head(bucket: "bronze", key: "absent") == nil)
        #expect(try client.unfinishedUploads(bucket: "bronze", prefix: "") == [])
    }

    @Test func `wrong keys are not permitted, a wrong bucket is wrong configuration`() throws {
        let moto = try Moto()
        let file = try ScratchFile([1])
        func category(_ client: consuming S3Client, _ bucket: String) -> AWSError.Category? {
            do throws(AWSError) {
                _ = try client.put(ObjectUpload(path: file.path, bucket: bucket, key: "k"))
                return nil
            } catch { return error.category }
        }
        #expect(category(try client(moto, secret: "wrong"), "bronze") == .notPermitted)
        #expect(category(try client(moto, key: "AKIAWRONG"), "bronze") == .notPermitted)
        #expect(category(try client(moto), "nowhere") == .configuration)
    }

    @Test func `a role is assumed, and its session is let in`() throws {
        let moto = try Moto()
        let place = try TemporaryDirectory()
        try Data(
            """
            [profile writer]
            role_arn = arn:aws:iam::123456789012:role/writer
            source_profile = base
            [profile base]
            aws_access_key_id = \(moto.accessKeyID)
            aws_secret_access_key = \(moto.secretAccessKey)
            """.utf8
        ).write(to: URL(fileURLWithPath: place.path("config")))
        let values = [
            "AWS_CONFIG_FILE": place.path("config"), "AWS_PROFILE": "writer",
            "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": moto.endpoint,
        ]
        let environment = AWS.Environment { values[$0] }
        let provider = CredentialsProvider(environment: environment)
        let now = Int64(Date().timeIntervalSince1970)
        let found = try provider.credentials(at: now)
        #expect(found.sessionToken != nil && found.source.hasSuffix("role/writer"))
        #expect(try #require(provider.secondsLeft(at: now)) > 3000)
        var client = try S3Client(
            S3Configuration(try ServiceLocation("s3", environment: environment)),
            credentials: provider)
        let file = try ScratchFile([1, 2, 3])
        #expect(
            try client.put(ObjectUpload(path: file.path, bucket: "bronze", key: "k")) == .created)
        #expect(try moto.read("k").hasPrefix("3 "))
    }
}
