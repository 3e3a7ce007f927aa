"""Small charts as SVG, and arrays of numbers as pictures, made without any drawing library.

They are drawn in the colours of `drawing/graph.css` and `island.css`, so they fit both themes.
"""

from __future__ import annotations

import base64
import html
import math
import struct
import zlib
from collections.abc import Sequence

import numpy as np

from needle_edu.viz.text import number

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 270, 150, 60, 8, 10, 22
Line = tuple[Sequence[float], Sequence[float], str]  # places, heights, and what the line is called
COLOURS = ("", " second", " third", " fourth", " fifth")


def line_chart(title: str, lines: Sequence[Line], below: str = "step", logarithmic: bool = False) -> str:
    """Lines over a common axis, the first blue, the second orange; what is not finite leaves a gap.

    Examples
    --------
    >>> line_chart("loss", [([1, 2, 3], [4.0, 2.0, 1.0], "training")]).count("<path")
    2
    """
    heights = [np.asarray(line[1], float) for line in lines]
    if logarithmic:
        with np.errstate(all="ignore"):
            heights = [np.where(h > 0, np.log10(np.where(h > 0, h, 1.0)), np.nan) for h in heights]
    good = np.concatenate([h[np.isfinite(h)] for h in heights]) if heights else np.array([])
    places = [np.asarray(line[0], float) for line in lines]
    if not good.size:
        return f'<figure class="panel"><h4>{html.escape(title)}</h4><p>no finite number yet</p></figure>'
    bottom, top = float(good.min()), float(good.max())
    if top - bottom < 1e-12 * max(1.0, abs(top)):
        room = abs(top) / 2 or 1.0
        bottom, top = bottom - room, top + room
    first, last = min(float(p.min()) for p in places if p.size), max(float(p.max()) for p in places if p.size)
    across = (WIDE - LEFT - RIGHT) / max(last - first, 1e-12)
    up = (HIGH - TOP - BOTTOM) / (top - bottom)
    drawn, keys = [], []
    for place, height, (_, _, name), colour in zip(places, heights, lines, COLOURS, strict=False):
        x, y = LEFT + (place - first) * across, HIGH - BOTTOM - (height - bottom) * up
        drawn.append(f'<path class="line{colour}" d="{path_of(x, y)}"/>')
        if len(place) == 1 and math.isfinite(height[0]):
            drawn.append(f'<circle class="dot{colour}" cx="{x[0]:.1f}" cy="{y[0]:.1f}" r="2.5"/>')
        keys.append(f'<span class="key{colour}">{html.escape(name)}</span>')
    ends = [number(10**v if logarithmic else v) for v in (bottom, top)]
    spoken = f"{title}: from {ends[0]} to {ends[1]}; last " + ", ".join(
        f"{name} {number(float(values[-1]))}" for _, values, name in lines if len(values)
    )
    legend = f'<div class="keys">{"".join(keys)}</div>' if len(lines) > 1 else ""
    return (
        f'<figure class="panel"><h4>{html.escape(title)}</h4>'
        f'<svg class="chart" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{html.escape(spoken)}">'
        f'<path class="axis" d="M{LEFT} {TOP}V{HIGH - BOTTOM}H{WIDE - RIGHT}"/>{"".join(drawn)}'
        f'<text x="{LEFT - 4}" y="{HIGH - BOTTOM}" text-anchor="end">{ends[0]}</text>'
        f'<text x="{LEFT - 4}" y="{TOP + 8}" text-anchor="end">{ends[1]}</text>'
        f'<text x="{LEFT}" y="{HIGH - 7}">{number(first)}</text>'
        f'<text x="{WIDE - RIGHT}" y="{HIGH - 7}" text-anchor="end">{html.escape(below)} {number(last)}</text>'
        f"</svg>{legend}</figure>"
    )


def path_of(x: np.ndarray, y: np.ndarray) -> str:
    """The SVG path through points; one that is not finite breaks it.

    Examples
    --------
    >>> path_of(np.array([0.0, 1.0, 2.0, 3.0]), np.array([5.0, np.nan, 6.0, 7.0]))
    'M0.0 5.0M2.0 6.0L3.0 7.0'
    """
    parts, drawn = [], False
    for a, b in zip(x.tolist(), y.tolist(), strict=True):
        if math.isfinite(b):
            parts.append(f"{'L' if drawn else 'M'}{a:.1f} {b:.1f}")
        drawn = math.isfinite(b)
    return "".join(parts)


def histogram(counts: np.ndarray, low: float, high: float, what: str) -> str:
    """Bars in the space of a line of text, with both ends below as a tooltip.

    Examples
    --------
    >>> histogram(np.array([1, 4, 2]), -1.0, 1.0, "weights").count("v-")
    3
    """
    wide, high_ = 96, 22
    top = max(float(counts.max(initial=0)), 1.0)
    step = wide / max(len(counts), 1)
    bars = "".join(
        f"M{i * step:.1f} {high_}v-{count / top * high_:.1f}h{step:.1f}v{count / top * high_:.1f}"
        for i, count in enumerate(counts.tolist())
        if count
    )
    spoken = html.escape(f"{what}: from {number(low)} to {number(high)}")
    return (
        f'<svg class="bars" viewBox="0 0 {wide} {high_}" width="{wide}" height="{high_}" role="img" '
        f'aria-label="{spoken}"><title>{spoken}</title><path d="{bars}"/></svg>'
    )


def picture(pixels: np.ndarray, what: str, width: int) -> str:
    """An array as a picture `width` pixels wide in the page: (h, w) is grey from its least to its greatest number,
    (h, w, 3) are colours from 0 to 1. What is not finite is red.

    Examples
    --------
    >>> picture(np.eye(4), "a unit matrix", 32)[:45]
    '<img class="pixels" alt="a unit matrix" width'
    """
    pixels = np.asarray(pixels, float)
    if pixels.ndim == 2:
        finite = np.isfinite(pixels)
        low, high = (pixels[finite].min(), pixels[finite].max()) if finite.any() else (0.0, 1.0)
        grey = np.where(finite, (pixels - low) / (high - low or 1.0), 0.0)
        pixels = np.repeat(grey[..., None], 3, 2)
        pixels[~finite] = (0.82, 0.0, 0.18)
    colours = (255 * np.clip(np.nan_to_num(pixels), 0, 1) + 0.5).astype(np.uint8)
    height = round(width * colours.shape[0] / max(colours.shape[1], 1))
    data = base64.b64encode(png(colours)).decode()
    return (
        f'<img class="pixels" alt="{html.escape(what)}" width="{width}" height="{height}" '
        f'src="data:image/png;base64,{data}">'
    )


def png(colours: np.ndarray) -> bytes:
    """A PNG file of bytes (h, w, 3): signature, header, the rows compressed, end.

    Examples
    --------
    >>> png(np.zeros((1, 1, 3), np.uint8))[1:4]
    b'PNG'
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    height, width, _ = colours.shape
    rows = b"".join(b"\0" + row.tobytes() for row in colours)  # each row begins with its filter: none
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
