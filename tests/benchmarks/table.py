"""From outcomes of duels to docs/speed.md: one file of numbers for each machine, one table with all machines in it.

A run on a machine writes `machines/NAME.json`; what stands between the markers in docs/speed.md is then made anew from
all these files. So a new machine is a new column, and no other machine's numbers are lost.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from needle_edu.backend import get_isa

from .duel import Outcome

BEGIN, END = "<!-- tables: begin (written by make bench) -->", "<!-- tables: end -->"
MACHINES = Path(__file__).parent / "machines"
PAGE = Path(__file__).parents[2] / "docs" / "speed.md"


def machine() -> str:
    """The processor as the system tells it, its strongest instruction set, and the cores: "AMD EPYC (family 26, …"."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    facts = dict(reversed([[part.strip() for part in line.split(":", 1)] for line in lines if ":" in line]))
    name = facts.get("model name", "unknown processor")
    if "cpu family" in facts:
        name += f" (family {facts['cpu family']}, model {facts['model']})"
    return f"{name}, {get_isa()}, {os.cpu_count()} cores"


def human(seconds: float, unit: str = "s") -> str:
    """A duration with three digits: 812 ns, 14.2 us, 3.10 ms; or bytes: 7.91 MB."""
    if unit == "B":
        return f"{seconds / 1e6:.3g} MB"
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)):
        if seconds * scale >= 1 or unit == "ns":
            return f"{seconds * scale:.3g} {unit}"
    raise AssertionError("unreachable")


def entry(outcome: Outcome) -> dict:
    """A duel as plain data: the promise, medians in seconds, ratios of ours to the others."""
    others = [who for who in outcome.rounds if who != "needle_edu"]
    return {
        "what": outcome.name,
        "promise": outcome.limit,
        "seconds": {who: float(f"{outcome.seconds(who):.4g}") for who in outcome.rounds},
        "ratios": {who: round(outcome.ratio(who), 4) for who in others},
    } | ({} if outcome.unit == "s" else {"unit": outcome.unit})


def keep(name: str, part: str, entries: Sequence[dict]) -> None:
    """Put a part ("duels", "busy") of a machine's numbers into its file; rows that were not run again stay."""
    file = MACHINES / (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") + ".json")
    known = json.loads(file.read_text()) if file.exists() else {"machine": name}
    rows = {row["what"]: row for row in known.get(part, [])} | {row["what"]: row for row in entries}
    known[part] = list(rows.values())
    _replace(file, json.dumps(known, indent=1) + "\n")


def render(machines: Sequence[dict]) -> str:
    """The tables in Markdown: all machines side by side, then the times of each."""
    columns = [f"[{k}]" for k in range(1, len(machines) + 1)]
    lines = [f"{column} {known['machine']}  " for column, known in zip(columns, machines, strict=True)]
    lines += ["", "Ours divided by the faster of the others; **bold** where the promise was not kept.", ""]
    lines += [f"| what | promise | {' | '.join(columns)} |", "|---|---|" + "---|" * len(machines)]
    found = [{row["what"]: row for row in known.get("duels", [])} for known in machines]
    for what in dict.fromkeys(what for rows in reversed(found) for what in rows):
        promise = next(rows[what]["promise"] for rows in reversed(found) if what in rows)
        cells = " | ".join(_worst(rows.get(what), promise) for rows in found)
        lines.append(f"| {what} | {_limit(promise)} | {cells} |")
    for column, known in zip(columns, machines, strict=True):
        lines += ["", f"## {column} {known['machine']}", ""]
        duels = known.get("duels", [])
        contenders = list(dict.fromkeys(who for row in duels for who in row["seconds"]))
        lines += [f"| what | {' | '.join(contenders)} |", "|---|" + "---|" * len(contenders)] if duels else []
        for row in duels:
            times = {who: human(number, row.get("unit", "s")) for who, number in row["seconds"].items()}
            lines.append(f"| {row['what']} | " + " | ".join(times.get(who, "") for who in contenders) + " |")
        lines += _busy(known.get("busy", []))
    return "\n".join(lines)


def _limit(promise: float | None) -> str:
    return "" if promise is None else f"≤ {promise:.2f}"


def _worst(row: dict | None, promise: float | None) -> str:
    if row is None:
        return ""
    ratio = max(row["ratios"].values())
    text = f"{ratio:.2f}"
    return f"**{text}**" if promise is not None and ratio > promise else text


def _busy(rows: Sequence[dict]) -> list[str]:
    """The cost of another program on one core: the mean time of a call on all threads, against one thread's."""
    if not rows:
        return []
    head = [
        "",
        "Beside an idle core, and beside one that another process keeps busy, on one thread and on all:",
        "",
    ]
    table = [
        "| what | one thread: median, mean | all threads | median | mean | promise |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        one, every = (f"{human(times[0])}, {human(times[1])}" for times in (row["one"], row["all"]))
        ratios = [every_time / one_time for every_time, one_time in zip(row["all"], row["one"], strict=True)]
        kept = row["promise"] is None or ratios[1] <= row["promise"]
        mean = f"{ratios[1]:.2f}" if kept else f"**{ratios[1]:.2f}**"
        table.append(
            f"| {row['what']} | {one} | {every} | {ratios[0]:.2f} | {mean} | {_limit(row['promise'])} |"
        )
    return head + table


def write_page() -> None:
    """Make the part between the markers of docs/speed.md anew."""
    head, rest = PAGE.read_text().split(BEGIN)
    machines = [json.loads(file.read_text()) for file in sorted(MACHINES.glob("*.json"))]
    _replace(PAGE, f"{head}{BEGIN}\n{render(machines)}\n{END}{rest.split(END)[1]}")


def _replace(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)
