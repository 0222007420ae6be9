"""Line charts as SVG, without a library: one panel beside another over the same values of x."""

from html import escape
import math

WIDTH, HEIGHT, GAP = 360, 240, 70
LEFT, TOP, BOTTOM = 64, 44, 44
COLOURS = ("#0b6bcb", "#c2410c", "#15803d", "#7c3aed", "#a16207", "#be185d")


class Panel:
    """A title, and lines of (x, y) by name; a y of None is left out."""

    def __init__(self, title, lines, floor=0.0, is_logarithmic=False):
        self.title = title
        self.lines = {name: [(x, y) for x, y in points if y is not None] for name, points in lines.items()}
        self.is_logarithmic = is_logarithmic
        highest = max((y for points in self.lines.values() for _, y in points), default=1.0)
        self.ticks = powers(*self.range()) if is_logarithmic else steps(max(highest, floor) or 1.0)

    def range(self):
        found = [y for points in self.lines.values() for _, y in points if y > 0] or [1.0]
        return min(found), max(found)

    def height(self, y):
        """From 0 at the bottom to 1 at the top."""
        low, high = self.ticks[0], self.ticks[-1]
        if self.is_logarithmic:
            return math.log(max(y, low) / low) / math.log(high / low)
        return y / high


def powers(low, high):
    """Powers of ten around two values, at least two of them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0 ** power for power in range(first, max(last, first + 1) + 1)]


def steps(highest):
    """From 0 on in round steps, four or five of them."""
    unit = 10.0 ** math.floor(math.log10(highest))
    step = next(unit * factor for factor in (0.2, 0.25, 0.5, 1.0, 2.0, 2.5) if unit * factor * 5 >= highest)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def spoken(value):
    """A number as short as it can be read."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{letter}"
    return f"{value:.3g}"


def chart(path, title, x_title, panels):
    """Writes a chart whose x axis is logarithmic."""
    values = sorted({x for panel in panels for points in panel.lines.values() for x, _ in points})
    ticks = [value for value in powers(values[0], values[-1]) if values[0] / 1.01 <= value <= values[-1] * 1.01]
    if len(ticks) < 3:
        ticks = values
    span = math.log(values[-1] / values[0]) or 1.0
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    width = LEFT + len(panels) * (WIDTH + GAP) - GAP + 30
    height = TOP + HEIGHT + BOTTOM + 18 * ((len(names) + 3) // 4) + 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
           f'height="{height}" font-family="sans-serif" font-size="12" role="img">',
           f"<title>{escape(title)}</title>", f'<rect width="{width}" height="{height}" fill="#ffffff"/>']
    for number, panel in enumerate(panels):
        left, bottom = LEFT + number * (WIDTH + GAP), TOP + HEIGHT

        def across(x, left=left):
            return left + math.log(x / values[0]) / span * WIDTH

        out.append(f'<text x="{left}" y="{TOP - 18}" font-size="13" font-weight="bold">{escape(panel.title)}</text>')
        for tick in panel.ticks:
            y = bottom - panel.height(tick) * HEIGHT
            out.append(f'<path d="M{left} {y:.1f}h{WIDTH}" stroke="#e5e5e5"/>'
                       f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#444">{spoken(tick)}</text>')
        for tick in ticks:
            out.append(f'<path d="M{across(tick):.1f} {bottom}v4" stroke="#444"/><text x="{across(tick):.1f}" '
                       f'y="{bottom + 18}" text-anchor="middle" fill="#444">{spoken(tick)}</text>')
        out.append(f'<path d="M{left} {bottom}h{WIDTH}" stroke="#444"/><text x="{left + WIDTH / 2}" '
                   f'y="{bottom + 36}" text-anchor="middle" fill="#444">{escape(x_title)}</text>')
        for name, points in panel.lines.items():
            colour = COLOURS[names.index(name) % len(COLOURS)]
            places = [(across(x), bottom - panel.height(y) * HEIGHT) for x, y in points]
            out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
                       + " ".join(f"{x:.1f},{y:.1f}" for x, y in places) + '"/>')
            out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
    for number, name in enumerate(names):
        x, y = LEFT + number % 4 * 190, TOP + HEIGHT + BOTTOM + 14 + 18 * (number // 4)
        out.append(f'<rect x="{x}" y="{y - 9}" width="12" height="10" fill="{COLOURS[number % len(COLOURS)]}"/>'
                   f'<text x="{x + 18}" y="{y}">{escape(name)}</text>')
    path.write_text("\n".join(out) + "\n</svg>\n")
