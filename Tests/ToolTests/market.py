"""The simulated market's formulas once more, apart from the program that serves it.

docs/exchange-sim.md has them in words. Prices are in ticks of 0.01, quantities in steps of
0.00001, times in µs since the epoch.
"""

MASK = (1 << 64) - 1
SIZES = [1, 3, 2, 2, 1, 3, 3, 1]


class Market:
    def __init__(self, symbol, seed=1, start=1_704_067_200_000_000, spacing=100_000, invalid=0):
        key = 0xCBF29CE484222325
        for byte in symbol.encode():
            key = ((key ^ byte) * 0x100000001B3) & MASK
        self.key = key ^ seed
        self.start, self.spacing, self.invalid = start, spacing, invalid

    def hash(self, stream, number):
        value = (self.key + stream * 0xD1B54A32D192ED03 + number * 0x9E3779B97F4A7C15) & MASK
        value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & MASK
        value = ((value ^ value >> 27) * 0x94D049BB133111EB) & MASK
        return value ^ value >> 31

    def aggregate(self, number):
        """(id, time, ticks, steps, first trade, last trade, buyer is maker)"""
        time = self.time(number)
        if self.invalid > 1 and number % self.invalid == 0:
            return number, time, 0, 0, -1, -1, False
        first, last = self.trades_of(number)
        steps = sum(self.steps(trade) for trade in range(first, last + 1))
        return number, time, self.ticks(number), steps, first, last, self.hash(3, number) & 1 == 1

    def trade(self, number):
        """(id, time, ticks, steps, buyer is maker)"""
        block, rest = divmod(number - 1, 16)
        turn = self.hash(1, block) % 8
        place = 0
        while rest >= SIZES[(place + turn) % 8]:
            rest -= SIZES[(place + turn) % 8]
            place += 1
        valid = block * 8 + place + 1
        aggregate = valid + (valid - 1) // (self.invalid - 1) if self.invalid > 1 else valid
        maker = self.hash(3, aggregate) & 1 == 1
        return number, self.time(aggregate), self.ticks(aggregate), self.steps(number), maker

    def trades_of(self, number):
        valid = number - number // self.invalid if self.invalid > 1 else number
        block, place = divmod(valid - 1, 8)
        turn = self.hash(1, block) % 8
        first = block * 16 + 1 + sum(SIZES[(i + turn) % 8] for i in range(place))
        return first, first + SIZES[(place + turn) % 8] - 1

    def time(self, number):
        return self.start + (number - 1) * self.spacing + self.hash(2, number) % (self.spacing // 2)

    def ticks(self, number):
        return self.drift(number) + self.hash(4, number) % 400

    def drift(self, number):
        def triangle(period, height):
            phase = number % period
            return height * min(phase, period - phase) // (period // 2)

        return 6_500_000 + triangle(20_000, 100_000) - triangle(3_000, 20_000)

    def steps(self, number):
        return 1 + self.hash(5, number) % 100_000

    def book(self, update):
        """({ticks: steps} of the bids, the same of the asks) after an update"""
        middle = (self.drift((update + 3) // 4) + 200) // 50
        sides = {}, {}
        for number in range(middle - 250, middle + 251):
            value = self.hash(6, update - (update - 73 * number) % 512)
            if number != middle and value % 8 != 0:
                sides[number > middle][number * 50] = 1 + value // 8 % 100_000
        return sides

    def kline(self, open_time, length, newest):
        """[open, high, low, close, steps, quote, trades, bought steps, bought quote] or None"""
        number = max(1, (open_time - self.start) // self.spacing - 1)
        rows = []
        while number <= newest and self.time(number) < open_time + length:
            row = self.aggregate(number)
            if row[1] >= open_time and row[4] > 0:
                rows.append(row)
            number += 1
        if not rows:
            return None
        ticks = [row[2] for row in rows]
        bought = [row for row in rows if not row[6]]
        return [
            ticks[0], max(ticks), min(ticks), ticks[-1],
            sum(row[3] for row in rows), sum(row[2] * row[3] for row in rows),
            sum(row[5] - row[4] + 1 for row in rows),
            sum(row[3] for row in bought), sum(row[2] * row[3] for row in bought),
        ]
