import Identity
import Posix
import Redis

/// For which symbols this host passes records on at once: a lease at the server for each, so that the
/// records of a symbol go through one host, in order, for as long as that host is well.
struct SymbolLeases {
    /// A symbol without a record for so long, ns, is left to whoever has one.
    private static let idle: Int64 = 60_000_000_000

    private struct Symbol {
        let key: String
        /// Monotonic ns; past, or 0: another host's.
        var until: Int64 = 0
        var nextTry: Int64 = 0
        var lastSeen: Int64 = 0
        /// The process of this host that has the lease and is dead; nil else.
        var gone: String?
    }

    /// Gives a lease to another owner, if it is still the one's that is named.
    private static let takeOver =
        "if redis.call('get',KEYS[1])==ARGV[1] then redis.call('set',KEYS[1],ARGV[2],'PX',ARGV[3]) "
        + "end return 0"

    private let space: String
    private let owner: LeaseOwner
    /// ns.
    private let duration: Int64
    private var symbols: [Symbol] = []
    private var numbers: [SymbolName: Int32] = [:]
    /// Those that the last commands were about, two commands each.
    private var asked: [Int] = []
    private var askedAt: Int64 = 0
    private var dueAt: Int64 = 0
    /// True when the last answers named an owner that is gone, whose lease can be had at once.
    private(set) var canTakeOver = false

    init(space: String, owner: LeaseOwner, seconds: Double) {
        self.space = space
        self.owner = owner
        duration = Int64(seconds * 1e9)
    }

    /// A symbol's number here.
    mutating func number(of symbol: SymbolName) -> Int32 {
        if let number = numbers[symbol] { return number }
        let number = Int32(symbols.count)
        symbols.append(Symbol(key: "\(space):owner:\(symbol)"))
        numbers[symbol] = number
        return number
    }

    /// Notes that a symbol has records.
    mutating func note(_ number: Int32, at now: Int64) {
        symbols[Int(number)].lastSeen = now
        if symbols[Int(number)].nextTry <= now { dueAt = min(dueAt, now) }
    }

    /// True while this host passes the symbol's records on.
    func isOwn(_ number: Int32, at now: Int64) -> Bool { symbols[Int(number)].until > now }

    /// How many leases this host has.
    func count(at now: Int64) -> Int { symbols.count { $0.until > now } }

    /// When a lease is to be asked for again, monotonic ns.
    var nextTurn: Int64 { dueAt }

    /// Forgets all leases: nothing is known of the server any more.
    mutating func forget() {
        for index in symbols.indices {
            symbols[index].until = 0
            symbols[index].nextTry = 0
        }
        dueAt = 0
    }

    /// Asks for the leases that are due: two commands each.
    mutating func ask(at now: Int64, _ commands: inout RedisCommands) {
        asked.removeAll(keepingCapacity: true)
        canTakeOver = false
        guard now >= dueAt else { return }
        askedAt = now
        dueAt = now + duration / 3
        for index in symbols.indices where symbols[index].nextTry <= now {
            guard now - symbols[index].lastSeen <= Self.idle else { continue }
            symbols[index].nextTry = dueAt
            asked.append(index)
            let milliseconds = "\(duration / 1_000_000)"
            if symbols[index].until > now {
                // Should it have become another host's meanwhile, that one gets some more time, once.
                commands.append(["PEXPIRE", symbols[index].key, milliseconds])
            } else if let gone = symbols[index].gone {
                commands.append(
                    [
                        "EVAL", Self.takeOver, "1", symbols[index].key, gone, owner.name,
                        milliseconds,
                    ])
            } else {
                commands.append(["SET", symbols[index].key, owner.name, "PX", milliseconds, "NX"])
            }
            commands.append(["GET", symbols[index].key])
        }
    }

    /// Hears an answer to ``ask(at:_:)``.
    ///
    /// - Parameter command: from 0 among those.
    mutating func hear(_ command: Int, _ reply: borrowing RedisReply) {
        guard command % 2 == 1 else { return }
        // A tenth less than the server's time: clocks run differently.
        let index = asked[command / 2]
        let holder = reply.text
        symbols[index].until = holder == owner.name ? askedAt + duration - duration / 10 : 0
        symbols[index].gone = holder.flatMap { owner.isGone($0) ? $0 : nil }
        if symbols[index].gone != nil {
            symbols[index].nextTry = 0
            dueAt = 0
            canTakeOver = true
        }
    }

    /// How many commands the last ``ask(at:_:)`` was.
    var commandCount: Int { 2 * asked.count }

    /// Commands that give up what this host has.
    func release(at now: Int64, _ commands: inout RedisCommands) {
        let script =
            "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0"
        for symbol in symbols where symbol.until > now {
            commands.append(["EVAL", script, "1", symbol.key, owner.name])
        }
    }
}
