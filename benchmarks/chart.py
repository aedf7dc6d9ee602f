"""The ratios of a contest as bars, in an SVG that is plain text: how many times as many reports a second ours took, per order and peer."""

from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.results import ORDERS, OURS, ratio

WIDTH, LABEL, BAR, GAP, TOP = 760, 150, 16, 8, 46
FULL = 5.0
"""Ratios from here on have a full bar and say their number."""
COLOURS = {"live": "#1f6feb", "backlog": "#8250df", "unique": "#bf8700"}
TEXT = 'font-family="system-ui, sans-serif" font-size="13" fill="#57606a"'


def drawn(content: Mapping[str, Any]) -> str:
    """The SVG. A line marks 1: as fast as ours."""
    engines = [name for name in content["engines"] if name not in (OURS, "consume/1")]
    parts, y = [_legend()], TOP
    unit = (WIDTH - LABEL - 70) / FULL
    for engine in engines:
        parts.append(f'<text x="{LABEL - 10}" y="{y + BAR * 1.9:.0f}" text-anchor="end" {TEXT}>{escape(engine)}</text>')
        for order in ORDERS:
            parts.append(_bar(content, engine, order, y, unit))
            y += BAR
        y += GAP
    line = f'<line x1="{LABEL + unit:.0f}" y1="{TOP - 8}" x2="{LABEL + unit:.0f}" y2="{y}" stroke="#57606a" stroke-dasharray="3 3"/>'
    of = f"{content['date']}, {content['commit']}"
    title = f"<title>Reports a second of cityloop, one process, divided by those of each engine ({of})</title>"
    size = f'width="{WIDTH}" height="{y + 8}" viewBox="0 0 {WIDTH} {y + 8}"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', title, *parts, line, "</svg>\n"])


def _legend() -> str:
    items = [
        f'<rect x="{LABEL + 130 * at}" y="12" width="12" height="12" fill="{COLOURS[order]}"/>'
        f'<text x="{LABEL + 130 * at + 18}" y="23" {TEXT}>{order}</text>'
        for at, order in enumerate(ORDERS)
    ]
    return "\n".join(items)


def _bar(content: Mapping[str, Any], engine: str, order: str, y: float, unit: float) -> str:
    times = ratio(content["engines"], engine, order)
    if times is None:
        return f'<text x="{LABEL + 4}" y="{y + BAR - 4}" {TEXT}>–</text>'
    width = min(times, FULL) * unit
    bar = f'<rect x="{LABEL}" y="{y + 1}" width="{width:.0f}" height="{BAR - 2}" fill="{COLOURS[order]}"/>'
    return f'{bar}<text x="{LABEL + width + 6:.0f}" y="{y + BAR - 4}" {TEXT}>{times:.1f}×</text>'
