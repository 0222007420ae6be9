import Identity
import ObjectReading
import Records
import Stage

/// The objects that hold parts of one sequence, as one ordered stream: an object is opened when the
/// stream reaches its first id, so that objects which overlap, as repaired ones do, are merged, and
/// no more are open than have to be.
final class SequenceStream {
    /// One object, and the first id in it as far as its name says.
    struct Part {
        let firstID: Int64
        /// Says that it will be opened, so that its bytes are there by then.
        var announce: () -> Void = {}
        let open: () -> any ObjectInput
    }

    /// Parts that are announced before they are opened.
    private static let ahead = 4

    private var parts: [Part]
    private var next = 0
    private var announced = 0
    private var merged = MergedFrames(.id) { _ in }
    private let selected: SelectedRecords
    private var repeats = RepeatFilter(.id, isOn: true)

    /// - Parameter parts: of the same sequence.
    init(_ parts: [Part], _ selected: SelectedRecords) {
        self.parts = parts.sorted { $0.firstID < $1.firstID }
        self.selected = selected
        announce()
    }

    private func announce() {
        while announced < parts.count, announced < next + Self.ahead {
            parts[announced].announce()
            announced += 1
        }
    }

    /// Goes to the next record of the selection.
    ///
    /// - Returns: what `body` makes of it; nil at the end.
    func take<Value>(_ body: (borrowing FrameView) throws -> Value) throws -> Value? {
        while true {
            while next < parts.count, merged.next.map({ $0.first >= parts[next].firstID }) ?? true {
                try merged.add(FrameStream(parts[next].open()))
                next += 1
                announce()
            }
            if merged.isEmpty { return nil }
            let value: Value?? = try merged.take { frame in
                selected.contains(frame) && repeats.isNew(frame) ? try body(frame) : nil
            }
            if let value, let value { return value }
        }
    }
}
