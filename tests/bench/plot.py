"""Plots as SVG: bars for what was compared, lines for what was scaled. A bar or point is a median."""

import math
from xml.sax.saxutils import escape

COLOURS = {"raftd": "#2563eb", "etcd": "#d97706"}
FIGURES = {"per_second": "operations per second", "p99_ms": "p99, ms", "cpu_us": "server CPU per operation, µs",
           "outage_s": "s without a write", "leader_s": "s until a leader"}
WIDTH, LEFT, RIGHT, ROW = 760, 270, 110, 14
STYLE = "<style>text{font:11px sans-serif;fill:#111}.t{font-size:14px}.g{stroke:#ddd}@media(prefers-color-scheme:dark)" \
        "{text{fill:#eee}.g{stroke:#444}}</style>"


def text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>'


def figure(width, height, parts):
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">{STYLE}' \
           + "\n".join(parts) + "</svg>\n"


def bars(title, rows):
    """Rows are (name, {system: value}); lengths are logarithmic over all that is above zero."""
    values = [value for _, systems in rows for value in systems.values() if value]
    if not values:
        return None
    low, high = min(values) / 2, max(values)
    parts, y = [text(10, 20, f"{title} (logarithmic)", 'class="t"')], 36
    for name, systems in rows:
        parts.append(text(LEFT - 8, y + ROW - 3, name, 'text-anchor="end"'))
        for system, value in systems.items():
            if value:
                length = (WIDTH - LEFT - RIGHT) * (math.log(value / low) / math.log(high / low))
                parts.append(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{ROW - 3}" fill="{COLOURS[system]}"/>')
                parts.append(text(LEFT + length + 4, y + ROW - 4, f"{value:,.4g} {system}" if value < 1e4 else f"{value:,.0f} {system}"))
            y += ROW
        y += 6
    return figure(WIDTH, y + 10, parts)


def lines(title, unit, points):
    """Points are (x, y), both axes logarithmic."""
    points = [(x, y) for x, y in points if y]
    if len(points) < 2:
        return None
    width, height, left, bottom = 520, 300, 70, 260
    (x0, x1), (y0, y1) = ((min(v), max(v)) for v in zip(*points))
    y0, y1 = y0 / 2, y1 * 2

    def place(x, y):
        across = math.log(x / x0) / math.log(x1 / x0)
        up = math.log(y / y0) / math.log(y1 / y0)
        return left + across * (width - left - 30), bottom - up * (bottom - 40)

    parts = [text(10, 20, f"{title}: {unit}", 'class="t"')]
    for exponent in range(math.ceil(math.log10(y0)), math.floor(math.log10(y1)) + 1):
        _, y = place(x0, 10.0 ** exponent)
        parts.append(f'<line class="g" x1="{left}" x2="{width - 30}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(text(left - 6, y + 4, f"{10.0 ** exponent:g}", 'text-anchor="end"'))
    placed = [place(x, y) for x, y in points]
    parts.append(f'<polyline fill="none" stroke="{COLOURS["raftd"]}" stroke-width="2" points="'
                 + " ".join(f"{x:.1f},{y:.1f}" for x, y in placed) + '"/>')
    for (x, y), (at, value) in zip(placed, points):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS["raftd"]}"/>')
        parts.append(text(x, y - 7, f"{value:.3g}" if value < 1000 else f"{value:,.0f}", 'text-anchor="middle"'))
        parts.append(text(x, bottom + 16, f"{at:,}", 'text-anchor="middle"'))
    return figure(width, height, parts)


def pictures(results, part):
    """Names and SVG documents of a part."""
    found = results.parts[part]
    if part == "scale":
        curves = {}
        for what in found:
            axis, at = what.rsplit(" ", 1)
            for name in next(iter(found[what].values())):
                curves.setdefault((axis, name), []).append((int(at), results.median(part, what, "raftd", name)))
        drawn = ((f"scale-{axis}-{name}".replace(" ", "-"), lines(axis, FIGURES.get(name, name), points))
                 for (axis, name), points in curves.items() if name in ("per_second", "read_per_second", "p99_ms", "cpu_us", "anonymous_mib"))
    else:
        drawn = ((f"{part}-{name}", bars(f"{part}: {unit}", [(what, {system: results.median(part, what, system, name)
                                                                     for system in systems}) for what, systems in found.items()]))
                 for name, unit in FIGURES.items())
    return [(name, picture) for name, picture in drawn if picture]
