/// Places of streams in the order in which they came, each once.
///
/// Whatever walks it writes records, and the same messages have to give the same bytes: a `Set` is
/// walked in another order by each process.
struct PlaceList: Sequence {
    private var places: [Int] = []
    /// By place: true when it is in the list.
    private var isIn: [Bool] = []

    func contains(_ place: Int) -> Bool { isIn.indices.contains(place) && isIn[place] }

    mutating func insert(_ place: Int) {
        guard !contains(place) else { return }
        while isIn.count <= place { isIn.append(false) }
        isIn[place] = true
        places.append(place)
    }

    mutating func remove(_ place: Int) {
        guard contains(place), let index = places.firstIndex(of: place) else { return }
        isIn[place] = false
        places.remove(at: index)
    }

    func makeIterator() -> IndexingIterator<[Int]> { places.makeIterator() }
}
