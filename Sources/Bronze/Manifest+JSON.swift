import Digests
import Encoding
import Identity
import Ledger

extension Manifest {
    /// The bytes of the file: JSON with an object to a line.
    public var bytes: [UInt8] {
        var text =
            "{\"format\":\(Self.format),\"sink\":\"\(sink)\",\"number\":\(number),\"previous\":"
        text += previous.map { "\"\($0)\"" } ?? "null"
        text += ",\"time\":\"\(Timestamp.text(nanoseconds: time))\",\"time_ns\":\(time),\"tool\":"
        text.append(jsonQuoted: tool)
        if !origin.isEmpty {
            text += ",\"origin\":"
            text.append(jsonQuoted: origin)
        }
        text += ",\"objects\":["
        for (index, object) in objects.enumerated() {
            text += index == 0 ? "\n" : ",\n"
            object.append(to: &text)
        }
        text += "],\"removed\":["
        for (index, range) in removed.enumerated() {
            text += index == 0 ? "\n{" : ",\n{"
            range.sequence.append(to: &text)
            text += ",\"ids\":"
            Self.append([range.ids], to: &text)
            text += ",\"time_ns\":\(range.time)}"
        }
        text += "]}\n"
        return Array(text.utf8)
    }

    /// SHA-256 of a manifest's bytes, as the next one names it.
    public static func hash(of bytes: [UInt8]) -> String { Hash.sha256(of: bytes) }

    fileprivate static func append(_ ranges: [ClosedRange<Int64>], to text: inout String) {
        text += "["
        for (index, range) in ranges.enumerated() {
            text += index == 0 ? "[" : ",["
            text += "\(range.lowerBound),\(range.upperBound)]"
        }
        text += "]"
    }
}

extension StoredObject {
    fileprivate func append(to text: inout String) {
        text += "{\"key\":"
        text.append(jsonQuoted: key)
        text += ",\"bytes\":\(bytes),\"sha256\":\"\(sha256)\",\"records\":\(records),"
        sequence.append(to: &text)
        text += ",\"first_time\":\(firstTime),\"last_time\":\(lastTime)"
        if sequence.numbering == .contiguous {
            text += ",\"ids\":"
            Manifest.append(ids, to: &text)
        }
        if let run {
            text += ",\"run\":{\"first\":\(run.first),\"last\":\(run.last),\"previous\":"
            text += run.previous.map { "\($0)}" } ?? "null}"
        }
        if !repaired.isEmpty {
            text += ",\"repaired\":"
            Manifest.append(repaired, to: &text)
        }
        if !replaces.isEmpty {
            text += ",\"replaces\":["
            for (index, key) in replaces.enumerated() {
                if index > 0 { text += "," }
                text.append(jsonQuoted: key)
            }
            text += "]"
        }
        if !gaps.isEmpty {
            text += ",\"gaps\":["
            for (index, gap) in gaps.enumerated() {
                text += index == 0 ? "{" : ",{"
                gap.append(to: &text)
                text += "}"
            }
            text += "]"
        }
        text += "}"
    }
}

extension ObservedGap {
    fileprivate func append(to text: inout String) {
        sequence.append(to: &text)
        text += ",\"ids\":"
        Manifest.append(ids, to: &text)
        text += ",\"reason\":"
        text.append(jsonQuoted: reason)
        text += ",\"source\":"
        text.append(jsonQuoted: source)
        text += ",\"declared\":\(isDeclared)"
        text += ",\"seen_ns\":[\(seen.lowerBound),\(seen.upperBound)]"
        if !evidence.isEmpty {
            text += ",\"evidence\":"
            text.append(jsonQuoted: evidence)
        }
    }
}

extension SequenceID {
    /// The members that name a sequence, without braces.
    fileprivate func append(to text: inout String) {
        text += "\"exchange\":\"\(Partition.exchange(venue))\",\"kind\":\""
        text += RecordKind.name(template: template)
        text += "\",\"symbol\":"
        text.append(jsonQuoted: "\(symbol)")
        // Bytes that are not UTF-8, or have a NUL among them, show as something else.
        if SymbolName("\(symbol)") != symbol {
            text +=
                ",\"symbol_hex\":\"\(Hex.text(withUnsafeBytes(of: symbol.words) { Array($0) }))\""
        }
        text += ",\"series\":\(series),\"epoch\":\(epoch)"
    }
}
