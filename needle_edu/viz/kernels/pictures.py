"""One warp's requests as pictures: sectors of global memory, banks of shared memory, and which lanes went together.

Each lane has a colour, from the first to the last. So consecutive lanes that touch consecutive addresses make a smooth
row, and a stride is seen as a column of sectors of which a single word is used.
"""

from __future__ import annotations

from needle_edu.backend.cudasim.profile import KernelProfile
from needle_edu.backend.cudasim.trace import BANKS, LANES, SECTOR, Access

WORDS = SECTOR // 4
HUES = 300  # degrees of the colour circle from lane 0 to lane 31
VERB = {"load": "loads", "store": "stores", "atomic": "updates"}


def sentence(access: Access, line: str) -> str:
    """A request in words."""
    lanes = f"{len(access.lanes)} lane{'' if len(access.lanes) == 1 else 's'}"
    verb = VERB[access.kind] if len(access.lanes) == 1 else VERB[access.kind].removesuffix("s")
    start = f"{lanes} {verb} {access.bytes} byte{'' if access.bytes == 1 else 's'} each"
    if access.shared:
        turns, fewest = access.wavefronts, access.ideal_wavefronts
        cost = (
            "no bank conflict"
            if turns == fewest
            else f"{turns} turns, where {fewest} would do without conflicts"
        )
        what = "shared memory"
    else:
        moved, fewest = len(access.sectors), access.ideal_sectors
        cost = f"{moved} sectors of {SECTOR} bytes" + (
            "" if moved == fewest else f", where {fewest} would do"
        )
        what = f"memory {access.memory}"
    return f"{start}, {what}: {cost}" + (f" — {line}" if line else "")


def cells_of(access: Access) -> dict[int, list[int]]:
    """The lanes that touch each word of 4 bytes."""
    found: dict[int, list[int]] = {}
    for lane, address in zip(access.lanes, access.addresses, strict=True):
        for word in range(address // 4, (address + access.bytes - 1) // 4 + 1):
            found.setdefault(word, []).append(lane)
    return found


def sector_table(access: Access) -> str:
    """A row for each sector that moves, with a cell for each of its 8 words: used ones have their lanes' colour."""
    cells = cells_of(access)
    rows = []
    for sector in access.sectors:
        words = range(sector * WORDS, (sector + 1) * WORDS)
        row = "".join(_cell(cells.get(word, ()), f"byte {4 * word}") for word in words)
        rows.append(f"<tr><th>{sector * SECTOR}</th>{row}</tr>")
    head = f'<th>byte</th><th colspan="{WORDS}">a sector: 8 words of 4 bytes</th>'
    return f'<table class="sectors"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def bank_table(access: Access) -> str:
    """A column for each bank, a row for each turn: lanes whose words are in one bank wait for each other."""
    cells = cells_of(access)
    rows, number = [], 0
    for banks in access.turns:
        for turn in range(max(map(len, banks.values()))):
            number += 1
            row = []
            for bank in range(BANKS):
                words = sorted(banks.get(bank, ()))
                late = " late" if turn else ""
                row.append(
                    _cell(cells[words[turn]], f"bank {bank}, word {words[turn]}", late)
                    if turn < len(words)
                    else '<td class="unused"></td>'
                )
            rows.append(f"<tr><th>turn {number}</th>{''.join(row)}</tr>")
    head = "".join(f"<th>{bank}</th>" for bank in range(BANKS))
    return f'<table class="banks"><thead><tr><th>bank</th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _cell(lanes, where: str, also: str = "") -> str:
    if not lanes:
        return f'<td class="unused" title="{where}: nobody wants it"></td>'
    first, last = min(lanes), max(lanes)
    hue = round(HUES * first / (LANES - 1))
    text = str(first) if first == last else f"{first}–{last}" if len(lanes) < LANES else "all"
    return f'<td class="lane{also}" style="--h:{hue}" title="{where}: lane {", ".join(map(str, lanes))}">{text}</td>'


def timeline(kernel: KernelProfile, limit: int = 160) -> str:
    """Lanes from top to bottom, what the warp does from left to right; who waits elsewhere is pale."""
    path = kernel.trace[:limit]
    wide = max(3.0, min(14.0, 720 / max(len(path), 1)))
    high, left, top = 5, 54, 4
    parts = []
    for k, access in enumerate(path):
        kind = "blocks" if access.kind == "block" else "memory"
        what = f"line {access.place.line}: {access.kind}, {len(access.lanes)} lanes"
        for begin, end in stretches(access.lanes):
            box = f'x="{left + k * wide:.1f}" y="{top + begin * high}" width="{max(wide - 0.6, 1):.1f}"'
            parts.append(
                f'<rect class="{kind}" {box} height="{(end - begin) * high}"><title>{what}</title></rect>'
            )
    width, height, length = left + len(path) * wide + 8, top + LANES * high + 4, len(path) * wide
    divided = sum(len(access.lanes) < len(kernel.trace[0].lanes) for access in path)
    spoken = f"{len(path)} instructions of the first warp; in {divided} of them not all lanes take part"
    return (
        f'<svg class="chart timeline" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" height="{height}" '
        f'role="img" aria-label="{spoken}">'
        f'<rect class="all" x="{left}" y="{top}" width="{length:.1f}" height="{LANES * high}"/>{"".join(parts)}'
        f'<text x="{left - 6}" y="{top + 9}" text-anchor="end">lane 0</text>'
        f'<text x="{left - 6}" y="{top + LANES * high}" text-anchor="end">lane 31</text></svg><p>{spoken}</p>'
        '<p class="keys"><span class="memory">an access to memory</span>'
        '<span class="blocks">a stretch of the program without branches begins</span></p>'
    )


def stretches(lanes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Neighbouring lanes as (first, one behind the last).

    Examples
    --------
    >>> stretches((0, 1, 2, 5, 7, 8))
    [(0, 3), (5, 6), (7, 9)]
    """
    found: list[tuple[int, int]] = []
    for lane in lanes:
        if found and found[-1][1] == lane:
            found[-1] = found[-1][0], lane + 1
        else:
            found.append((lane, lane + 1))
    return found
