"""What the checker found, as data: counted by kind, with kernel, block, thread and line, and the source beside it.

report = simulator.report()
assert report.races == 0 and report.out_of_bounds == 0, report
for finding in report: print(finding)
"""

import html
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .places import Place, find_places

KINDS = {
    "out-of-bounds": "An access outside of every allocation; on a GPU it may destroy other data unseen.",
    "use-after-free": "The memory has been given back by cudaFree.",
    "misaligned": "A GPU reads 4, 8 or 16 bytes only at multiples of as many.",
    "null-pointer": "The pointer was never set, or is NULL.",
    "host-pointer": "Kernels reach the device's memory only: allocate with cudaMalloc and copy.",
    "host-dereference": "The host cannot reach the device's memory.",
    "uninitialised": "The value is whatever lay there before.",
    "race": "Who comes first decides what is read or stays: put a barrier between them, or make the accesses atomic.",
    "barrier-divergence": "All threads of a block must come to the same __syncthreads(): take it out of the branch.",
    "barrier-exited": "All threads of a block must come to __syncthreads(): guard the work and not the barrier.",
    "bad-mask": "The mask must name the lanes that make this call together, and the source must be one of them.",
    "deadlock": "Some wait for others that never come.",
    "invalid-launch": "The launch is refused, and the kernel does not run at all.",
}
"""Each kind of finding, and a sentence about why it matters."""


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


class Report:
    """A list of findings. ``report.races`` counts the findings of kind "race", and so on for every kind.

    Attributes
    ----------
    findings : tuple of Finding
    left_out : int
        How many more there were: the checker remembers 200.
    clean : bool
        Whether there are none.
    """

    def __init__(self, findings: tuple[Finding, ...], left_out: int = 0, texts: dict[str, str] | None = None):
        self.findings, self.left_out = findings, left_out
        self._texts = texts or {}

    @property
    def clean(self) -> bool:
        return not self.findings

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
        """The findings in a kernel, by the name it was launched with."""
        return Report(tuple(one for one in self.findings if one.kernel == kernel), 0, self._texts)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        if self.clean:
            return "the checker found nothing wrong"
        more = [f"... and {self.left_out} more"] if self.left_out else []
        return "\n".join([*map(str, self.findings), *more])

    __repr__ = __str__

    def source(self, place: Place) -> str:
        """The text of a line of the source; "" if it is not known."""
        return source_line(place, self._texts)

    def listing(self) -> str:
        """Return every source that has findings, its lines numbered, and below a line what was found there.

        Only lines near a finding are shown.
        """
        return "\n".join(
            self._annotated(file) for file in dict.fromkeys(one.place.file for one in self.findings)
        )

    def to_html(self) -> str:
        """Return the listing as HTML: the remarks red, and the sentence about each kind of finding below."""
        lines = []
        for line in self.listing().splitlines():
            text = html.escape(line)
            lines.append(
                f'<span style="color: #b00020">{text}</span>' if line.startswith("      ^ ") else text
            )
        kinds = dict.fromkeys(one.kind for one in self.findings)
        notes = "".join(f"<li><b>{kind}</b>: {html.escape(KINDS.get(kind, ''))}</li>" for kind in kinds)
        return f"<pre>{chr(10).join(lines)}</pre><ul>{notes}</ul>" if self.findings else f"<p>{self}</p>"

    _repr_html_ = to_html

    def _annotated(self, file: str) -> str:
        lines = self._texts[file].splitlines() if file in self._texts else linecache.getlines(file)
        at: dict[int, list[str]] = {}
        for one in self.findings:
            if one.place.file == file:
                at.setdefault(one.place.line, []).append(f"{one.kind}: {one.detail}")
            if one.other_place is not None and one.other_place.file == file and one.other_place != one.place:
                at.setdefault(one.other_place.line, []).append(
                    f"{one.kind}: the other access, see line {one.place.line}"
                )
        out, last = [file], 0
        for number, line in enumerate(lines, 1):
            if not any(abs(number - place) <= 2 for place in at):
                continue
            if number > last + 1:
                out.append("      ...")
            last = number
            out.append(f"{number:5} | {line.rstrip()}")
            out += [f"      ^ {remark}" for remark in at.get(number, ())]
        out += [
            f"      ^ {remark}" for place in at if place > len(lines) or place == 0 for remark in at[place]
        ]
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
    return Report(findings, data["left_out"], texts)


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
