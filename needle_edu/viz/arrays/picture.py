"""`viz.array`: the grid of a strided array beside the memory it looks into.

Each place in memory has a colour, and each element that of the place where it lies. So the stripes of a transpose, the
gaps of a slice and the repetition of a broadcast are seen at a glance, also without a script. With one, a hand or the
keys on an element show its place and all others that lie there, and a button lets the elements of an array come from
the memory, or from the first array that shares it: so a transpose turns, a flip crosses over, and a broadcast unfolds.
"""

from __future__ import annotations

import hashlib
import html
import os
from pathlib import Path
from typing import Any

import numpy as np

from needle_edu.viz.arrays.facts import Memory, Strided, callers_frame, look, names_of
from needle_edu.viz.arrays.images import ArrayImages, attention, images
from needle_edu.viz.page import PAGE, Shown, scoped_css, static_text, write_atomically
from needle_edu.viz.text import aligned

ROW = 16  # places of memory in a line
HUES = 300  # degrees of the colour circle from the first place to the last


class ArrayPicture(Shown):
    """A picture of arrays and their memory; shows itself in Jupyter.

    Attributes
    ----------
    arrays : list of Strided
    memories : list of Memory
        Each storage once: arrays that share one stand beside the same memory.
    html : str
        What a notebook shows: everything is in it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> picture = ndl.viz.array(ndl.ndarray.arange(6))
    >>> len(picture.arrays), len(picture.memories), picture.html.startswith("<div")
    (1, 1, True)
    """

    def __init__(self, arrays: list[Strided], memories: list[Memory]):
        self.arrays, self.memories = arrays, memories
        self._body = "".join(_group(memory, [a for a in arrays if a.memory is memory]) for memory in memories)
        self._scope = "ndl-" + hashlib.sha256(self._body.encode()).hexdigest()[:10]

    @property
    def html(self) -> str:
        """What a notebook shows: everything is in it."""
        css = "\n".join(scoped_css(name, self._scope) for name in ("drawing/graph.css", "arrays/arrays.css"))
        name = f"needle-array-{self._scope[4:]}"
        script = f'{static_text("arrays/arrays.js")}\nlinkPlaces("{name}");'
        return (
            f'<div id="{name}" class="{self._scope}"><style>{css}</style><div class="arrays">{self._body}</div></div>'
            f'<script type="module">{script}</script>'
        )

    def save(self, path: str | os.PathLike) -> Path:
        """Write a page of its own (.html), complete or not at all."""
        forms = {".html": lambda: PAGE.format(title="arrays and their memory", body=self.html)}
        return write_atomically(path, forms, "ArrayPicture.save")

    def __repr__(self) -> str:
        return "\n".join(
            f"{a.name}: shape {a.shape}, strides {a.strides}, offset {a.offset}, {a.dtype}, "
            f"memory {a.memory.number + 1}"
            for a in self.arrays
        )


def array(*arrays: Any, show: str = "memory", labels: Any = None) -> ArrayPicture | ArrayImages:
    """Show strided arrays: each one's grid, its shape, strides and offset, and the memory it looks into.

    In a page with scripts each grid has buttons that let its elements come from where they lie. An array of images, or
    of attention's weights, is shown as what it means.

    Parameters
    ----------
    *arrays : NDArray or Tensor
        Those that share memory are shown beside the same one; a copy has its own. At most 512 elements each.
    show : str
        ``"images"``: one array (h, w), (n, h, w), (n, 1 or 3, h, w) or (n, h, w, 1 or 3), at most 256 images.
        ``"attention"``: weights of shape (…, queries, keys), at most 4,096.
    labels : sequence of str, optional
        A word below each image; the words of queries and keys, or a pair of sequences.

    Returns
    -------
    ArrayPicture or ArrayImages

    Raises
    ------
    TypeError
        Nothing given, or something that is no array; labels that are no sequence.
    ValueError
        There is no such way to show.
    NeedleError
        Too many elements to show, a shape without images, or not as many words as places.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu import ndarray as nd
    >>> a = nd.arange(6).reshape((2, 3))
    >>> turned = a.T
    >>> ndl.viz.array(a, turned, turned.compact())
    a: shape (2, 3), strides (3, 1), offset 0, int64, memory 1
    turned: shape (3, 2), strides (1, 3), offset 0, int64, memory 1
    array 3: shape (3, 2), strides (2, 1), offset 0, int64, memory 2
    >>> ndl.viz.array(nd.array([[0.9, 0.1], [0.2, 0.8]]), show="attention", labels=["the", "cat"])
    attention of 2 queries to 2 keys, 1 head, from 0.1 to 0.9
    """
    if not arrays:
        raise TypeError("viz.array: wanted at least one array")
    if show == "memory":
        if labels is not None:
            raise TypeError('viz.array: labels belong to show="images" or show="attention"')
        names = names_of(arrays, callers_frame())
        return ArrayPicture(*look(list(zip(names, arrays, strict=True))))
    if show not in ("images", "attention"):
        raise ValueError(f'viz.array: show must be "memory", "images" or "attention", got {show!r}')
    if len(arrays) > 1:
        raise TypeError(f"viz.array(show={show!r}): wanted one array, got {len(arrays)}")
    return (images if show == "images" else attention)(arrays[0], labels)


def _group(memory: Memory, arrays: list[Strided]) -> str:
    grids = "".join(_array(a) for a in arrays)
    seen = {address for a in arrays for address in a.addresses.ravel().tolist()}
    return f'<section><div class="grids">{grids}</div>{_memory(memory, seen)}</section>'


def _array(a: Strided) -> str:
    facts = f"shape {a.shape} · strides {a.strides} · offset {a.offset} · {a.dtype}"
    order = "in the order of memory" if a.contiguous else "not in the order of memory"
    head = f"<h4>{html.escape(a.name)}</h4><p>{facts}<br>{a.formula}: {order}</p>"
    return f'<figure>{head}<div class="slices">{_slices(a)}</div></figure>'


def _slices(a: Strided) -> str:
    """A table for each slice over the last two axes."""
    if a.values.size == 0:
        return "<p>no elements</p>"
    values = a.values.reshape(-1, *np.atleast_2d(a.values).shape[-2:])
    addresses = a.addresses.reshape(values.shape)
    texts = np.array(aligned(values.reshape(-1, values.shape[-1])), dtype=object).reshape(values.shape)
    tables = []
    for index, *slice_ in zip(np.ndindex(a.shape[:-2]), texts, addresses, strict=True):
        label = f"<caption>[{', '.join(map(str, index))}, :, :]</caption>" if index else ""
        rows = [
            "<tr>" + "".join(_cell(text, at, a.memory) for text, at in zip(*row, strict=True)) + "</tr>"
            for row in zip(*slice_, strict=True)
        ]
        tables.append(f"<table>{label}<tbody>{''.join(rows)}</tbody></table>")
    return "".join(tables)


def _cell(text: str, address: int, memory: Memory, seen: bool = True) -> str:
    hue = round(HUES * int(address) / max(len(memory.values) - 1, 1))
    kind = "" if seen else ' class="unseen"'
    return (
        f'<td tabindex="0" data-at="{address}"{kind} style="--h:{hue}" title="address {address}">{text}</td>'
    )


def _memory(memory: Memory, seen: set[int]) -> str:
    """The places of a storage, in lines; those that no array looks at are pale."""
    texts = [text for row in aligned(memory.values) for text in row] if memory.values.size else []
    rows = []
    for start in range(0, len(texts), ROW):
        line = enumerate(texts[start : start + ROW], start)
        cells = "".join(_cell(text, at, memory, at in seen) for at, text in line)
        rows.append(f"<tr><th>{start}</th>{cells}</tr>")
    alone = ", none of them shared with the arrays above" if memory.number else ""
    places = "1 place" if len(texts) == 1 else f"{len(texts)} places"
    head = f"<h4>memory {memory.number + 1}</h4><p>{places}{alone}, each line with its first address</p>"
    return f'<figure class="memory">{head}<table><tbody>{"".join(rows)}</tbody></table></figure>'
