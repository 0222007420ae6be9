import Posix

/// The first 4096 bytes of a stats file, checked.
struct StatsHeader {
    let stage: String
    let instance: String
    /// False for a run that was given no name.
    let isMember: Bool
    /// True when another process had its name.
    let isRenamed: Bool
    let pipeline: String
    let version: String
    let pid: Int32
    let processStart: UInt64
    let startTime: Int64
    let state: StageState
    let exitCode: Int32
    let stateSince: Int64
    let heartbeat: Int64
    let wait: Heartbeat.Wait
    let refusedMetrics: UInt64
    let metrics: Int
    let slots: Int
    let updates: UInt64
    let errors: UInt64
    let neighbours: [Neighbour]

    /// - Returns: nil when it is no header of this version.
    init?(_ bytes: UnsafeRawBufferPointer) {
        typealias Header = StatsLayout.Header
        func load<Value: BitwiseCopyable>(_ offset: Int, _ type: Value.Type) -> Value {
            bytes.loadUnaligned(fromByteOffset: offset, as: type)
        }
        guard bytes.count >= StatsLayout.tableOffset,
            load(0, UInt64.self) == StatsLayout.magic,
            load(Header.version, UInt32.self) == StatsLayout.version,
            let state = StageState(rawValue: load(Header.state, UInt32.self))
        else { return nil }
        let neighbours = Int(load(Header.neighbours, UInt32.self))
        metrics = Int(load(Header.metrics, UInt32.self))
        let slots = load(Header.slots, UInt64.self)
        guard metrics <= StatsLayout.maximumMetrics, slots <= StatsLayout.maximumSlots,
            neighbours <= StatsLayout.maximumNeighbours
        else { return nil }
        self.slots = Int(slots)
        self.state = state
        stage = bytes.text(at: Header.stage, StatsLayout.stageLength)
        instance = bytes.text(at: Header.instance, StatsLayout.instanceLength)
        let flags = load(Header.flags, UInt32.self)
        isMember = flags & StatsLayout.memberFlag != 0
        isRenamed = flags & StatsLayout.renamedFlag != 0
        pipeline = bytes.text(at: Header.pipeline, StatsLayout.pipelineLength)
        version = bytes.text(at: Header.toolVersion, StatsLayout.toolVersionLength)
        pid = Int32(truncatingIfNeeded: load(Header.pid, UInt64.self))
        processStart = load(Header.processStart, UInt64.self)
        startTime = load(Header.startTime, Int64.self)
        exitCode = load(Header.exitCode, Int32.self)
        stateSince = load(Header.stateSince, Int64.self)
        heartbeat = load(Header.heartbeat, Int64.self)
        wait = Heartbeat.Wait(rawValue: load(Header.wait, UInt32.self)) ?? .nothing
        refusedMetrics = load(Header.refusedMetrics, UInt64.self)
        updates = load(Header.updates, UInt64.self)
        errors = load(Header.errors, UInt64.self)
        self.neighbours = (0..<neighbours).map { index in
            let entry = Header.neighbourTable + index * StatsLayout.neighbourLength
            return Neighbour(
                isInput: load(entry, UInt32.self) == 1,
                kind: Neighbour.Kind(rawValue: load(entry + 4, UInt32.self)) ?? .other,
                device: load(entry + 8, UInt64.self), inode: load(entry + 16, UInt64.self))
        }
    }

    /// Whether the stage still runs, given what /proc knows of its pid.
    func life(_ process: ProcessStatus?) -> StatsSnapshot.Life {
        switch state {
        case .stopped, .failed: .ended(exitCode)
        default:
            process?.start == processStart && process?.hasEnded == false ? .running : .dead
        }
    }

    /// The last error that is whole in these bytes; nil when none does.
    func lastError(_ bytes: UnsafeRawBufferPointer) -> StatsSnapshot.ErrorNote? {
        guard errors > 0 else { return nil }
        // While one is written over, the other is the newest that is whole.
        for number in [errors, errors &+ 1, errors &- 1] where number > 0 {
            let start =
                StatsLayout.Header.errorSlots + Int(number % 2) * StatsLayout.errorSlotLength
            var slot = Array(bytes[start..<(start + StatsLayout.errorSlotLength)])
            let note = slot.withUnsafeMutableBytes { slot -> (UInt64, Int64, Int, UInt32) in
                let checksum = slot.load(
                    fromByteOffset: StatsLayout.ErrorSlot.checksum, as: UInt32.self)
                slot.storeBytes(
                    of: 0, toByteOffset: StatsLayout.ErrorSlot.checksum, as: UInt32.self)
                return (
                    slot.load(as: UInt64.self),
                    slot.load(fromByteOffset: StatsLayout.ErrorSlot.time, as: Int64.self),
                    Int(slot.load(fromByteOffset: StatsLayout.ErrorSlot.length, as: UInt32.self)),
                    checksum
                )
            }
            guard note.2 <= StatsLayout.errorTextLength, CRC32C.of(slot.span.bytes) == note.3,
                note.0 == number || note.0 &+ 2 == number
            else { continue }
            let text = slot[StatsLayout.ErrorSlot.text...].prefix(note.2)
            return StatsSnapshot.ErrorNote(
                number: note.0, time: note.1, text: String(decoding: text, as: UTF8.self))
        }
        return nil
    }
}

extension UnsafeRawBufferPointer {
    /// A text that NULs follow.
    func text(at offset: Int, _ length: Int) -> String {
        String(decoding: self[offset..<(offset + length)].prefix { $0 != 0 }, as: UTF8.self)
    }
}
