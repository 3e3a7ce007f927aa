"""What the checker found, as data: counted by kind, with kernel, block, thread and line, and the source beside it.

report = simulator.report()
assert report.races == 0 and report.out_of_bounds == 0, report
for finding in report: print(finding)
"""

import html
import linecache
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from .places import Place, find_places

KINDS = {
    "out-of-bounds": "An access outside of every allocation; on a GPU it may destroy other data unseen.",
    "use-after-free": "The memory has been given back by cudaFree.",
    "misaligned": "A GPU reads 4, 8 or 16 bytes only at multiples of as many.",
    "null-pointer": "The pointer was never set, or is NULL.",
    "host-pointer": "Kernels reach the device's memory only: allocate with cudaMalloc and copy.",
    "host-dereference": "The host cannot reach the device's memory; managed memory it can, while no kernel runs.",
    "uninitialised": "The value is whatever lay there before.",
    "race": "Who comes first decides what is read or stays: put a barrier between them, or make the accesses atomic.",
    "barrier-divergence": "All threads of a block must come to the same __syncthreads(): take it out of the branch.",
    "barrier-exited": "All threads of a block must come to __syncthreads(): guard the work and not the barrier.",
    "bad-mask": "The mask must name the lanes that make this call together, and the source must be one of them.",
    "deadlock": "Some wait for others that never come.",
    "invalid-launch": "The launch is refused, and the kernel does not run at all.",
}
"""Each kind of finding, and a sentence about why it matters."""

RED = "var(--jp-error-color1, #b00020)"  # readable on Jupyter's dark pages, too


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, the first time it happened; ``count`` says how often.

    ``block`` and ``thread`` are those of the access that the checker stopped at, ``other_block``, ``other_thread`` and
    ``other_place`` those of an earlier one that it does not go with, in races and divergences.
    """

    kind: str
    kernel: str
    detail: str
    place: Place
    block: tuple[int, int, int] | None
    thread: tuple[int, int, int] | None
    count: int
    other_place: Place | None = None
    other_block: tuple[int, int, int] | None = None
    other_thread: tuple[int, int, int] | None = None

    def __str__(self) -> str:
        lines = [f"{self.place}: {self.kind}" + (f" in {self.kernel}" if self.kernel else "")]
        if self.thread is not None:
            lines[0] += f", block {self.block}, thread {self.thread}"
        lines[0] += f" ({self.count} times)" if self.count > 1 else ""
        lines.append(f"    {self.detail}.")
        if self.other_place is not None:
            where = (
                "" if self.other_thread is None else f", block {self.other_block}, thread {self.other_thread}"
            )
            lines.append(f"    the other: {self.other_place}{where}")
        return "\n".join([*lines, f"    {KINDS.get(self.kind, '')}".rstrip()])


class Facts(NamedTuple):
    """What a report is made of: findings, how many more there were, launches by kernel, texts of cells by name."""

    findings: tuple[Finding, ...]
    left_out: int
    launches: dict[str, int]
    texts: dict[str, str]


class Report:
    """A list of findings. ``report.races`` counts the findings of kind "race", and so on for every kind.

    Parameters
    ----------
    ask : callable
        Returns the `Facts`, as they are now.

    Attributes
    ----------
    findings : tuple of Finding
    left_out : int
        How many more there were: the checker remembers 200.
    launches : dict of str to int
        How often each kernel was launched under the checker.
    errors : list of Exception
        What CUDA reported meanwhile, where the checker has found the reason.
    clean : bool
        Whether something was checked, and nothing found.
    """

    def __init__(self, ask: Callable[[], Facts]):
        self._ask = ask
        self.errors: list[Exception] = []

    def keep(self) -> None:
        """Let the report be what it is now, whatever happens later."""
        facts = self._ask()
        self._ask = lambda: facts

    @property
    def facts(self) -> Facts:
        """All of it at once."""
        return self._ask()

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._ask().findings

    @property
    def left_out(self) -> int:
        return self._ask().left_out

    @property
    def launches(self) -> dict[str, int]:
        return self._ask().launches

    @property
    def clean(self) -> bool:
        facts = self._ask()
        return bool(facts.launches) and not facts.findings

    def of(self, kind: str) -> tuple[Finding, ...]:
        """Return the findings of a kind.

        Raises
        ------
        ValueError
            There is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no kind of finding {kind!r}; there are {', '.join(KINDS)}")
        return tuple(one for one in self.findings if one.kind == kind)

    def __getitem__(self, kernel: str) -> "Report":
        """The findings in a kernel, by the name it was launched with; ``reverse`` is ``reverse<float>``, too.

        Raises
        ------
        KeyError
            No such kernel was launched under the checker.
        """
        facts = self._ask()
        meant = [one for one in facts.launches if kernel in (one, one.partition("<")[0].strip())]
        if not meant:
            known = ", ".join(facts.launches) or "none"
            raise KeyError(f"no kernel {kernel!r} was checked; there are {known}")
        mine = tuple(one for one in facts.findings if one.kernel in meant)
        kept = Facts(mine, 0, {one: facts.launches[one] for one in meant}, facts.texts)
        return Report(lambda: kept)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        facts = self._ask()
        if not facts.launches:
            return "nothing was checked: no kernel has run under the checker"
        if not facts.findings:
            return "the checker found nothing wrong"
        more = [f"... and {facts.left_out} more"] if facts.left_out else []
        return "\n".join([*map(str, facts.findings), *more])

    __repr__ = __str__

    def source(self, place: Place) -> str:
        """The text of a line of the source; "" if it is not known."""
        return source_line(place, self._ask().texts)

    def listing(self) -> str:
        """Return every source that has findings, its lines numbered, and below a line what was found there.

        Only lines near a finding are shown.
        """
        facts = self._ask()
        files = dict.fromkeys(one.place.file for one in facts.findings)
        return "\n".join(_annotated(file, facts) for file in files) or str(self)

    def to_html(self) -> str:
        """Return the listing as HTML: the remarks red, and the sentence about each kind of finding below."""
        lines = []
        for line in self.listing().splitlines():
            text = html.escape(line)
            lines.append(f'<span style="color: {RED}">{text}</span>' if line.startswith("      ^ ") else text)
        kinds = dict.fromkeys(one.kind for one in self.findings)
        notes = "".join(f"<li><b>{kind}</b>: {html.escape(KINDS.get(kind, ''))}</li>" for kind in kinds)
        source = f'<pre style="font-family: monospace; word-break: normal">{chr(10).join(lines)}</pre>'
        return f"{source}<ul>{notes}</ul>" if kinds else f"<p>{self}</p>"

    _repr_html_ = to_html


def _annotated(file: str, facts: Facts) -> str:
    lines = facts.texts[file].splitlines() if file in facts.texts else linecache.getlines(file)
    at: dict[int, list[str]] = {}
    for one in facts.findings:
        if one.place.file == file:
            at.setdefault(one.place.line, []).append(f"{one.kind}: {one.detail}")
        if one.other_place is not None and one.other_place.file == file and one.other_place != one.place:
            what = "barrier" if one.kind.startswith("barrier") else "access"
            remark = f"{one.kind}: the other {what}, see line {one.place.line}"
            at.setdefault(one.other_place.line, []).append(remark)
    out, last = [file], 0
    for number, line in enumerate(lines, 1):
        if not any(abs(number - place) <= 2 for place in at):
            continue
        if number > last + 1:
            out.append("      ...")
        last = number
        out.append(f"{number:5} | {line.rstrip()}")
        out += [f"      ^ {remark}" for remark in at.get(number, ())]
    out += [f"      ^ {remark}" for place in at if place > len(lines) or place == 0 for remark in at[place]]
    return "\n".join(out)


# report.races, report.out_of_bounds, …
def _count(kind: str) -> property:
    return property(lambda report: len(report.of(kind)), doc=f"How many findings are of the kind {kind!r}.")


for _kind in KINDS:
    setattr(Report, "races" if _kind == "race" else _kind.replace("-", "_"), _count(_kind))


def read_report(data: dict[str, Any], texts: dict[str, str]) -> Report:
    """Return the report of what `cudasim_findings` says; `texts` has the sources that are no files."""
    raw = data["findings"]
    keys = [tuple(one[key]) for one in raw for key in ("place", "other_place") if one[key]]
    places = find_places(keys)

    def place(one: dict[str, Any], key: str) -> Place | None:
        return short(places[tuple(one[key])], texts) if one[key] else None

    def index(one: dict[str, Any], key: str) -> Any:
        return tuple(one[key]) if key in one else None

    findings = tuple(
        Finding(
            one["kind"],
            one["kernel"],
            one["detail"],
            place(one, "place")
            or short(Place(one.get("file", "the place is unknown"), one.get("line", 0)), texts),
            index(one, "block"),
            index(one, "thread"),
            one["count"],
            place(one, "other_place"),
            index(one, "other_block"),
            index(one, "other_thread"),
        )
        for one in raw
    )
    facts = Facts(_merged(findings), data["left_out"], data["launches"], texts)
    return Report(lambda: facts)


def _merged(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """A template is compiled once for each type: what is found in one line of several of them is one finding."""
    merged: dict[tuple, Finding] = {}
    for one in findings:
        key = (one.kind, one.kernel, one.place[:2], one.other_place and one.other_place[:2])
        first = merged.setdefault(key, one)
        if first is not one:
            merged[key] = replace(first, count=first.count + one.count)
    return tuple(merged.values())


def source_line(place: Place, texts: dict[str, str]) -> str:
    """The text of a line; `texts` has the sources that are no files."""
    if place.file in texts:
        lines = texts[place.file].splitlines()
        return lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    return linecache.getline(place.file, place.line).rstrip()


def short(place: Place, texts: dict[str, str]) -> Place:
    """A cell's text has a name without a folder, to which the compiler has put the one it ran in."""
    name = Path(place.file).name
    return place._replace(file=name) if name in texts and not Path(place.file).is_file() else place
