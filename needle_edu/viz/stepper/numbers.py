"""The numbers of an array in a step: a table, a few tables, or a picture with statistics.

Small arrays are shown in full. Of a large one the recorder has kept statistics and a sample: the sample becomes a heat
map, blue below zero and orange above. A table is written briefly, its cells apart by blanks and its rows by semicolons;
the page's script makes a table of it (`TABLE` says that it must). The same numbers stand in many steps, so this is
where most of a page's bytes are saved.
"""

from __future__ import annotations

import base64
import html
import struct
import zlib

import numpy as np

from needle_edu.graph import Snapshot
from needle_edu.graph.snapshot import sample_steps
from needle_edu.viz.text import aligned, number

MAX_ROWS = 10
MAX_COLUMNS = 10
MAX_SLICES = 4
MAX_PARTS = 6
TABLE = "\t"  # the first character of a table


def array_parts(snap: Snapshot) -> list[str]:
    """The numbers of an array as HTML and tables (see `table_text`)."""
    if snap.parts:
        return _tuple_parts(snap.parts)
    if snap.size == 0:
        return ['<p class="pending">an empty array</p>']
    array = snap.array
    if array is None:
        return [summary_html(snap)]
    if array.ndim <= 2:
        return [table_text(array)]
    slices = array.reshape(-1, *array.shape[-2:])
    if len(slices) > MAX_SLICES:
        return [summary_html(snap)]
    out = []
    for index, table in zip(np.ndindex(array.shape[:-2]), slices, strict=True):
        place = ", ".join(map(str, index))
        out += [f'<div class="slice">[{place}, :, :]</div>', table_text(table)]
    return out


def _tuple_parts(parts: tuple) -> list[str]:
    out = []
    for k, part in enumerate(parts[:MAX_PARTS]):
        inside = array_parts(part) if part else ['<p class="pending">nothing yet</p>']
        out += [f'<div class="part"><span class="slice">[{k}]</span>', *inside, "</div>"]
    if len(parts) > MAX_PARTS:
        out.append(f'<div class="slice">… {len(parts)} parts</div>')
    return out


def table_text(array: np.ndarray) -> str:
    """A small array as an aligned table; long rows and columns are cut in the middle.

    Examples
    --------
    >>> table_text(np.array([[1.0, 0.5], [0.0, 2.0]]))
    '\\t1.0 0.5;0.0 2.0'
    """
    rows = [_cut(row, MAX_COLUMNS, "⋯") for row in aligned(array)]
    rows = _cut(rows, MAX_ROWS, ["⋮"] * len(rows[0]))
    return TABLE + ";".join(map(" ".join, rows))


def cell_class(text: str) -> str:
    """Zeros are written faintly (one sees at a glance what a relu or a mask let through), nan and inf in red."""
    return "bad" if text.lstrip("-") in ("nan", "inf") else "zero" if not text.strip("0.-") else ""


def _cut(items: list, limit: int, mark) -> list:
    """At most `limit` items: the first ones, a mark, and the last two."""
    return items if len(items) <= limit else [*items[: limit - 3], mark, *items[-2:]]


def summary_html(snap: Snapshot) -> str:
    """What is said of a large array: its statistics, its picture, and its first values."""
    facts = [("min", snap.low), ("mean", snap.mean), ("max", snap.high), ("norm", snap.norm)]
    facts += [("zeros", snap.zeros)] if snap.zeros else []
    facts += [("nan, inf", snap.not_finite)] if snap.not_finite else []
    head = "".join(f"<th>{name}</th>" for name, _ in facts)
    cells = "".join(f'<td class="{cell_class(number(x))}">{number(x)}</td>' for _, x in facts)
    table = f'<table class="summary"><thead><tr>{head}</tr></thead><tbody><tr>{cells}</tr></tbody></table>'
    first = ", ".join(number(value) for value in snap.first)
    words = f'<p class="first">first values {first}, …</p>' if first else ""
    return table + heat_html(snap) + words


def heat_html(snap: Snapshot) -> str:
    """The sample of a large array as a heat map, with its scale and what was left out."""
    if snap.sample is None or not snap.sample.size or snap.sample.dtype.kind == "c":
        return ""
    sample = np.asarray(snap.sample, dtype=np.float64)
    finite = np.abs(sample[np.isfinite(sample)])
    top = float(finite.max()) if finite.size else 0.0
    picture = base64.b64encode(png(heat_levels(sample, top))).decode()
    words = _sample_words(snap.shape)
    height = min(96, 10 * sample.shape[0])
    scale = f"−{number(top)} blue … {number(top)} orange" if top else "all zero"
    describe = html.escape(f"heat map of {words}; {scale}; NaN and infinities red")
    return (
        f'<p class="heat"><img src="data:image/png;base64,{picture}" alt="{describe}" title="{describe}" '
        f'style="width:{min(192, 12 * sample.shape[1])}px;height:{height}px">'
        f'<span>{words}<br><i class="cold"></i> −{number(top)} … {number(top)} <i class="hot"></i></span></p>'
    )


def _sample_words(shape: tuple) -> str:
    down, across = sample_steps(shape)
    every = {1: "every", 2: "every 2nd", 3: "every 3rd"}
    rows, columns = (every.get(n, f"every {n}th") for n in (down, across))
    if len(shape) < 2:
        return f"{columns} element"
    return f"{rows} row, {columns} column"


# 0 … 240 from blue over white to orange, the colours of the phases; the last one for NaN and infinities.
BLUE, MIDDLE, ORANGE, RED = (31, 111, 235), (247, 247, 247), (232, 89, 12), (209, 0, 47)
LEVELS, STRANGE = 241, 241


def heat_levels(sample: np.ndarray, top: float) -> np.ndarray:
    """Which colour stands for each number: 0 for -top, the middle for 0, the last for top, one more for NaN.

    Examples
    --------
    >>> heat_levels(np.array([[-2.0, 0.0, 1.0, 2.0, np.nan]]), 2.0)
    array([[  0, 120, 180, 240, 241]], dtype=uint8)
    """
    middle = (LEVELS - 1) / 2
    known = np.isfinite(sample)
    share = np.where(known, sample, 0.0) / (top or 1.0)
    return np.where(known, np.rint(middle + middle * share), STRANGE).astype(np.uint8)


def png(levels: np.ndarray) -> bytes:
    """A picture of palette numbers as a PNG file: signature, header, palette, data, end."""
    ramp = [
        tuple(round(a + (b - a) * k / 120) for a, b in zip(x, y, strict=True))
        for x, y in ((BLUE, MIDDLE), (MIDDLE, ORANGE))
        for k in range(120)
    ]
    used = np.unique(levels)  # a palette of 242 colours would be longer than the picture
    colours = [*ramp, ORANGE, RED]
    palette = bytes(channel for level in used for channel in colours[level])
    rows, columns = levels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in np.searchsorted(used, levels).astype(np.uint8))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)
