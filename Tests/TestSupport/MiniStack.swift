import Foundation

/// MiniStack: an S3, Kinesis, CloudWatch and STS of strangers, which checks signatures, clocks and
/// checksums. Ends with its value. A bucket `bronze` is there.
///
/// Its root key is not checked by it at all, so an IAM user is made, whose key tests sign with.
public final class MiniStack {
    /// The Python with MiniStack in it: `MINISTACK_PYTHON`, else `.venv-ministack` in the package;
    /// nil before `make setup`.
    public static let python: String? = {
        let path =
            ProcessInfo.processInfo.environment["MINISTACK_PYTHON"]
            ?? packageRoot.appendingPathComponent(".venv-ministack/bin/python").path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }()

    /// Why a test is skipped.
    public static let absence: String = "there is no MiniStack; run make setup"

    private let server: BackgroundProgram
    private let home: TemporaryDirectory
    /// Of all services, such as `http://127.0.0.1:40123`.
    public let endpoint: String
    /// Of a user who may do everything.
    public let accessKeyID: String
    /// Goes with it.
    public let secretAccessKey: String

    /// Starts it on a free port; ready in some two seconds.
    public init() throws {
        guard let python = Self.python else { throw CocoaError(.executableNotLoadable) }
        home = try TemporaryDirectory()
        server = try BackgroundProgram(python, ["-c", Self.script, home.path])
        let words = server.firstLine().split(separator: " ").map(String.init)
        guard words.count == 3 else { throw CocoaError(.executableLoad) }
        endpoint = words[0]
        accessKeyID = words[1]
        secretAccessKey = words[2]
    }

    /// What a program needs to find it and to be let in.
    public var environment: [String: String] {
        [
            "AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": accessKeyID,
            "AWS_SECRET_ACCESS_KEY": secretAccessKey, "AWS_REGION": "us-east-1",
        ]
    }

    private static let script = """
        import json, os, socket, subprocess, sys, time, urllib.request
        import botocore.session
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        home = sys.argv[1]
        settings = dict(
            os.environ, HOME=home, BIND_HOST="127.0.0.1", GATEWAY_PORT=str(port), AUTH="true",
            SERVICES="s3,kinesis,cloudwatch,sts,iam", LOG_LEVEL="WARNING", SFTP_ENABLED="0",
            IOT_MTLS_ENABLED="0", DOCKER_HOST="unix:///nonexistent",
            AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
        settings.pop("AWS_ENDPOINT_URL", None)
        command = os.path.join(os.path.dirname(sys.executable), "ministack")
        server = subprocess.Popen([command], env=settings, cwd=home, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(url + "/_ministack/health", timeout=5)
                break
            except OSError:
                if server.poll() is not None:
                    sys.exit("MiniStack ended")
                time.sleep(0.05)
        session = botocore.session.Session()
        def client(name, key="test", secret="test"):
            return session.create_client(
                name, endpoint_url=url, region_name="us-east-1", aws_access_key_id=key,
                aws_secret_access_key=secret)
        iam = client("iam")
        iam.create_user(UserName="u")
        pair = iam.create_access_key(UserName="u")["AccessKey"]
        iam.put_user_policy(UserName="u", PolicyName="all", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"}]}))
        client("s3").create_bucket(Bucket="bronze")
        print(url, pair["AccessKeyId"], pair["SecretAccessKey"], flush=True)
        server.wait()
        """
}
