import Foundation
import Glibc
import Posix
import TestSupport
import Testing

@testable import Records

/// Frames over a FIFO that has a path, which outlives its readers and writers.
struct FIFOTests {
    /// A FIFO that the test holds open to read and write, as systemd does.
    private final class FIFO {
        let directory: TemporaryDirectory
        let path: String
        let held: Int32

        init() throws {
            directory = try TemporaryDirectory()
            path = directory.path("fifo")
            try #require(mkfifo(path, 0o600) == 0)
            held = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK)
            try #require(held >= 0)
        }

        deinit { close(held) }

        func write(_ bytes: [UInt8]) {
            let count = bytes.withUnsafeBytes { Glibc.write(held, $0.baseAddress, $0.count) }
            #expect(count == bytes.count)
        }

        var content: Int { PeekedPipe.content(held) }

        /// Takes everything out.
        func take() -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: content)
            let count = read(held, &bytes, bytes.count)
            return Array(bytes.prefix(max(0, count)))
        }

        func reader() throws -> FrameReader { FrameReader(try Descriptor.openInput(path)) }
    }

    /// Reads until some ids came, or nothing comes for a while.
    private func ids(
        _ reader: inout FrameReader, count: Int, acknowledging: Bool = true
    ) throws -> [Int64] {
        var ids: [Int64] = []
        let end = Date().addingTimeInterval(20)
        while ids.count < count, Date() < end {
            _ = try reader.fill()
            while let frame = try reader.next() { ids.append(frame.firstID) }
            if acknowledging { try reader.acknowledge() }
        }
        return ids
    }

    @Test func `what was lent and not acknowledged is there for the next reader`() throws {
        let fifo = try FIFO()
        fifo.write((1...10).flatMap { Sample.trade(id: Int64($0)) })
        do {
            var reader = try fifo.reader()
            #expect(try ids(&reader, count: 10, acknowledging: false) == Array(1...10))
        }
        var second = try fifo.reader()
        #expect(try ids(&second, count: 10) == Array(1...10))
        #expect(fifo.content == 0)
    }

    /// As a buffer ends that was read in portions.
    @Test(arguments: [1, 5, 6, 14, 60, 100])
    func `no more is written than is there, though a frame is not whole`(cut: Int) throws {
        let fifo = try FIFO()
        let output = FrameOutput(
            Descriptor(adopting: open(fifo.path, O_WRONLY | O_CLOEXEC), name: fifo.path))
        try #require(output.isFIFO)
        let frames = (1...3).flatMap { Sample.trade(id: Int64($0)) }
        let halves =
            [Array(frames.dropLast(Sample.trade(id: 3).count - cut))]
            + [Array(frames.suffix(Sample.trade(id: 3).count - cut))]
        var read: [UInt8] = []
        for half in halves {
            var written = 0
            while written < half.count {
                let count = try output.write(half.span.bytes.extracting(written..<half.count))
                try #require(count > 0 && count <= half.count - written, "\(count)")
                written += count
                read += fifo.take()
            }
        }
        #expect(read == frames)
    }

    @Test func `only what was lent is taken out`() throws {
        let fifo = try FIFO()
        fifo.write((1...10).flatMap { Sample.trade(id: Int64($0)) })
        do {
            var reader = try fifo.reader()
            _ = try reader.fill()
            for id in 1...3 { #expect(try reader.next()?.firstID == Int64(id)) }
            try reader.acknowledge()
        }
        var second = try fifo.reader()
        #expect(try ids(&second, count: 7) == Array(4...10))
    }

    @Test(arguments: [1, 5, 6, 13, 14, 50, 101])
    func `half a frame stays where it is`(length: Int) throws {
        let fifo = try FIFO()
        let frame = Sample.trade(id: 2)
        fifo.write(Sample.trade(id: 1) + frame.prefix(length))
        do {
            var reader = try fifo.reader()
            #expect(try ids(&reader, count: 1) == [1])
            #expect(try reader.fill() == .frames)
            #expect(try reader.next() == nil)
            #expect(fifo.content == length)
        }
        fifo.write(Array(frame.dropFirst(length)) + Sample.trade(id: 3))
        var second = try fifo.reader()
        #expect(try ids(&second, count: 2) == [2, 3])
        #expect(second.bytesSkipped == 0)
    }

    @Test(arguments: [300_000, 900_000])
    func `a frame of any size comes through, though the FIFO may not hold it`(length: Int) throws {
        let fifo = try FIFO()
        let frames = Sample.trade(id: 1) + Sample.raw(id: 2, length: length) + Sample.trade(id: 3)
        let path = fifo.path
        let writer = Thread {
            // As a neighbour that knows nothing of FIFOs: it waits in write(2).
            guard let file = FileHandle(forWritingAtPath: path) else { return }
            try? file.write(contentsOf: Data(frames))
        }
        writer.start()
        var reader = try fifo.reader()
        #expect(try ids(&reader, count: 3) == [1, 2, 3])
        #expect(fifo.content == 0)
    }

    @Test(arguments: [1, 7, 13, 50, 101])
    func `a reader that starts inside a frame finds the next one, and counts what it left`(
        start: Int
    ) throws {
        let fifo = try FIFO()
        fifo.write(
            Array(Sample.trade(id: 1).dropFirst(start)) + Sample.trade(id: 2) + Sample.trade(id: 3))
        var reader = try fifo.reader()
        var words: [String] = []
        reader.whenSkipping = { words.append("\($0)") }
        #expect(try ids(&reader, count: 2) == [2, 3])
        let length = Sample.trade(id: 1).count
        #expect(reader.bytesSkipped == Int64(length - start))
        #expect(words.count == 2 && words[0].hasPrefix("began"), "\(words)")
        #expect(words.last == "found(after: \(length - start))", "\(words)")
        #expect(fifo.content == 0)
    }

    @Test(arguments: [1, 6, 14, 50, 101])
    func `the beginning of a frame whose writer was killed makes no record of its neighbours`(
        length: Int
    ) throws {
        let fifo = try FIFO()
        fifo.write(
            Sample.trade(id: 1) + Sample.trade(id: 9).prefix(length) + Sample.trade(id: 2)
                + Sample.trade(id: 3))
        var reader = try fifo.reader()
        #expect(try ids(&reader, count: 3) == [1, 2, 3])
        #expect(reader.bytesSkipped == Int64(length))
    }

    @Test func `the beginning of a long frame is given up when a whole one follows it`() throws {
        let fifo = try FIFO()
        fifo.write(Sample.raw(id: 9, length: 200_000).prefix(5000) + Sample.trade(id: 2))
        var reader = try fifo.reader()
        #expect(try ids(&reader, count: 1) == [2])
        #expect(reader.bytesSkipped == 5000)
    }

    @Test func `the end inside a frame is an error when nobody can write the rest`() throws {
        let fifo = try FIFO()
        var reader = try fifo.reader()
        fifo.write(Sample.trade(id: 1) + Sample.trade(id: 2).prefix(40))
        #expect(try ids(&reader, count: 1) == [1])
        // Its writers are gone; the number stays the test's own.
        _ = dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fifo.held)
        let length = Sample.trade(id: 1).count
        #expect(throws: FrameError.truncated(offset: Int64(length), have: 40, need: length)) {
            for _ in 1...10 { _ = try reader.fill() }
        }
    }

    @Test func `a shell's pipe is read as ever`() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        let bytes = Array("no frame at all".utf8)
        _ = write(ends[1], bytes, bytes.count)
        close(ends[1])
        var reader = FrameReader(Descriptor(adopting: ends[0], name: "pipe"))
        #expect(try reader.fill() == .frames)
        #expect(throws: FrameError.self) { while try reader.next() != nil {} }
    }

    // MARK: - Writing

    @Test(arguments: [1, 40, 41, 5000])
    func `a writer that is stopped while its reader is down leaves whole frames`(pad: Int) throws {
        let fifo = try FIFO()
        // A pipe of few pages is full soon; the writer may make it larger, and that is full later.
        var writer = try FrameWriter(
            try Descriptor.open(fifo.path, O_WRONLY | O_NONBLOCK))
        let stop = try WakeupFlag()
        defer { stop.close() }
        stop.raise()
        writer.stop = stop.descriptor
        writer.drainTimeout = 0.05
        let code = try? { () throws(SystemError) -> Int32 in
            do throws(SystemError) {
                for id in 1...100_000 {
                    for bytes in [Sample.trade(id: Int64(id)), Sample.raw(id: 1, length: pad)] {
                        try writer.append(frames: bytes.span.bytes, count: 1)
                    }
                }
                return 0
            } catch { return error.code }
        }()
        #expect(code == ETIMEDOUT)
        var bytes = [UInt8](repeating: 0, count: 2 << 20)
        let count = read(fifo.held, &bytes, bytes.count)
        var rest = bytes.prefix(max(0, count))[...]
        while rest.count >= 4 {
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            guard length <= rest.count else { break }
            rest = rest.dropFirst(length)
        }
        #expect(
            count > 100 && rest.isEmpty, "\(count) bytes, \(rest.count) behind the last frame")
    }
}
