"""What the first warp of a kernel did, request by request: which lane touched which address, which lanes went together.

The profiler's counters are sums over all warps; this is one warp, the first of the first block of the first launch, as
far as it was kept. Pictures are drawn from it (`viz.kernel`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .places import Place

LANES, BANKS, SECTOR = 32, 32, 32  # lanes of a warp; banks of 4 bytes; bytes of a sector
KINDS = ("load", "store", "atomic", "block")


@dataclass(frozen=True)
class Access:
    """One instruction of the warp.

    Attributes
    ----------
    place : Place
        The line of the source.
    kind : {"load", "store", "atomic", "block"}
        "block": lanes enter a basic block together, and touch nothing.
    shared : bool
        Shared memory, else global memory.
    bytes : int
        That each lane touches.
    lanes : tuple of int
        The lanes that go together.
    memory : int
        Number of the allocation, counted in the order in which this warp came to them; 0 for shared memory.
    addresses : tuple of int
        For each of `lanes`, bytes from where the allocation, or the shared memory, begins.

    Examples
    --------
    >>> row = Access(Place("cell.cu", 3), "load", False, 4, (0, 1, 2), 1, (0, 4, 8))
    >>> row.sectors, row.ideal_sectors
    ((0,), 1)
    """

    place: Place
    kind: str
    shared: bool
    bytes: int
    lanes: tuple[int, ...]
    memory: int
    addresses: tuple[int, ...]

    @property
    def sectors(self) -> tuple[int, ...]:
        """The sectors of global memory that are touched, by number."""
        touched = {s for a in self.addresses for s in range(a // SECTOR, (a + self.bytes - 1) // SECTOR + 1)}
        return tuple(sorted(touched))

    @property
    def ideal_sectors(self) -> int:
        """How few would do for as many bytes."""
        return -(-len(self.lanes) * self.bytes // SECTOR)

    @property
    def turns(self) -> tuple[dict[int, set[int]], ...]:
        """Of shared memory, for each group of lanes that is served together the words wanted from each bank.

        The group takes as many turns (wavefronts) as the fullest bank has words.
        """
        group = 32 if self.bytes <= 4 else 16 if self.bytes == 8 else 8
        groups: dict[int, dict[int, set[int]]] = {}
        for lane, address in zip(self.lanes, self.addresses, strict=True):
            banks = groups.setdefault(lane // group, {})
            for word in range(address // 4, (address + self.bytes - 1) // 4 + 1):
                banks.setdefault(word % BANKS, set()).add(word)
        return tuple(groups[k] for k in sorted(groups))

    @property
    def wavefronts(self) -> int:
        """How many turns of shared memory it takes."""
        return sum(max(map(len, banks.values())) for banks in self.turns)

    @property
    def ideal_wavefronts(self) -> int:
        """How many without bank conflicts."""
        return len(self.turns)


def read_trace(rows: list[dict[str, Any]], place: Callable[[dict[str, Any]], Place]) -> list[Access]:
    """What `cudasim_counters` says of the warp; `place(row)` is the line of a row."""
    numbers: dict[int, int] = {}
    found = []
    for row in rows:
        lanes = tuple(lane for lane in range(LANES) if row["lanes"] >> lane & 1)
        memory = 0 if row["shared"] or not row["at"] else numbers.setdefault(row["memory"], len(numbers) + 1)
        addresses = tuple(row["at"][lane] for lane in lanes) if row["at"] else ()
        kind = KINDS[row["event"]]
        found.append(Access(place(row), kind, bool(row["shared"]), row["bytes"], lanes, memory, addresses))
    return found
