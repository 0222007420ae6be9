import Stats

/// Joins stages by the pipes between them.
enum Links {
    private struct Pipe: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// Every pipe with a writer and a reader among the stages.
    static func between(_ stages: [StageWatch]) -> [Link] {
        var writers: [Pipe: [StageWatch]] = [:]
        for stage in stages {
            for pipe in pipes(of: stage, areInputs: false) {
                writers[pipe, default: []].append(stage)
            }
        }
        var links: [Link] = []
        for reader in stages {
            for pipe in pipes(of: reader, areInputs: true) {
                for writer in writers[pipe] ?? [] where writer !== reader {
                    guard isOfOneTime(writer, reader) else { continue }
                    let isOnlyInput =
                        writers[pipe]?.count == 1
                        && pipes(of: reader, areInputs: true).count == 1
                    // What a writer of several outputs wrote is what the slowest of them has.
                    let isOnlyPipe =
                        isOnlyInput && pipes(of: writer, areInputs: false).count == 1
                    links.append(
                        Link(
                            from: writer.id, to: reader.id,
                            bytesBetween: isOnlyPipe ? bytesBetween(writer, reader) : nil,
                            // Of several inputs each brings what its writer writes.
                            recordsPerSecond: isOnlyInput
                                ? reader.rates.recordsIn : writer.rates.recordsOut))
                }
            }
        }
        return links
    }

    private static func pipes(of stage: StageWatch, areInputs: Bool) -> Set<Pipe> {
        Set(
            stage.snapshot.neighbours.filter { $0.kind == .pipe && $0.isInput == areInputs }
                .map { Pipe(device: $0.device, inode: $0.inode) })
    }

    /// The kernel gives the number of a pipe that is gone to a new one: both ends must have lived
    /// at the same time.
    private static func isOfOneTime(_ one: StageWatch, _ other: StageWatch) -> Bool {
        func end(_ stage: StageWatch) -> Int64 {
            stage.snapshot.life == .running
                ? .max : max(stage.snapshot.stateSince, stage.snapshot.startTime)
        }
        let gap: Int64 = 5_000_000_000
        return one.snapshot.startTime < end(other).addingClamped(gap)
            && other.snapshot.startTime < end(one).addingClamped(gap)
    }

    private static func bytesBetween(_ writer: StageWatch, _ reader: StageWatch) -> Int64? {
        guard let written = writer.snapshot.value("bytes_out"),
            let read = reader.snapshot.value("bytes_in")
        else { return nil }
        return written &- read
    }

    /// Bytes that were lost between two stages that both ended in order.
    static func problems(_ links: [Link], _ stages: [StageWatch]) -> [Problem] {
        links.compactMap { link in
            guard let between = link.bytesBetween, between != 0,
                let writer = stages.first(where: { $0.id == link.from }),
                let reader = stages.first(where: { $0.id == link.to }),
                writer.snapshot.state == .stopped, reader.snapshot.state == .stopped
            else { return nil }
            return Problem(
                .linkBroken, stage: link.to,
                "\(link.from) wrote \(between) bytes more than \(link.to) read, and both ended")
        }
    }
}
