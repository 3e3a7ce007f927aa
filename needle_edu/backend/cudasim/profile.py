"""What kernels cost, as the simulator models it: memory traffic, bank conflicts, divergence and operations by line.

    profile = simulator.profile()
    assert profile["transpose"].coalescing >= 0.9 and profile["transpose"].bank_conflicts == 0
    print(profile.listing())

These are modelled counters: they follow from the source and the rules of the hardware (sectors of 32 bytes, 32 banks of
4), not from a card. nvcc may merge, unroll or predicate what stands in the source, and caches are not modelled.
"""

import html
from dataclasses import dataclass, field
from typing import Any

from .flops import flops_of_blocks
from .places import Place, find_places
from .report import RED, short, source_line
from .trace import Access, read_trace

_EVENTS = ("load", "store", "atomic")


@dataclass
class LineCounters:
    """What one line of the source costs in all launches of a kernel; each counts requests of whole warps.

    ``sectors`` and ``ideal_sectors``: of 32 bytes of global memory, and how few would do for as many bytes.
    ``wavefronts`` and ``ideal_wavefronts``: turns of shared memory, and how few without bank conflicts.
    ``splits``: how often the lanes of a warp parted here.
    """

    place: Place
    requests: int = 0
    sectors: int = 0
    ideal_sectors: int = 0
    shared_requests: int = 0
    wavefronts: int = 0
    ideal_wavefronts: int = 0
    splits: int = 0
    flops: int = 0
    kinds: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        parts = []
        if self.requests:
            share = self.ideal_sectors / self.sectors
            parts.append(f"{self.requests} requests, {self.sectors} sectors, {share:.0%} coalesced")
        if self.shared_requests:
            more = f"{self.wavefronts / self.ideal_wavefronts:.1f}-way conflict"
            conflict = more if self.wavefronts > self.ideal_wavefronts else "no conflict"
            parts.append(f"{self.shared_requests} shared requests, {self.wavefronts} wavefronts, {conflict}")
        if self.splits:
            parts.append(f"the warp divides {self.splits} times")
        if self.flops:
            parts.append(f"{self.flops} flops")
        return "; ".join(parts)


class KernelProfile:
    """The counters of one kernel, summed over its launches and lines.

    Attributes
    ----------
    name : str
    launches, threads, warps : int
    grid, block : tuple of int
        Of the last launch.
    shared : int
        Bytes of shared memory of a block.
    lines : list of LineCounters
        In the order of the source.
    trace : list of Access
        What the first warp did, as far as it was kept; `traced` is how much there was.
    """

    def __init__(
        self,
        name: str,
        facts: dict[str, Any],
        lines: list[LineCounters],
        trace: list[Access],
        flops: int | None,
        bytes_: int,
        texts: dict[str, str],
    ):
        self.name, self.lines, self._flops, self.bytes = name, lines, flops, bytes_
        self.launches, self.threads, self.warps = facts["launches"], facts["threads"], facts["warps"]
        self.grid, self.block, self.shared = tuple(facts["grid"]), tuple(facts["block"]), facts["shared"]
        self.trace, self.traced = trace, facts["trace"]["seen"]
        self._texts = texts

    def _sum(self, what: str) -> int:
        return sum(getattr(line, what) for line in self.lines)

    requests = property(lambda self: self._sum("requests"), doc="Of global memory: instructions of warps.")
    sectors = property(lambda self: self._sum("sectors"), doc="Sectors of 32 bytes that these move.")
    shared_requests = property(lambda self: self._sum("shared_requests"), doc="Of shared memory.")
    wavefronts = property(lambda self: self._sum("wavefronts"), doc="Turns of shared memory that these take.")
    splits = property(lambda self: self._sum("splits"), doc="How often the lanes of a warp parted.")

    @property
    def coalescing(self) -> float:
        """The share of the moved bytes that a perfect order of the same requests would have moved; 1 is perfect."""
        return self._sum("ideal_sectors") / self.sectors if self.sectors else 1.0

    @property
    def bank_conflicts(self) -> int:
        """Turns of shared memory that would not be needed if no two lanes wanted one bank."""
        return self.wavefronts - self._sum("ideal_wavefronts")

    @property
    def moved_bytes(self) -> int:
        """Bytes of global memory that the sectors are."""
        return 32 * self.sectors

    @property
    def flops(self) -> int:
        """Floating-point operations.

        Raises
        ------
        ValueError
            They are not counted on this processor: only x86-64's machine code can be read.
        """
        if self._flops is None:
            raise ValueError("flops are not counted here: that needs x86-64 and objdump (package binutils)")
        return self._flops

    @property
    def intensity(self) -> float:
        """Operations for each byte moved, the place on a roofline; infinite if nothing is moved."""
        return self.flops / self.moved_bytes if self.moved_bytes else float("inf") if self.flops else 0.0

    def source(self, place: Place) -> str:
        """The text of a line of the source; "" if it is not known."""
        return source_line(place, self._texts)

    def occupancy(self, threads: int = 2048, blocks: int = 32, shared: int = 228 << 10) -> float:
        """Return which share of a multiprocessor's threads this block size can keep busy, registers not considered.

        Parameters
        ----------
        threads, blocks, shared : int
            What one multiprocessor has: threads, blocks and bytes of shared memory; the defaults are Hopper's. CUDA
            takes 1 KiB of shared memory for itself in each block.
        """
        warps = -(-self.block[0] * self.block[1] * self.block[2] // 32)
        fitting = min(blocks, threads // (32 * warps), shared // (self.shared + 1024))
        return fitting * warps * 32 / threads

    def __str__(self) -> str:
        launches = "1 launch" if self.launches == 1 else f"{self.launches} launches"
        facts = [
            f"{self.name}: {launches}, grid {self.grid}, block {self.block}",
            f"  global memory: {self.requests} requests, {self.sectors} sectors, coalescing {self.coalescing:.1%}",
        ]
        if self.shared_requests:
            facts.append(
                f"  shared memory: {self.shared_requests} requests, {self.wavefronts} wavefronts, "
                f"{self.bank_conflicts} of them bank conflicts"
            )
        flops = (
            "not counted"
            if self._flops is None
            else f"{self._flops}, {self.intensity:.2f} for each byte moved"
        )
        facts += [
            f"  warps divide {self.splits} times; flops: {flops}",
            f"  occupancy {self.occupancy():.0%}",
        ]
        return "\n".join(facts)

    __repr__ = __str__


class Profile(dict[str, KernelProfile]):
    """The kernels that ran, by name.

    ``lost`` counts what did not fit into the logs (a lane keeps 262,144 entries between two barriers): above 0 the
    counters are too low.
    """

    def __init__(self, kernels: dict[str, KernelProfile], lost: int, texts: dict[str, str]):
        super().__init__(kernels)
        self.lost, self._texts = lost, texts

    def __missing__(self, kernel: str) -> KernelProfile:
        alike = [one for one in self if one.partition("<")[0].strip() == kernel]  # k is k<float>, too
        if len(alike) != 1:
            raise KeyError(f"no kernel {kernel!r} was profiled; there are {', '.join(self) or 'none'}")
        return self[alike[0]]

    def keep(self, now: "Profile") -> None:
        """Take over what another profile has."""
        self.update(now)
        self.lost, self._texts = now.lost, now._texts

    def __str__(self) -> str:
        return (
            "\n".join(map(str, self.values())) or "nothing was counted: no kernel has run under the profiler"
        )

    __repr__ = __str__

    def listing(self) -> str:
        """Return the source with the counters of each line below it, kernel by kernel."""
        out = []
        for kernel in self.values():
            out.append(str(kernel))
            for line in kernel.lines:
                out += [f"{line.place.line:5} | {self._source(line.place)}", f"      ^ {line}"]
        return "\n".join(out)

    def to_html(self) -> str:
        """Return the listing as HTML, a table for each kernel; what is costly is red."""
        return "".join(self._table(kernel) for kernel in self.values())

    def _table(self, kernel: KernelProfile) -> str:
        rows = []
        for line in kernel.lines:
            costly = line.sectors > 2 * line.ideal_sectors or line.wavefronts > line.ideal_wavefronts
            cells = [str(line.place.line), self._source(line.place).strip(), str(line)]
            red = f"; color: {RED}" if costly else ""
            texts = "".join(
                f'<td style="text-align: left; white-space: pre"><code>{html.escape(cell)}</code></td>'
                for cell in cells[:2]
            )
            rows.append(f'<tr>{texts}<td style="text-align: left{red}">{html.escape(cells[2])}</td></tr>')
        caption = html.escape(str(kernel)).replace("\n", "<br>")
        titles = ("line", "source", "modelled counters")
        head = "".join(f'<th style="text-align: left">{title}</th>' for title in titles)
        return f'<table><caption style="text-align: left">{caption}</caption><tr>{head}</tr>{"".join(rows)}</table>'

    _repr_html_ = to_html

    def _source(self, place: Place) -> str:
        return source_line(place, self._texts)


def read_profile(data: dict[str, Any], texts: dict[str, str]) -> Profile:
    """Return the profile of what `cudasim_counters` says; `texts` has the sources that are no files."""
    rows = [row for kernel in data["kernels"] for row in rows_of(kernel)]
    places = find_places(tuple(row["place"]) for row in rows)
    kernels = {kernel["kernel"]: _kernel(kernel, places, texts) for kernel in data["kernels"]}
    return Profile(kernels, data["lost"], texts)


def rows_of(kernel: dict[str, Any]) -> list[dict[str, Any]]:
    """All that has a place in the program."""
    return [*kernel["memory"], *kernel["blocks"], *kernel["trace"]["requests"]]


def _kernel(
    data: dict[str, Any], places: dict[tuple[str, int], Place], texts: dict[str, str]
) -> KernelProfile:
    lines: dict[tuple[str, int], LineCounters] = {}

    def line(row: dict[str, Any]) -> LineCounters:
        place = short(places[tuple(row["place"])], texts)
        return lines.setdefault(place[:2], LineCounters(place))

    for row in data["memory"]:
        counters = line(row)
        counters.kinds.add(_EVENTS[row["event"]])
        if row["shared"]:
            counters.shared_requests += row["requests"]
            counters.wavefronts += row["units"]
            counters.ideal_wavefronts += row["ideal"]
        else:
            counters.requests += row["requests"]
            counters.sectors += row["units"]
            counters.ideal_sectors += row["ideal"]
    flops: int | None = 0
    for row in data["blocks"]:
        counted = flops_of_blocks(row["place"][0])
        counters = line(row)
        counters.splits += row["splits"]
        if counted is None or flops is None:
            flops = None
            continue
        mine = counted.get(row["place"][1], 0) * row["lanes"]
        counters.flops += mine
        flops += mine
    told = [one for _, one in sorted(lines.items()) if str(one)]
    trace = read_trace(data["trace"]["requests"], lambda row: short(places[tuple(row["place"])], texts))
    return KernelProfile(
        data["kernel"], data, told, trace, flops, sum(row["bytes"] for row in data["memory"]), texts
    )
