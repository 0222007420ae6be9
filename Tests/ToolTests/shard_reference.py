"""Which part of N each symbol is in, from the rule in docs/scaling.md alone: rendezvous hashing with
the part-th number of SplitMix64 seeded with FNV-1a of the symbol. Symbols come one a line."""
import sys

MASK = (1 << 64) - 1


def fnv1a(text: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in text:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def splitmix(seed: int, number: int) -> int:
    word = (seed + number * 0x9E3779B97F4A7C15) & MASK
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & MASK
    return word ^ (word >> 31)


def part(symbol: str, count: int) -> int:
    seed = fnv1a(symbol.encode())
    return max(range(1, count + 1), key=lambda number: splitmix(seed, number))


if __name__ == "__main__":
    for line in sys.stdin:
        print(line.strip(), *(part(line.strip(), int(count)) for count in sys.argv[1:]))
