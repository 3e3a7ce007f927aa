"""The view of what kernels cost, and of what the checker found in them."""

from __future__ import annotations

import html
from typing import Any, ClassVar

from needle_edu.backend.cudasim.profile import KernelProfile, LineCounters
from needle_edu.backend.cudasim.report import KINDS, Finding, Report
from needle_edu.backend.cudasim.trace import Access
from needle_edu.viz.island import Island
from needle_edu.viz.kernels.pictures import bank_table, sector_table, sentence, timeline

EACH = 2  # requests of a line that are drawn: the first, and the next, which shows how they move on
DRAWN = 24  # in all


class KernelView(Island):
    """A kernel's requests as pictures; shows itself in Jupyter.

    Attributes
    ----------
    kernels : list of KernelProfile

    Examples
    --------
    >>> KernelView([]).still()
    '<div class="island" role="group" aria-label="kernels on the simulator"></div>'
    """

    view: ClassVar[str] = "kernel"
    title: ClassVar[str] = "kernels on the simulator"
    styles: ClassVar[tuple[str, ...]] = ("kernels/kernels.css",)
    script: ClassVar[str] = "kernels/kernels.js"

    def __init__(self, kernels: list[KernelProfile]):
        self.kernels = kernels

    def still(self) -> str:
        """For each kernel: its lines, its requests, and its way."""
        parts = "".join(map(self._kernel, self.kernels))
        return f'<div class="island" role="group" aria-label="{self.title}">{parts}</div>'

    def data(self) -> dict[str, Any]:
        """Nothing: all requests are in the still form, and the script only chooses."""
        return {}

    def _kernel(self, kernel: KernelProfile) -> str:
        facts = str(kernel).partition("\n")[2].replace("\n", " ·")
        rows = "".join(
            self._line(kernel, line)
            for line in kernel.lines
            if line.requests or line.shared_requests or line.splits
        )
        drawn = chosen(kernel.trace)
        worst = max(range(len(drawn)), key=lambda k: waste(drawn[k]), default=0)
        requests = "".join(self._request(kernel, k, one, k == worst) for k, one in enumerate(drawn))
        kept = (
            ""
            if kernel.traced <= len(kernel.trace)
            else f" (of its {kernel.traced:,} the first {len(kernel.trace)})"
        )
        head = (
            "<th>line</th><th>sectors, a request</th><th>turns, a request</th><th>splits</th><th>source</th>"
        )
        size = f"grid {kernel.grid}, block {kernel.block}"
        way = timeline(kernel) if kernel.trace else ""
        return (
            f'<section><div class="bar"><h3>{html.escape(kernel.name)}</h3><span class="facts">{size}</span>'
            f'<p>{html.escape(facts)}</p></div><div class="lines" tabindex="0"><table><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
            f'<div class="requests"><h4>requests of the first warp{kept}</h4><div class="pull"></div>{requests}</div>'
            f'<div class="way" tabindex="0"><h4>which lanes go together</h4>{way}</div></section>'
        )

    def _line(self, kernel: KernelProfile, line: LineCounters) -> str:
        sectors = bar(line.sectors, line.ideal_sectors, line.requests)
        turns = bar(line.wavefronts, line.ideal_wavefronts, line.shared_requests)
        source = html.escape(kernel.source(line.place).strip())
        return (
            f'<tr><td class="mono">{line.place.line}</td><td>{sectors}</td><td>{turns}</td><td>{line.splits or ""}</td>'
            f'<td class="mono source">{source}</td></tr>'
        )

    def _request(self, kernel: KernelProfile, k: int, one: Access, seen: bool) -> str:
        table = bank_table(one) if one.shared else sector_table(one)
        source = kernel.source(one.place).strip()
        hidden = "" if seen else " hidden"
        name = html.escape(
            f"line {one.place.line}: {one.kind} of {'shared memory' if one.shared else f'memory {one.memory}'}"
        )
        said = html.escape(sentence(one, source))
        return f'<div class="request" data-name="{name}"{hidden} tabindex="0"><p>{said}</p>{table}</div>'

    def __repr__(self) -> str:
        return "\n".join(f"<KernelView of {kernel}>" for kernel in self.kernels)


class FindingsView(Island):
    """What the checker found, each with its threads and lines; shows itself in Jupyter.

    Examples
    --------
    >>> from needle_edu.backend.cudasim.report import Facts
    >>> FindingsView(Report(lambda: Facts((), 0, {"add": 1}, {})))
    <FindingsView: the checker found nothing wrong>
    """

    view: ClassVar[str] = "findings"
    title: ClassVar[str] = "what the checker found"
    styles: ClassVar[tuple[str, ...]] = ("kernels/kernels.css",)
    script: ClassVar[str] = "kernels/kernels.js"

    def __init__(self, report: Report):
        self.report = report

    def still(self) -> str:
        """A card for each finding."""
        cards = "".join(map(self._finding, self.report))
        more = f'<p class="note">and {self.report.left_out} more</p>' if self.report.left_out else ""
        clean = "" if len(self.report) else f'<div class="bar"><h3>{html.escape(str(self.report))}</h3></div>'
        return f'<div class="island" role="group" aria-label="{self.title}">{clean}{cards}{more}</div>'

    def data(self) -> dict[str, Any]:
        """Nothing: all is in the still form."""
        return {}

    def _finding(self, one: Finding) -> str:
        times = f" · {one.count} times" if one.count > 1 else ""
        kernel = f" in {one.kernel}" if one.kernel else ""
        threads = "".join(
            f'<div class="thread {css}"><b>{who}</b><span>block {block}, thread {thread}</span>'
            f"<code>{place.line}: {html.escape(self.report.source(place).strip())}</code></div>"
            for css, who, place, block, thread in (
                ("first", "this thread", one.place, one.block, one.thread),
                ("other", "the other", one.other_place, one.other_block, one.other_thread),
            )
            if place is not None
        )
        return (
            f'<section class="finding"><div class="bar"><h3>{html.escape(one.kind + kernel)}</h3>'
            f'<span class="facts">{html.escape(str(one.place))}{times}</span></div>'
            f'<div class="body"><p>{html.escape(one.detail)}.</p>{threads}'
            f"<p>{KINDS.get(one.kind, '')}</p></div></section>"
        )

    def __repr__(self) -> str:
        return f"<FindingsView: {self.report}>"


def chosen(trace: list[Access]) -> list[Access]:
    """The first requests of each line, in the order of the warp."""
    count: dict[tuple, int] = {}
    found = []
    for one in trace:
        key = (one.place, one.kind, one.shared)
        count[key] = count.get(key, 0) + 1
        if one.kind != "block" and count[key] <= EACH:
            found.append(one)
    return found[:DRAWN]


def waste(one: Access) -> float:
    """How many times what would do a request costs."""
    return one.wavefronts / one.ideal_wavefronts if one.shared else len(one.sectors) / one.ideal_sectors


def bar(units: int, ideal: int, requests: int) -> str:
    """A bar of what each request costs, blue as far as it must be; 32 is all of its width."""
    if not requests:
        return ""
    each, least = units / requests, ideal / requests
    shares = f"--least:{100 * min(least / 32, 1):.1f}%;--all:{100 * min(each / 32, 1):.1f}%"
    return (
        f'<span class="cost" style="{shares}"></span>'
        f'<span class="{"bad" if units > ideal else ""}">{each:.3g}</span> of {least:.3g}'
    )
