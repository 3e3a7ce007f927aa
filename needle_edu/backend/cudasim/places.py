"""From an address in a library to the line of the source: what `addr2line` of the binutils knows."""

import re
import shutil
import subprocess
from collections.abc import Iterable
from typing import NamedTuple

from .build import HOW_TO_GET_GXX, include_dir

_REMARK = re.compile(r" \(discriminator \d+\)$")


class Place(NamedTuple):
    """A line of the student's source; line 0 if it is not known."""

    file: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


def find_places(addresses: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Place]:
    """Return the place of each (library, offset), where the offset is that of a call's return address.

    One run of addr2line for each library. Of functions that were inlined, the place is the innermost that is not in the
    simulator's own headers.
    """
    places = {}
    by_library: dict[str, list[int]] = {}
    for library, offset in dict.fromkeys(addresses):
        by_library.setdefault(library, []).append(offset)
    for library, offsets in by_library.items():
        for offset, place in zip(offsets, _ask(library, offsets), strict=True):
            places[library, offset] = place
    return places


def _ask(library: str, offsets: list[int]) -> list[Place]:
    if not shutil.which("addr2line"):
        return [Place(f"addr2line was not found, so the line is unknown. {HOW_TO_GET_GXX}", 0)] * len(offsets)
    command = ["addr2line", "-a", "-i", "-C", "-f", "-e", library, *(hex(offset - 1) for offset in offsets)]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    own = str(include_dir())
    answers: list[list[Place]] = []
    lines = iter(said.splitlines())
    for line in lines:
        if line.startswith("0x"):
            answers.append([])
            continue
        file, _, number = _REMARK.sub("", next(lines, "??:0")).rpartition(":")
        answers[-1].append(Place(file, int(number) if number.isdigit() else 0, line))
    return [next((place for place in one if not place.file.startswith(own)), one[0]) for one in answers]
