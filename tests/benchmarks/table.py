"""From outcomes of duels to the Markdown table of docs/speed.md, kept between two marker lines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from .duel import Outcome

BEGIN, END = "<!-- table: begin (written by make bench) -->", "<!-- table: end -->"


def processor() -> str:
    """The processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    return f"{names[0] if names else 'unknown processor'}, {os.cpu_count()} cores"


def human(seconds: float) -> str:
    """A duration with three digits: 812 ns, 14.2 us, 3.10 ms."""
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if seconds * scale >= 1 or unit == "ns":
            return f"{seconds * scale:.3g} {unit}"
    raise AssertionError("unreachable")


def render(outcomes: Sequence[Outcome], machine: str) -> str:
    """One row per duel: medians, ratios to each contender, the promise, and whether it was kept in this run."""
    lines = [
        f"Machine: {machine}.",
        "",
        "| what | needle_edu | NumPy | PyTorch | / NumPy | / PyTorch | promise | kept |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for o in outcomes:
        cell = {who: human(o.seconds(who)) for who in o.rounds}
        ratio = {who: f"{o.ratio(who):.2f}" for who in o.rounds if who != "needle_edu"}
        promise = "" if o.limit is None else f"<= {o.limit:g}"
        kept = "" if o.limit is None else o.kept().replace("no", "**no**")
        lines.append(
            f"| {o.name} | {cell['needle_edu']} | {cell.get('NumPy', '')} | {cell.get('PyTorch', '')} "
            f"| {ratio.get('NumPy', '')} | {ratio.get('PyTorch', '')} | {promise} | {kept} |"
        )
    return "\n".join(lines)


def write(file: Path, text: str) -> None:
    """Replace what stands between the markers, atomically."""
    old = file.read_text()
    head, rest = old.split(BEGIN)
    tail = rest.split(END)[1]
    fresh = file.with_suffix(".new")
    fresh.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}")
    fresh.replace(file)
