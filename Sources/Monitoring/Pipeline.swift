/// Stages that are joined by pipes, in the order in which records pass them.
public struct Pipeline: Sendable {
    /// Sources, then those that read from them, and so on; each in order of their ids.
    public let levels: [[StageView]]
    /// The pipes between them.
    public let links: [Link]

    /// The stages in order, each with its distance from a source.
    public var placed: [(stage: StageView, level: Int)] {
        levels.enumerated().flatMap { level, stages in stages.map { ($0, level) } }
    }

    /// True when nothing is joined to its one stage.
    public var isSingle: Bool { links.isEmpty }
}

extension Overview {
    /// Every stage once: what pipes join comes first, single stages last.
    public var pipelines: [Pipeline] { pipelines(of: stages) }

    /// The same of some of the stages.
    public func pipelines(of stages: [StageView]) -> [Pipeline] {
        // Two files may claim one id; the first one is shown.
        let byID = Dictionary(stages.map { ($0.id, $0) }) { first, _ in first }
        let ids = byID.keys.sorted()
        let links = links.filter {
            byID[$0.from] != nil && byID[$0.to] != nil && $0.from != $0.to
        }
        let levels = Self.levels(ids, links)
        let groups = Self.groups(ids, links)
        let members = Dictionary(grouping: ids) { groups[$0] ?? $0 }
        let pipelines = members.sorted { $0.key < $1.key }.map { _, ids in
            let depth = ids.map { levels[$0] ?? 0 }.max() ?? 0
            return Pipeline(
                levels: (0...depth).map { level in
                    ids.filter { levels[$0] == level }.compactMap { byID[$0] }
                }.filter { !$0.isEmpty },
                links: links.filter { ids.contains($0.from) })
        }
        return pipelines.filter { !$0.isSingle } + pipelines.filter(\.isSingle)
    }

    /// The longest way from a source to each stage. A ring, which no shell makes but a FIFO may,
    /// ends at the number of stages.
    private static func levels(_ ids: [String], _ links: [Link]) -> [String: Int] {
        var levels = Dictionary(uniqueKeysWithValues: ids.map { ($0, 0) })
        for _ in ids.indices {
            var isSettled = true
            for link in links {
                let level = min(ids.count - 1, (levels[link.from] ?? 0) + 1)
                if level > levels[link.to] ?? 0 {
                    levels[link.to] = level
                    isSettled = false
                }
            }
            if isSettled { break }
        }
        return levels
    }

    /// The least id of those that each stage is joined with.
    private static func groups(_ ids: [String], _ links: [Link]) -> [String: String] {
        var groups = Dictionary(uniqueKeysWithValues: ids.map { ($0, $0) })
        for _ in ids.indices {
            var isSettled = true
            for link in links {
                guard let one = groups[link.from], let other = groups[link.to], one != other else {
                    continue
                }
                groups[link.from] = min(one, other)
                groups[link.to] = min(one, other)
                isSettled = false
            }
            if isSettled { break }
        }
        return groups
    }
}
