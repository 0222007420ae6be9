import Binance
import Identity

/// Which streams each group of connections carries, while that may change.
///
/// Shared by what opens connections and what reads from them, on one thread. A stream keeps its place
/// in the merge permanently, so that one that is taken up again goes on where it was.
final class Subscriptions {
    /// A stream that a group carries.
    struct Member: Equatable {
        /// Of the stream, in the merge.
        let place: Int
        let subscription: StreamPlan.Subscription
    }

    /// What changed for the connections of a group.
    struct Change: Equatable {
        let group: Int
        var added: [StreamPlan.Subscription] = []
        var removed: [StreamPlan.Subscription] = []
    }

    let encoding: StreamEncoding
    private(set) var groups: [[Member]]

    init(_ plan: StreamPlan) {
        encoding = plan.encoding
        groups = plan.groups.map { group in
            group.map { Member(place: $0, subscription: plan.subscriptions[$0]) }
        }
    }

    /// All streams that are wanted now.
    var members: [Member] { groups.flatMap(\.self) }

    /// The group of a stream, by its place; one that was not asked for is of the first.
    func group(of place: Int) -> Int {
        groups.firstIndex { $0.contains { $0.place == place } } ?? 0
    }

    /// The URL that a connection of a group opens.
    func url(base: String, group: Int) -> String {
        StreamPlan.url(base: base, groups[group].map(\.subscription), encoding)
    }

    /// Changes to the streams of another plan.
    ///
    /// - Parameter place: gives a stream's place in the merge, a new one where it has none.
    /// - Returns: what the connections of each group are to be told; groups beyond those that were
    ///   there are new, and need connections.
    func change(
        to plan: StreamPlan, place: (StreamPlan.Subscription) -> Int
    ) -> [Change] {
        let wanted = Set(plan.subscriptions)
        let present = Set(members.map(\.subscription))
        var changes = groups.indices.map { Change(group: $0) }
        for group in groups.indices {
            changes[group].removed = groups[group].map(\.subscription).filter {
                !wanted.contains($0)
            }
            groups[group].removeAll { !wanted.contains($0.subscription) }
        }
        for subscription in plan.subscriptions where !present.contains(subscription) {
            let group = roomiestGroup(for: subscription)
            if group == groups.count {
                groups.append([])
                changes.append(Change(group: group))
            }
            groups[group].append(Member(place: place(subscription), subscription: subscription))
            changes[group].added.append(subscription)
        }
        return changes.filter { !$0.added.isEmpty || !$0.removed.isEmpty }
    }

    /// The first group whose URL has room for another stream; one behind the last where none has.
    private func roomiestGroup(for subscription: StreamPlan.Subscription) -> Int {
        groups.firstIndex { group in
            let all = group.map(\.subscription) + [subscription]
            return all.count <= StreamPlan.maximumStreams
                && StreamPlan.url(base: "", all, encoding).utf8.count
                    <= StreamPlan.maximumTarget(of: encoding)
        } ?? groups.count
    }
}

/// The requests that change what an open connection carries.
enum SubscriptionRequest {
    /// A longer control message gets no reply at all (Binance Spot, WebSocket streams).
    static let longest = 4000

    /// Requests for a change, each short enough.
    ///
    /// - Parameter number: of the next request; raised by those that are made.
    static func texts(
        for change: Subscriptions.Change, _ encoding: StreamEncoding, number: inout Int
    ) -> [String] {
        var texts: [String] = []
        for (method, streams) in [("UNSUBSCRIBE", change.removed), ("SUBSCRIBE", change.added)] {
            var names: [String] = []
            var length = 0
            func flush() {
                guard !names.isEmpty else { return }
                let list = names.joined(separator: ",")
                texts.append("{\"method\":\"\(method)\",\"params\":[\(list)],\"id\":\(number)}")
                number += 1
                names.removeAll()
                length = 0
            }
            for stream in streams {
                let name = "\"\(stream.plainName(in: encoding))\""
                if length + name.utf8.count + 1 > longest - 80 { flush() }
                length += name.utf8.count + 1
                names.append(name)
            }
            flush()
        }
        return texts
    }
}
