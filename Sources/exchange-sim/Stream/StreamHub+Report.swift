import SimulatedMarket

/// What the stream side tells the control port.
extension StreamHub {
    /// Which ids each stream has sent to at least one client, and all counts.
    func report() -> String {
        var symbols: [String] = []
        for source in sources {
            let kinds = source.tallies.keys.sorted { $0.label < $1.label }
            let streams = kinds.compactMap { kind -> String? in
                guard let tally = source.tallies[kind], let first = tally.first else { return nil }
                return "\"\(kind.label)\":{\"first\":\(first),\"last\":\(tally.last),"
                    + "\"messages\":\(tally.messages)}"
            }
            let newest =
                "\"newestAggregate\":\(source.newest),\"newestTrade\":\(source.newestTrade)"
            symbols.append(
                "\"\(source.market.symbol)\":{\(([newest] + streams).joined(separator: ","))}")
        }
        let open = connections.values
        let numbers = [
            ("accepted", counts.accepted), ("open", open.count),
            ("messages", counts.messages + open.reduce(0) { $0 + $1.messagesSent }),
            ("bytes", counts.bytes), ("culled", counts.culled + open.reduce(0) { $0 + $1.culled }),
            ("pings", counts.pings), ("pongs", counts.pongs), ("strayPongs", counts.strayPongs),
            ("clientMessages", counts.clientMessages), ("clientPings", counts.clientPings),
            ("closesByClient", counts.closesByClient),
            ("cutsOfSlowReaders", counts.cutsOfSlowReaders), ("ignored", counts.ignored),
        ].map { "\"\($0)\":\($1)" }
        let maps = [
            ("refused", counts.refused), ("closes", counts.closes), ("actions", counts.actions),
            ("faults", faults.counts),
        ].map { "\"\($0)\":\(Self.object($1))" }
        return "{\"symbols\":{\(symbols.joined(separator: ","))},"
            + (numbers + maps).joined(separator: ",") + "}\n"
    }

    /// The open connections.
    func reportConnections() -> String {
        let rows = connections.sorted { $0.key < $1.key }.map { id, connection in
            let names = connection.subscriptions.names.map { "\"\($0.text)\"" }.joined(
                separator: ",")
            return "{\"id\":\(id),\"streams\":[\(names)],\"messages\":\(connection.messagesSent),"
                + "\"culled\":\(connection.culled),\"stalled\":\(connection.isStalled)}"
        }
        return "[\(rows.joined(separator: ","))]\n"
    }

    private static func object(_ counts: [String: Int]) -> String {
        let members = counts.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
        return "{\(members.joined(separator: ","))}"
    }
}
