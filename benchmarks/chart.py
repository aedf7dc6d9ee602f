"""The ratios of a contest as bars, in an SVG that is plain text: how many times as many reports a second ours took, per order and peer.

The axis is logarithmic and bars begin at 1, so that twice as fast is as long to the right as half as fast is to the left.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.results import ORDERS, OURS, ratio

WIDTH, LABEL, NUMBER, BAR, GAP, TOP, FOOT = 760, 150, 50, 16, 12, 58, 36
TICKS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
LEAST, MOST = 0.04, 25.0
"""Ratios beyond have a full bar and say their number."""
COLOURS = {"live": "#1f6feb", "backlog": "#8250df", "unique": "#bf8700"}
NAMES = {"live": "live order", "backlog": "backlog", "unique": "nothing repeats"}
TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="#57606a"'


def drawn(content: Mapping[str, Any]) -> str:
    """The SVG. A dashed line marks 1: as fast as ours."""
    engines = [name for name in content["engines"] if name not in (OURS, "consume/1")]
    foot = TOP + len(engines) * (len(ORDERS) * BAR + GAP)
    of = f"{content['date']}, {content['commit']}"
    title = f"<title>Reports a second of cityloop, one process, divided by those of each engine ({of})</title>"
    size = f'width="{WIDTH}" height="{foot + FOOT}" viewBox="0 0 {WIDTH} {foot + FOOT}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', title, *_legend(), *_axis(foot)]
    y = TOP
    for engine in engines:
        parts.append(_text(LABEL - 10, y + BAR * 1.9, "end", engine))
        for order in ORDERS:
            parts.append(_bar(content, engine, order, y))
            y += BAR
        y += GAP
    return "\n".join([*parts, "</svg>\n"])


def _x(times: float) -> float:
    share = math.log(min(max(times, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LABEL + share * (WIDTH - LABEL - NUMBER)


def _text(x: float, y: float, anchor: str, said: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" {TEXT}>{escape(said)}</text>'


def _legend() -> Iterator[str]:
    for at, order in enumerate(ORDERS):
        x = LABEL + 130 * at
        yield f'<rect x="{x}" y="8" width="12" height="12" fill="{COLOURS[order]}"/>'
        yield _text(x + 18, 19, "start", NAMES[order])


def _axis(foot: float) -> Iterator[str]:
    yield _text(_x(1) - 10, TOP - 14, "end", "← cityloop is slower")
    yield _text(_x(1) + 10, TOP - 14, "start", "cityloop is faster →")
    for tick in TICKS:
        x, look = _x(tick), 'stroke="#57606a" stroke-dasharray="3 3"' if tick == 1 else 'stroke="#8c959f" stroke-opacity="0.25"'
        yield f'<line x1="{x:.0f}" y1="{TOP - 8}" x2="{x:.0f}" y2="{foot}" {look}/>'
        yield _text(x, foot + 18, "middle", f"{tick:g}×")


def _bar(content: Mapping[str, Any], engine: str, order: str, y: float) -> str:
    times = ratio(content["engines"], engine, order)
    if times is None:
        return _text(_x(1) + 6, y + BAR - 4, "start", "–")
    left, right = sorted((_x(1), _x(times)))
    bar = f'<rect x="{left:.0f}" y="{y + 1}" width="{right - left:.0f}" height="{BAR - 2}" fill="{COLOURS[order]}"/>'
    x, anchor, number = (left - 6, "end", f"{times:.2f}×") if times < 1 else (right + 6, "start", f"{times:.1f}×")
    return bar + _text(x, y + BAR - 4, anchor, number)
