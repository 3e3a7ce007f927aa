"""The curve of a run's memory: areas on each other, a step at each event, and the words for sizes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from needle_edu.autograd.events import Event
from needle_edu.viz.lifetimes.blocks import ROLES
from needle_edu.viz.text import shorten

WIDE, HIGH, LEFT, TOP, BOTTOM = 760, 220, 70, 12, 30


def curve(totals: np.ndarray, moments: list[int], backward: np.ndarray) -> str:
    """Areas on each other, one for each role, as steps; backward is shaded, the peak has a flag."""
    sums = totals.sum(1)
    peak_event = int(sums.argmax())
    peak = int(sums[peak_event])
    heights = totals[moments].cumsum(1)
    right = WIDE - 8
    x = LEFT + (right - LEFT) * np.arange(len(moments) + 1) / max(len(moments), 1)
    up = (HIGH - TOP - BOTTOM) / max(peak, 1)
    floor = np.zeros(len(moments))
    areas = []
    for role in range(len(ROLES)):
        top = heights[:, role]
        if (top > floor).any():
            areas.append(
                f'<path class="role{role}" d="{steps(x, HIGH - BOTTOM - top * up, HIGH - BOTTOM - floor * up)}"/>'
            )
        floor = top
    shade = "".join(
        f'<rect class="backward" x="{x[a]:.1f}" y="{TOP}" width="{x[b] - x[a]:.1f}" '
        f'height="{HIGH - TOP - BOTTOM}"/>'
        f'<text x="{(x[a] + x[b]) / 2:.1f}" y="{HIGH - 12}" text-anchor="middle" class="phase">backward</text>'
        for a, b in runs([bool(backward[m]) for m in moments])
    )
    k = moments.index(peak_event)
    flag = (x[k] + x[k + 1]) / 2
    spoken = f"memory over {len(totals)} events: peak {size_text(peak)} at event {peak_event + 1}"
    return (
        f'<svg class="chart" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{spoken}">{shade}'
        f'<path class="axis" d="M{LEFT} {TOP}V{HIGH - BOTTOM}H{right}"/>{"".join(areas)}'
        f'<path class="flag" d="M{flag:.1f} {TOP}V{HIGH - BOTTOM}"/>'
        f'<path class="here" d="M{flag:.1f} {TOP}V{HIGH - BOTTOM}"/>'
        f'<text x="{LEFT - 6}" y="{TOP + 9}" text-anchor="end">{size_text(peak)}</text>'
        f'<text x="{LEFT - 6}" y="{HIGH - BOTTOM}" text-anchor="end">0</text>'
        f'<text x="{LEFT}" y="{HIGH - 12}">events</text></svg>'
    )


def backward_events(events: list[Event]) -> np.ndarray:
    """For each event whether it is of a backward pass: from a seed to the last thing that backward told."""
    found = np.zeros(len(events), bool)
    begin = None
    for k, event in enumerate(events):
        if event.kind == "seeded":
            begin = k
        elif event.kind == "created" and event.op is not None:
            begin = None
        elif begin is not None and event.kind in ("vjp", "accumulated", "leaf"):
            found[begin : k + 1] = True
    return found


def runs(flags: list[bool]) -> Iterator[tuple[int, int]]:
    """Beginning and end of each stretch of True.

    Examples
    --------
    >>> list(runs([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    begin = None
    for k, flag in enumerate([*flags, False]):
        if flag and begin is None:
            begin = k
        elif not flag and begin is not None:
            yield begin, k
            begin = None


def steps(x: np.ndarray, top: np.ndarray, bottom: np.ndarray) -> str:
    """The outline of an area that changes in steps at the places `x`.

    Examples
    --------
    >>> steps(np.array([0.0, 1.0]), np.array([2.0]), np.array([5.0]))
    'M0.0 2.0H1.0V5.0H0.0Z'
    """
    there = [f"V{t:.1f}H{b:.1f}" for t, b in zip(top[1:], x[2:], strict=True)]
    back = [f"V{b:.1f}H{a:.1f}" for b, a in zip(bottom[::-1], x[-2::-1], strict=True)]
    return f"M{x[0]:.1f} {top[0]:.1f}H{x[1]:.1f}{''.join(there)}{''.join(back)}Z"


def size_text(nbytes: int) -> str:
    """A number of bytes for people.

    Examples
    --------
    >>> size_text(900), size_text(2048), size_text(3_500_000)
    ('900 B', '2 KiB', '3.34 MiB')
    """
    size, unit = float(nbytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{shorten(f'{size:.4g}' if size >= 100 else f'{size:.3g}', 9)} {unit}"
