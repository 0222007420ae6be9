/// What one thread leaves for another, first come, first served.
///
/// Adding never waits. Threads that have nothing else to do take in ``next()``; or one takes with
/// ``takeAll()`` when its poll loop finds ``descriptor`` readable.
public final class WorkQueue<Element: Sendable>: Sendable {
    private struct Content {
        /// Elements before `first` were taken.
        var elements: [Element?] = []
        var first = 0
        var isClosed = false

        mutating func popFirst() -> Element? {
            guard first < elements.count else { return nil }
            let element = elements[first]
            elements[first] = nil
            first += 1
            if first == elements.count {
                elements.removeAll(keepingCapacity: first <= 1024)
                first = 0
            } else if first >= 1024, first * 2 >= elements.count {
                elements.removeFirst(first)
                first = 0
            }
            return element
        }
    }

    private let content = Locked(Content())
    private let flag: ThreadFlag

    /// An empty queue.
    ///
    /// - Throws: when the process may open no more files.
    public init() throws(SystemError) { flag = try ThreadFlag() }

    /// Readable once something was added, until ``takeAll()``.
    public var descriptor: Int32 { flag.descriptor }

    /// How many wait.
    public var count: Int { content.withLock { $0.elements.count - $0.first } }

    /// Adds an element; to a closed queue too, since whoever closed it may still ask.
    public func add(_ element: Element) {
        content.withLock { $0.elements.append(element) }
        flag.raise()
    }

    /// Says that nothing more will come: ``next()`` gives what is left, and then nil.
    public func close() {
        content.withLock { $0.isClosed = true }
        flag.raise()
    }

    /// Drops what waits.
    public func removeAll() {
        content.withLock { content in
            content.elements.removeAll()
            content.first = 0
        }
    }

    /// The next element, waiting until there is one; nil once the queue is closed and empty.
    public func next() -> Element? {
        while true {
            let (element, hasMore) = content.withLock {
                ($0.popFirst(), $0.isClosed || $0.first < $0.elements.count)
            }
            // The flag wakes one thread: that one wakes the next, if there is something for it.
            if hasMore { flag.raise() }
            if let element { return element }
            if hasMore, content.withLock({ $0.isClosed && $0.first >= $0.elements.count }) {
                return nil
            }
            flag.wait()
        }
    }

    /// Some of those that wait, without waiting for more.
    public func take(upTo count: Int) -> [Element] {
        content.withLock { content in
            var taken: [Element] = []
            while taken.count < count, let element = content.popFirst() { taken.append(element) }
            return taken
        }
    }

    /// All that were added since the last call.
    public func takeAll() -> [Element] {
        flag.lower()
        return content.withLock { content in
            defer {
                content.elements.removeAll()
                content.first = 0
            }
            return content.elements[content.first...].compactMap { $0 }
        }
    }
}
