"""How an array shows itself: as text with its dtype and device, and as a small table in a notebook."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .host import host_values

if TYPE_CHECKING:
    from .array import NDArray

_MOST_ROWS, _MOST_COLUMNS = 10, 12


def to_repr(a: NDArray) -> str:
    """Return ``NDArray(elements, dtype=..., device=...)``."""
    prefix = type(a).__name__ + "("
    body = np.array2string(host_values(a), separator=", ", prefix=prefix)
    if not a.size:
        body = f"[], shape={a.shape}"
    return f"{prefix}{body}, dtype={a.dtype.name}, device={a.device})"


def to_str(a: NDArray) -> str:
    """Return the elements as NumPy prints them, with dtype and device behind.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> print(nd.array([1, 2]))
    [1. 2.]  float32 on cpu()
    """
    return f"{host_values(a)}  {a.dtype.name} on {a.device}"


def to_format(a: NDArray, spec: str) -> str:
    """Format an array of one element as its number: ``f"{loss:.3f}"``; without a format, as `str`."""
    return format(host_values(a).item(), spec) if spec and a.size == 1 else format(to_str(a), spec)


def to_html(a: NDArray) -> str:
    """Return a table of the elements with shape, strides, dtype and device; long axes are shortened."""
    values = host_values(a)
    facts = f"shape {a.shape} · strides {a.strides} · {a.dtype.name} on {a.device}"
    rows = values.reshape(1, -1) if values.ndim < 2 else values.reshape(-1, values.shape[-1])
    note = "" if values.ndim < 3 else f" (the rows of {values.ndim} axes, one below the other)"
    lines = []
    if values.size:
        for i in _shown(rows.shape[0], _MOST_ROWS):
            cells = "".join(
                f'<td style="text-align:right">{"⋯" if i is None or j is None else _cell(rows[i, j])}</td>'
                for j in _shown(rows.shape[1], _MOST_COLUMNS)
            )
            lines.append(f"<tr>{cells}</tr>")
    return (
        f'<div class="needle-ndarray"><small>{escape(type(a).__name__)} · {escape(facts)}{note}</small>'
        f"<table>{''.join(lines)}</table></div>"
    )


def _shown(extent: int, most: int) -> list[int | None]:
    """Return the positions to show; None stands for those left out."""
    if extent <= most:
        return list(range(extent))
    half = most // 2
    return [*range(half), None, *range(extent - half, extent)]


def _cell(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, np.floating) else str(value)
