"""The curve: p95 of each kind of query against the number of items, as SVG."""

from __future__ import annotations

import math
from html import escape
from typing import Any

WIDE, HIGH, LEFT, TOP = 300, 180, 46, 30
COLOURS = {"ours": "#1f6feb", "fts5": "#8a6d3b", "stock": "#b5443c"}
NAMES = {"ours": "Holdfast", "fts5": "SQLite FTS5", "stock": "Whoosh as it comes"}


def plot(found: list[dict[str, Any]]) -> str:
    """Return one small panel for each kind of query, both axes logarithmic."""
    kinds = list(found[0]["ours"]["kinds"])
    columns = 3
    rows = -(-len(kinds) // columns)
    width, height = columns * WIDE, rows * HIGH + 40
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'font-family="sans-serif" font-size="11" role="img">'
            "<title>p95 in milliseconds of each kind of query, by number of items</title>"
            f'<rect width="{width}" height="{height}" fill="#fff"/>'
        )
    ]
    for at, kind in enumerate(kinds):
        x, y = at % columns * WIDE, at // columns * HIGH
        parts.append(f'<g transform="translate({x},{y})">{_panel(kind, found)}</g>')
    for at, (engine, name) in enumerate(NAMES.items()):
        parts.append(
            f'<text x="{LEFT + at * 150}" y="{height - 14}" fill="{COLOURS[engine]}">— {name}</text>'
        )
    return "\n".join([*parts, "</svg>\n"])


def _panel(kind: str, found: list[dict[str, Any]]) -> str:
    sizes = [one["size"] for one in found]
    low, high = math.log10(sizes[0]), math.log10(sizes[-1])

    def across(size: int) -> float:
        return LEFT + (math.log10(size) - low) / max(high - low, 0.1) * (WIDE - LEFT - 20)

    def down(taken: float) -> float:
        return TOP + (3.5 - math.log10(max(taken, 0.1))) / 4.5 * (HIGH - TOP - 30)

    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{escape(kind)}, p95 ms</text>']
    for mark in (0.1, 1, 10, 100, 1000):
        y = down(mark)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDE - 20}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            f'<text x="{LEFT - 4}" y="{y + 4:.1f}" text-anchor="end" fill="#555">{mark:g}</text>'
        )
    parts += [
        f'<text x="{across(size):.1f}" y="{HIGH - 14}" text-anchor="middle" fill="#555">'
        f"{size // 1000}k</text>"
        for size in sizes
    ]
    for engine, colour in COLOURS.items():
        points = [
            (across(one["size"]), down(one[engine]["kinds"][kind]["p95"]))
            for one in found
            if engine in one and kind in one[engine]["kinds"]
        ]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return "".join(parts)
