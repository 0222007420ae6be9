import Identity
public import Posix
public import Records
import SBE

extension Bytes {
    /// Appends a raw record: the venue's message, byte for byte.
    ///
    /// Its symbol is `*`, whatever the message is about, so that a capture is one sequence in the
    /// order of arrival; its event time is the time of arrival.
    ///
    /// - Parameters:
    ///   - number: of the arrival.
    ///   - time: of the arrival, ns.
    ///   - source: the form that it came in.
    /// - Returns: false when the frame would be over the limit; nothing is appended then.
    public mutating func append(
        raw message: RawSpan, number: Int64, at time: Int64, source: SourceCode = .sbe
    ) -> Bool {
        let length = 8 + RawEncoder.blockLength + 4 + message.byteCount
        guard Frame.headerLength + length <= Frame.maximumLength,
            let everything = SymbolName("*")
        else { return false }
        let prefix = RecordPrefix(
            sequence: SequenceID(template: RecordKind.raw.rawValue, symbol: everything),
            eventTime: time / 1000, ingestTime: time, ids: number...number, source: source)
        do throws(SBEError) {
            try appendFrame(upTo: length, prefix: prefix) { room throws(SBEError) in
                var record = try RawEncoder(room)
                try record.message(message)
                return record.encodedLength
            }
        } catch { return false }
        return true
    }
}
