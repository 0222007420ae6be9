import Encoding
import Posix
import Spool

/// How far each output is, in a small file beside the spool.
///
/// It is replaced as a whole. One that is older than the truth, or cannot be read, costs repeats and no
/// records.
struct OutputPlaces {
    /// Longest file that is believed.
    private static let longest = 1 << 20

    private let path: String
    private var written: [String: Spool.Position] = [:]

    init(in directory: String) { path = directory + "/outputs" }

    /// The places of a spool's outputs; none where the file is another spool's, or not one.
    mutating func read(of spool: UInt64) -> [String: Spool.Position] {
        guard let bytes = try? Files.read(path, limit: Self.longest) else { return [:] }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.first == "spool \(spool)" else { return [:] }
        var places: [String: Spool.Position] = [:]
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            guard words.count == 3, let segment = UInt64(words[1]), let offset = Int64(words[2]),
                offset >= 0
            else { return [:] }
            places[String(words[0])] = Spool.Position(segment: segment, offset: offset)
        }
        written = places
        return places
    }

    /// Writes places that differ from those of the file.
    mutating func write(_ places: [String: Spool.Position], of spool: UInt64) throws(SystemError) {
        guard places != written else { return }
        var text = "spool \(spool)\n"
        for (name, place) in places.sorted(by: { $0.key < $1.key }) {
            text += "\(name) \(place.segment) \(place.offset)\n"
        }
        try Files.replace(path, with: Array(text.utf8))
        written = places
    }
}
