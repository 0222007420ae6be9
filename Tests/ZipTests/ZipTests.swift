import Foundation
import Posix
import TestSupport
import Testing
import Zip

/// Zip files of Python's zipfile, whole and spoiled.
@Suite(.enabled(if: Python.path != nil, "there is no .venv; run make setup"))
struct ZipTests {
    private static let content = Array(
        (0..<40_000).map { "\($0),65432.10000000,0.\($0 % 1000)\n" }.joined().utf8)

    /// Runs Python with `path` and `content` set.
    private func make(_ place: TemporaryDirectory, _ code: String) throws -> String {
        let path = place.path("file.zip")
        try Data(Self.content).write(to: URL(fileURLWithPath: place.path("content")))
        let python = try #require(Python.path)
        let outcome = try Program.run(
            python,
            [
                "-c",
                "import zipfile, struct\npath = '\(path)'\n"
                    + "content = open('\(place.path("content"))', 'rb').read()\n" + code,
            ])
        #expect(outcome.status == 0, "\(outcome.errors)")
        return path
    }

    private func read(_ path: String, limit: Int64 = 1 << 30) throws(ZipError) -> [UInt8] {
        var reader = try ZipReader(onlyFileOf: ZipFile(path: path), limit: limit)
        var output = Bytes()
        while try reader.read(into: &output) {}
        return output.array
    }

    @Test(arguments: [
        "with zipfile.ZipFile(path, 'w') as z: z.writestr('a.csv', content)",
        "with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a.csv', content)",
        """
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
            z.comment = b'PK\\x05\\x06' * 100
            z.writestr('a.csv', content)
        """,
        """
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
            with z.open('a.csv', 'w', force_zip64=True) as f: f.write(content)
        """,
        // Sizes that stand in the zip64 extra field of the directory alone, and a zip64 end record.
        """
        zipfile.ZIP64_LIMIT = 1000
        zipfile.ZIP_FILECOUNT_LIMIT = 0
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z:
            with z.open('a.csv', 'w', force_zip64=True) as f: f.write(content)
        """,
    ])
    func `content comes out as it went in`(code: String) throws {
        let place = try TemporaryDirectory()
        #expect(try read(make(place, code)) == Self.content)
    }

    @Test func `an empty file is one`() throws {
        let place = try TemporaryDirectory()
        let path = try make(
            place,
            "with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a', b'')")
        #expect(try read(path).isEmpty)
    }

    private static let good =
        "with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('a.csv', content)\n"
        + "data = bytearray(open(path, 'rb').read())\n"
        + "place = data.rindex(b'PK\\x01\\x02')\n"

    @Test(arguments: [
        ("data = data[:len(data) // 2]", "does not end as a zip file does"),
        ("data = b'not a zip file at all, but some words of a proxy'", "does not end as a zip"),
        ("data = data[:10]", "too few"),
        // The checksum, the length, the place of the header, the method, encryption.
        ("data[place + 16] ^= 1", "other ones"),
        ("data[place + 24] ^= 1", "bytes"),
        ("struct.pack_into('<I', data, place + 24, 0x3FFFFFF0)", "cannot be"),
        ("struct.pack_into('<I', data, place + 42, 0x7FFFFFFF)", "not inside"),
        ("struct.pack_into('<I', data, place + 20, 0x7FFFFFFF)", "not inside"),
        ("struct.pack_into('<I', data, place + 42, 7)", "not where the directory says"),
        ("data[place + 10] = 12", "method 12"),
        ("data[place + 8] |= 1", "encrypted"),
        // Packed bytes that are none.
        ("data[100:400] = bytes(300)", "a.csv"),
        // Names and numbers that lead out of the directory.
        ("struct.pack_into('<H', data, place + 28, 0xFFFF)", "ends inside an entry"),
        ("struct.pack_into('<H', data, len(data) - 12, 9)", "ends too early"),
        ("struct.pack_into('<I', data, len(data) - 6, 0xFFFFFFF0)", "not inside the file"),
        ("struct.pack_into('<I', data, len(data) - 6, 0xFFFFFFFF)", "zip64"),
    ])
    func `a file that contradicts itself is refused with the reason`(
        code: String, words: String
    ) throws {
        let place = try TemporaryDirectory()
        let path = try make(place, Self.good + code + "\nopen(path, 'wb').write(data)")
        let error = #expect(throws: ZipError.self) { _ = try read(path) }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "none")")
    }

    @Test func `more files than one, and more content than allowed, are refused`() throws {
        let place = try TemporaryDirectory()
        let two = try make(
            place,
            "with zipfile.ZipFile(path, 'w') as z:\n  z.writestr('a', b'1')\n  z.writestr('b', b'2')"
        )
        #expect(throws: ZipError.self) { _ = try read(two) }
        let one = try make(place, Self.good)
        #expect(throws: ZipError.self) { _ = try read(one, limit: 1000) }
    }
}
