"""`viz.roofline`: the operations of a profile below the two roofs of a machine.

Across stands the arithmetic intensity, operations for each byte moved; upwards the speed, operations in a second; both
axes are logarithmic. Left of the corner an operation waits for memory, right of it for arithmetic. How far a point lies
below the roof is what could still be won; how large it is says what that would be worth, in time.
"""

from __future__ import annotations

import hashlib
import math
import os
from html import escape
from pathlib import Path

from needle_edu.backend.naming import a_kind
from needle_edu.graph.profiler import Machine, Report, Row, measure_machine
from needle_edu.viz.page import PAGE, Shown, scoped_css, write_atomically
from needle_edu.viz.text import number

WIDE, HIGH, LEFT, RIGHT, TOP, BOTTOM = 620, 300, 52, 12, 14, 38
NAMED = 8  # points with their names beside them: those that took longest


class Roofline(Shown):
    """Points below two roofs; shows itself in Jupyter.

    Attributes
    ----------
    points : list of Row
        What computes something and moves bytes, the longest first.
    machine : Machine

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.profiler import Machine
    >>> profile = ndl.profile(lambda x: (x @ x).sum(), ndl.Tensor([[1.0, 2.0], [3.0, 4.0]]))
    >>> found = roofline(profile, Machine(gflops=100.0, gigabytes=20.0))
    >>> found
    <Roofline: 2 operations below 100 GFLOP/s and 20 GB/s>
    >>> [found.limit(row) for row in found.points]
    ['memory', 'memory']
    """

    def __init__(self, rows: list[Row], machine: Machine):
        self.points = [row for row in rows if row.flops and row.nbytes and row.took_ns]
        self.machine = machine

    def limit(self, row: Row) -> str:
        """Return which roof an operation is below: "memory" or "arithmetic"."""
        return "memory" if row.intensity < self.machine.ridge else "arithmetic"

    @property
    def svg(self) -> str:
        """The picture."""
        across, up = self._axes()
        total = sum(row.took_ns for row in self.points) or 1
        parts = [*_grid(across, 0), *_grid(up, 1), self._roof(across, up)]
        for place, row in enumerate(self.points):
            x, y = across.at(row.intensity), up.at(row.gflops)
            radius = 2.5 + 9 * math.sqrt(row.took_ns / total)
            kind = " second" if row.phase == "backward" else ""
            said = escape(
                f"{row.op} {row.module} {row.place}: {row.gflops:.3g} GFLOP/s at {row.intensity:.3g} FLOP/byte, "
                f"{100 * row.took_ns / total:.0f} % of the time, limited by {self.limit(row)}"
            )
            parts.append(
                f'<circle class="dot{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill-opacity=".75">'
                f"<title>{said}</title></circle>"
            )
            if place < NAMED:
                side = ("end", -radius - 3) if x > WIDE - 110 else ("start", radius + 3)
                parts.append(
                    f'<text x="{x + side[1]:.1f}" y="{y + 4:.1f}" text-anchor="{side[0]}">{escape(row.op)}</text>'
                )
        return (
            f'<svg class="chart" viewBox="0 0 {WIDE} {HIGH}" width="{WIDE}" role="img" '
            f'aria-label="{escape(repr(self)[1:-1])}">{"".join(parts)}</svg>'
        )

    @property
    def html(self) -> str:
        """What a notebook shows."""
        svg = self.svg
        scope = "ndl-" + hashlib.sha256(svg.encode()).hexdigest()[:10]
        css = "\n".join(scoped_css(name, scope) for name in ("drawing/graph.css", "island.css"))
        keys = "<span>forward, or a program</span>"
        if any(row.phase == "backward" for row in self.points):
            keys += '<span class="second">backward</span>'
        return (
            f'<div class="needle-roofline"><div class="{scope}"><style>{css}</style>{svg}'
            f'<div class="keys">{keys}</div></div></div>'
        )

    def save(self, path: str | os.PathLike) -> Path:
        """Write a page of its own (.html), complete or not at all."""
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"Roofline.save: wanted the path of a file, got {a_kind(path)}")
        forms = {".html": lambda: PAGE.format(title="roofline", body=self.html)}
        return write_atomically(path, forms, "Roofline.save")

    def _axes(self) -> tuple[_Axis, _Axis]:
        machine = self.machine
        intensities = [row.intensity for row in self.points] + [machine.ridge]
        speeds = [row.gflops for row in self.points] + [machine.gflops]
        across = _Axis(min(intensities) / 2, max(intensities) * 4, LEFT, WIDE - RIGHT)
        return across, _Axis(min(speeds) / 2, max(speeds) * 2, HIGH - BOTTOM, TOP)

    def _roof(self, across: _Axis, up: _Axis) -> str:
        """Both roofs, from where the slope enters the picture."""
        machine = self.machine
        start = max(across.low, up.low / machine.gigabytes)
        places = [(x, machine.roof(x)) for x in (start, machine.ridge, across.high)]
        path = "L".join(f"{across.at(x):.1f} {up.at(y):.1f}" for x, y in places)
        told = f"{number(machine.gflops)} GFLOP/s", f"{number(machine.gigabytes)} GB/s"
        x, y = (
            across.at(math.sqrt(start * machine.ridge)),
            up.at(machine.roof(math.sqrt(start * machine.ridge))),
        )
        return (
            f'<path class="line fifth" d="M{path}"/>'
            f'<text x="{WIDE - RIGHT}" y="{up.at(machine.gflops) - 5:.1f}" text-anchor="end">{told[0]}</text>'
            f'<text x="{x - 6:.1f}" y="{y - 4:.1f}" text-anchor="end">{told[1]}</text>'
        )

    def __repr__(self) -> str:
        roofs = f"{number(self.machine.gflops)} GFLOP/s and {number(self.machine.gigabytes)} GB/s"
        count = f"{len(self.points)} operation{'' if len(self.points) == 1 else 's'}"
        return f"<Roofline: {count} below {roofs}>"


class _Axis:
    """A logarithmic axis from `low` to `high`, drawn from one place to another."""

    def __init__(self, low: float, high: float, start: float, end: float):
        self.low, self.high, self.start, self.end = low, high, start, end

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def powers(self) -> list[float]:
        """The powers of ten within."""
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        return [10.0**k for k in range(first, last + 1)]


def _grid(axis: _Axis, upwards: int) -> list[str]:
    """Lines at the powers of ten, and what the axis means."""
    parts = []
    for value in axis.powers():
        at, text = axis.at(value), f"{value:g}"
        if upwards:
            parts.append(f'<path class="axis" d="M{LEFT} {at:.1f}H{WIDE - RIGHT}"/>')
            parts.append(f'<text x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{text}</text>')
        else:
            parts.append(f'<path class="axis" d="M{at:.1f} {TOP}V{HIGH - BOTTOM}"/>')
            parts.append(f'<text x="{at:.1f}" y="{HIGH - BOTTOM + 14}" text-anchor="middle">{text}</text>')
    label = (
        f'<text x="{LEFT}" y="10">GFLOP/s</text>'
        if upwards
        else f'<text x="{WIDE - RIGHT}" y="{HIGH - 6}" text-anchor="end">operations for each byte (FLOP/byte)</text>'
    )
    return [*parts, label]


def roofline(profile: Report, machine: Machine | None = None) -> Roofline:
    """Draw a profile's operations below the roofs of a machine.

    Parameters
    ----------
    profile : Profile or KernelProfile
        What `ndl.profile` returns.
    machine : Machine, optional
        By default this one, measured now, which takes half a second.

    Returns
    -------
    Roofline

    Raises
    ------
    TypeError
        If it is no profile, or no machine.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu.graph.profiler import Machine
    >>> profile = ndl.profile(lambda x: x.exp(), ndl.Tensor([1.0, 2.0]))
    >>> ndl.viz.roofline(profile, Machine(gflops=100.0, gigabytes=20.0))
    <Roofline: 1 operation below 100 GFLOP/s and 20 GB/s>
    """
    if not isinstance(profile, Report):
        raise TypeError(
            f"viz.roofline: wanted a profile, as ndl.profile(...) makes one; got {a_kind(profile)}"
        )
    if machine is not None and not isinstance(machine, Machine):
        raise TypeError(
            f"viz.roofline: wanted a Machine, or nothing to measure this one; got {a_kind(machine)}"
        )
    return Roofline(profile.rows, measure_machine() if machine is None else machine)
