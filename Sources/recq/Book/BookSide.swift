/// One side of a book: levels by price, the best one last, since most changes are near it.
struct BookSide: Equatable {
    /// A price and what is wanted or offered there: digits under the book's exponents.
    struct Level: Equatable {
        let price: Int64
        var quantity: Int64
    }

    /// True where a higher price is better.
    let isBids: Bool
    private(set) var levels: [Level] = []

    init(isBids: Bool) { self.isBids = isBids }

    /// The best level.
    var best: Level? { levels.last }

    /// Sets what is at a price; 0 removes the level.
    mutating func set(_ price: Int64, _ quantity: Int64) {
        var low = 0
        var high = levels.count
        // The best ones first: a change is rarely deep in the book.
        while low < high {
            let middle = (low + high) / 2
            if isWorse(levels[middle].price, than: price) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        let isThere = low < levels.count && levels[low].price == price
        if quantity == 0 {
            if isThere { levels.remove(at: low) }
        } else if isThere {
            levels[low].quantity = quantity
        } else {
            levels.insert(Level(price: price, quantity: quantity), at: low)
        }
    }

    /// True when a price is further from the middle of the market than another one.
    func isWorse(_ price: Int64, than other: Int64) -> Bool {
        isBids ? price < other : price > other
    }

    /// The levels that are at least as good as a price, the best one last.
    func levels(downTo price: Int64) -> ArraySlice<Level> {
        var place = levels.count
        while place > 0, !isWorse(levels[place - 1].price, than: price) { place -= 1 }
        return levels[place...]
    }
}
