# SPDX-License-Identifier: MIT OR Apache-2.0
"""Plots as SVG, in the two forms that performance.py needs: bars, and lines on logarithmic axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape

COLOURS = ["#1b6ca8", "#d1495b", "#edae49", "#4f8a5b", "#7d5ba6"]
WIDTH = 760
LEFT, RIGHT, TOP, BOTTOM = 200, 90, 64, 46


def text(x: float, y: float, words: str, anchor: str = "start", size: int = 13) -> str:
    """Words at a place."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">'
        f"{escape(words)}</text>"
    )


def svg(height: float, title: str, body: list[str]) -> str:
    """A whole picture, white also where the page is dark."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'font-family="sans-serif" fill="#222" role="img" aria-label="{escape(title)}">'
    )
    back = f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>'
    return "\n".join([head, back, text(16, 24, title, size=16), *body, "</svg>"]) + "\n"


def legend(names: list[str]) -> list[str]:
    """Which colour is whose, below the title."""
    marks, x = [], 16.0
    for name, colour in zip(names, COLOURS):
        marks.append(f'<rect x="{x:.1f}" y="36" width="12" height="12" fill="{colour}"/>')
        marks.append(text(x + 17, 47, name))
        x += 34 + 7.2 * len(name)
    return marks


def short(value: float) -> str:
    """Three digits or so."""
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    if value >= 1e4:
        return f"{value / 1e3:.3g} k"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def duration(nanoseconds: float) -> str:
    """In the unit that makes it short."""
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if nanoseconds >= size:
            return f"{nanoseconds / size:g} {unit}"
    return f"{nanoseconds:g} ns"


@dataclass
class Bars:
    """Bars of several names in groups; a name may be missing in a group."""

    title: str
    names: list[str]
    groups: list[tuple[str, dict[str, float]]]
    unit: str

    def draw(self) -> str:
        """As SVG."""
        most = max(max(values.values()) for _, values in self.groups)
        scale = (WIDTH - LEFT - RIGHT) / most
        body, y = legend(self.names), float(TOP)
        for group, values in self.groups:
            there = [name for name in self.names if name in values]
            body.append(text(LEFT - 10, y + 9 * len(there) + 4, group, "end"))
            for name in there:
                colour, width = COLOURS[self.names.index(name)], max(values[name] * scale, 1)
                box = f'x="{LEFT}" y="{y:.1f}" width="{width:.1f}" height="16"'
                body.append(f'<rect {box} fill="{colour}"/>')
                label = f"{short(values[name])} {self.unit}".rstrip()
                body.append(text(LEFT + width + 6, y + 13, label, size=12))
                y += 18
            y += 12
        return svg(y + 6, self.title, body)


@dataclass
class Lines:
    """Curves of nanoseconds, on two logarithmic axes."""

    title: str
    curves: dict[str, dict[int, float]]
    across: str

    def draw(self) -> str:
        """As SVG."""
        height = 400
        xs = [x for curve in self.curves.values() for x in curve]
        ys = [y for curve in self.curves.values() for y in curve.values()]
        low_x, high_x = math.log10(min(xs)), math.log10(max(xs))
        low_y, high_y = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))
        right = WIDTH - 40

        def place(x: float, y: float) -> tuple[float, float]:
            at = (math.log10(x) - low_x) / max(high_x - low_x, 1)
            up = (math.log10(y) - low_y) / max(high_y - low_y, 1)
            return 90 + at * (right - 90), height - BOTTOM - up * (height - BOTTOM - TOP)

        body = legend(list(self.curves))
        for power in range(low_y, high_y + 1):
            _, y = place(min(xs), 10.0**power)
            body.append(f'<path d="M90 {y:.1f}H{right}" stroke="#ddd"/>')
            body.append(text(82, y + 4, duration(10.0**power), "end", 12))
        for x in sorted(set(xs)):
            body.append(text(place(x, 10.0**low_y)[0], height - 26, f"{x:,}".replace(",", " "),
                             "middle", 12))  # fmt: skip
        body.append(text(right, height - 8, self.across, "end", 12))
        for curve, colour in zip(self.curves.values(), COLOURS):
            points = [place(x, y) for x, y in sorted(curve.items())]
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            stroke = f'fill="none" stroke="{colour}" stroke-width="2.5"'
            body.append(f'<polyline points="{path}" {stroke}/>')
            dots = (f'cx="{x:.1f}" cy="{y:.1f}" r="4"' for x, y in points)
            body += [f'<circle {dot} fill="{colour}"/>' for dot in dots]
        return svg(height, self.title, body)
