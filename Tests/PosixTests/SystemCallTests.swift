import Glibc
import TestSupport
import Testing

@testable import Posix

/// Every call of the floor: what a refusal says, and that a signal ends none of them.
struct SystemCallTests {
    /// A directory with a file, and descriptors that may not do what they are asked for.
    final class Bench {
        let place: TemporaryDirectory
        let reader: Descriptor
        let writer: Descriptor
        let pipe: (read: Int32, write: Int32)

        init() throws {
            place = try TemporaryDirectory()
            try Files.replace(place.path("file"), with: [1, 2, 3])
            reader = try Descriptor.open(place.path("file"), O_RDONLY)
            writer = try Descriptor.open(place.path("file"), O_WRONLY)
            pipe = try Spawn.makePipe()
        }

        deinit {
            close(pipe.read)
            close(pipe.write)
        }

        /// The pipe's end for reading.
        var pipeEnd: Descriptor { Descriptor(adopting: pipe.read, name: "pipe", isOwned: false) }
    }

    /// A call that the system refuses.
    struct Refusal: Sendable, CustomTestStringConvertible {
        /// What the error says before the reason; `DIR` is the bench's directory.
        let words: String
        let code: Int32
        let call: @Sendable (Bench) throws -> Void

        init(
            _ words: String, _ code: Int32,
            _ call: @escaping @Sendable (Bench) throws -> Void
        ) {
            (self.words, self.code, self.call) = (words, code, call)
        }

        var testDescription: String { words }
    }

    static let refusals = [
        Refusal("open DIR/no", ENOENT) { _ = try Descriptor.open($0.place.path("no"), O_RDONLY) },
        Refusal("open DIR", EISDIR) { _ = try Descriptor.open($0.place.path, O_WRONLY) },
        Refusal("create DIR/no/file", ENOENT) {
            _ = try Descriptor.open($0.place.path("no/file"), O_WRONLY | O_CREAT)
        },
        Refusal("create DIR/file", EEXIST) {
            _ = try Descriptor.open($0.place.path("file"), O_WRONLY | O_CREAT | O_EXCL)
        },
        Refusal("open DIR/file/below", ENOTDIR) {
            _ = try Descriptor.openInput($0.place.path("file/below"))
        },
        Refusal("read DIR/file", EBADF) { bench in
            var bytes = Bytes()
            _ = try bench.writer.read(appendingTo: &bytes, room: 8)
        },
        Refusal("read DIR/file", EBADF) { bench in
            _ = try withUnsafeTemporaryAllocation(byteCount: 8, alignment: 1) {
                try bench.writer.read(into: $0)
            }
        },
        Refusal("read DIR/file", ENODATA) { bench in
            try withUnsafeTemporaryAllocation(byteCount: 8, alignment: 1) {
                try bench.reader.read(at: 0, into: $0)
            }
        },
        Refusal("read DIR", EISDIR) { _ = try Files.read($0.place.path, limit: 8) },
        Refusal("read DIR/file", EFBIG) { _ = try Files.read($0.place.path("file"), limit: 2) },
        Refusal("write to DIR/file", EBADF) { try $0.reader.writeAll([1].span.bytes) },
        Refusal("write to DIR/file", EBADF) { try $0.reader.write([1].span.bytes, at: 0) },
        Refusal("truncate DIR/file", EINVAL) { try $0.reader.truncate(to: 0) },
        Refusal("allocate space for DIR/file", EBADF) { try $0.reader.allocate(8) },
        Refusal("sync pipe", EINVAL) { try $0.pipeEnd.sync() },
        Refusal("sync pipe", EINVAL) { try $0.pipeEnd.syncData() },
        Refusal("seek in pipe", ESPIPE) { try $0.pipeEnd.seek(to: 0) },
        Refusal("close gone", EBADF) { _ in
            try Descriptor(adopting: 1_000_000, name: "gone").close()
        },
        Refusal("examine gone", EBADF) { _ in
            _ = try Descriptor(adopting: 1_000_000, name: "gone", isOwned: false).status()
        },
        Refusal("lock gone", EBADF) { _ in
            var gone = Descriptor(adopting: 1_000_000, name: "gone", isOwned: false)
            _ = try gone.lock()
        },
        Refusal("list DIR/no", ENOENT) { _ = try Files.list($0.place.path("no")) },
        Refusal("list DIR/file", ENOTDIR) { _ = try Files.list($0.place.path("file")) },
        Refusal("create directory DIR/file/a", ENOTDIR) {
            try Files.makeDirectories($0.place.path("file/a"))
        },
        Refusal("create directory DIR/file/a", ENOTDIR) {
            try Files.makeDurableDirectories($0.place.path("file/a"))
        },
        Refusal("rename DIR/no to DIR/b", ENOENT) {
            try Files.rename($0.place.path("no"), to: $0.place.path("b"))
        },
        Refusal("start no-such-program", ENOENT) { _ in
            _ = try Spawn.start(["no-such-program"])
        },
        Refusal("start DIR/file", EACCES) { _ = try Spawn.start([$0.place.path("file")]) },
    ]

    @Test(arguments: refusals)
    func `a refusal says what was attempted, on what, and why`(_ refusal: Refusal) throws {
        let bench = try Bench()
        let place = bench.place.path
        let words = refusal.words.replacing("DIR", with: place)
        do {
            try refusal.call(bench)
            Issue.record("it was not refused: \(words)")
        } catch let error as SystemError {
            #expect(error.code == refusal.code)
            #expect(
                error.description
                    == "cannot \(words): \(String(cString: strerror(refusal.code)))")
        }
    }

    // MARK: - Signals

    /// A call that waits for the other end of a pipe or FIFO.
    struct Wait: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Waits; gives what came of it.
        let call: @Sendable (Place) throws -> Int
        /// Lets it go on.
        let release: @Sendable (Place) throws -> Void
        let result: Int

        struct Place: Sendable {
            let pipe: (read: Int32, write: Int32)
            let fifo: String
        }
    }

    private static func fill(_ descriptor: Int32) {
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        let page = [UInt8](repeating: 0, count: 4096)
        while write(descriptor, page, page.count) > 0 {}
        _ = fcntl(descriptor, F_SETFL, 0)
    }

    static let waits = [
        Wait(
            testDescription: "read into memory",
            call: { place in
                let pipe = Descriptor(adopting: place.pipe.read, name: "pipe", isOwned: false)
                return try withUnsafeTemporaryAllocation(byteCount: 8, alignment: 1) {
                    try pipe.read(into: $0) ?? -1
                }
            }, release: { _ = write($0.pipe.write, [1, 2, 3] as [UInt8], 3) }, result: 3),
        Wait(
            testDescription: "read into a buffer",
            call: { place in
                let pipe = Descriptor(adopting: place.pipe.read, name: "pipe", isOwned: false)
                var bytes = Bytes()
                return try pipe.read(appendingTo: &bytes, room: 8)
            }, release: { _ = write($0.pipe.write, [1, 2] as [UInt8], 2) }, result: 2),
        Wait(
            testDescription: "write to a full pipe",
            call: { place in
                fill(place.pipe.write)
                let pipe = Descriptor(adopting: place.pipe.write, name: "pipe", isOwned: false)
                try pipe.writeAll([1].span.bytes)
                return 1
            },
            release: { place in
                let pipe = Descriptor(adopting: place.pipe.read, name: "pipe", isOwned: false)
                var bytes = Bytes()
                _ = try pipe.read(appendingTo: &bytes, room: 1 << 20)
            }, result: 1),
        Wait(
            testDescription: "open a FIFO without a writer",
            call: { place in
                _ = try Descriptor.open(place.fifo, O_RDONLY)
                return 1
            }, release: { _ = try Descriptor.open($0.fifo, O_WRONLY) }, result: 1),
    ]

    @Test(arguments: waits)
    func `a call that waits goes on after signals`(_ wait: Wait) throws {
        let scratch = try TemporaryDirectory()
        let fifo = scratch.path("fifo")
        try #require(mkfifo(fifo, 0o600) == 0)
        let pipe = try Spawn.makePipe()
        defer {
            close(pipe.read)
            close(pipe.write)
        }
        // Without SA_RESTART, so that the system ends calls.
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        try #require(sigaction(SIGUSR2, &action, nil) == 0)
        let place = Wait.Place(pipe: pipe, fifo: fifo)
        let (threads, results) = (try WorkQueue<Waiter>(), try WorkQueue<Result<Int, any Error>>())
        let thread = try BackgroundThread("test") {
            var own = sigset_t()
            sigemptyset(&own)
            sigaddset(&own, SIGUSR2)
            pthread_sigmask(SIG_UNBLOCK, &own, nil)
            threads.add(Waiter())
            results.add(Result { try wait.call(place) })
        }
        let waiter = try #require(threads.next())
        for _ in 0..<20 {
            #expect(waitUntil { waiter.sleeps || results.count > 0 })
            guard results.count == 0 else { break }
            pthread_kill(waiter.thread, SIGUSR2)
        }
        #expect(results.count == 0, "a signal ended it")
        try wait.release(place)
        #expect(thread.join(seconds: 60))
        #expect(try results.takeAll().map { try $0.get() } == [wait.result])
    }

    private struct Waiter: @unchecked Sendable {
        let thread = pthread_self()
        /// Such as `4711/task/4712`.
        private let place: String

        /// The thread that makes it.
        init() {
            var link = [UInt8](repeating: 0, count: 64)
            let count = readlink("/proc/thread-self", &link, link.count)
            place = String(decoding: link.prefix(max(0, count)), as: UTF8.self)
        }

        /// True while the kernel has it wait.
        var sleeps: Bool {
            let text = (try? Files.read("/proc/\(place)/stat", limit: 4096)) ?? []
            return String(decoding: text, as: UTF8.self).split(separator: ")").last?
                .hasPrefix(" S") == true
        }
    }

    @Test func `a read that hears signals gives nothing when one came`() throws {
        let pipe = try Spawn.makePipe()
        defer {
            close(pipe.read)
            close(pipe.write)
        }
        _ = fcntl(pipe.read, F_SETFL, O_NONBLOCK)
        let end = Descriptor(adopting: pipe.read, name: "pipe", isOwned: false)
        let count = try withUnsafeTemporaryAllocation(byteCount: 8, alignment: 1) {
            try end.read(into: $0)
        }
        #expect(count == nil)
    }

    // MARK: - Programs

    /// Words of a shell, and the status that they end with.
    @Test(
        arguments: [("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137), ("true", 0)]
            as [(String, Int32)])
    func `the status of a program is that of a shell`(_ words: String, _ status: Int32) throws {
        let pid = try Spawn.start(["sh", "-c", words], input: .null, output: .null, errors: .null)
        #expect(Spawn.wait(for: pid) == status)
    }

    @Test func `a program gets its streams, its variables and no other end of a pipe`() throws {
        let pipe = try Spawn.makePipe()
        let other = try Spawn.makePipe()
        defer { for end in [pipe.read, other.read, other.write] { close(end) } }
        let pid = try Spawn.start(
            [
                "sh", "-c", "echo \"$POSIX_TEST\"; for end; do ls /proc/$$/fd | grep -x $end; done",
                "sh",
                "\(pipe.read)", "\(other.read)", "\(other.write)",
            ],
            changing: ["POSIX_TEST": "a b"], input: .null, output: .descriptor(pipe.write),
            errors: .null)
        close(pipe.write)
        var bytes = Bytes()
        let reader = Descriptor(adopting: pipe.read, name: "pipe", isOwned: false)
        while try reader.read(appendingTo: &bytes, room: 4096) > 0 {}
        _ = Spawn.wait(for: pid)
        #expect(String(decoding: bytes.array, as: UTF8.self) == "a b\n")
    }

    @Test func `a program that takes longer is given up on, and hears of it as a group`() throws {
        let pid = try Spawn.start(
            ["sh", "-c", "sleep 600 & wait"], input: .null, output: .null, errors: .null)
        #expect(getpgid(pid) == pid)
        #expect(Spawn.wait(for: pid, until: Clock.monotonicNanoseconds() + 20_000_000) == nil)
        kill(-pid, SIGKILL)
        #expect(Spawn.wait(for: pid) == 137)
    }
}
