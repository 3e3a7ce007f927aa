"""Messages drawn: a line for each worker, time to the right, and an arrow for each message with its bytes.

Beside it stands a table of the links, from whom to whom, with all bytes that went there. `print` gives both as text.
"""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from ..backend.files import whole_file
from .simulation import Message, SimulatedNetwork

STEP, ROW, LEFT, TOP = 96, 44, 74, 34  # pixels
STEPS, WORKERS = 24, 16  # as many are drawn
COLOURS = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#9a6700", "#0a7ea4", "#cf222e")


class MessagePicture:
    """A picture of the messages of a run: shown in a notebook, printed as text, or saved as .svg or .html.

    Examples
    --------
    >>> import numpy as np
    >>> network = SimulatedNetwork(2)
    >>> _ = network.run(lambda comm: comm.all_reduce(np.ones(4)))
    >>> print(MessagePicture(network))
    2 workers, 2 steps, 4 messages, 64 bytes
    step 1: 0→1 16 B, 1→0 16 B
    step 2: 0→1 16 B, 1→0 16 B
    links: 0→1 32 B, 1→0 32 B
    """

    def __init__(self, network: SimulatedNetwork):
        if not isinstance(network, SimulatedNetwork):
            raise TypeError(f"draw_messages: wanted a SimulatedNetwork, got {type(network).__name__}")
        self.workers, self.messages = network.workers, tuple(network.messages)
        self.links, self.steps = network.bytes_per_link, network.steps

    def __str__(self) -> str:
        lines = [self._title()]
        for step in range(1, min(self.steps, STEPS) + 1):
            sent = [f"{m.source}→{m.to} {size(m.bytes)}" for m in self.messages if m.step == step]
            lines.append(f"step {step}: {', '.join(sent)}")
        if self.steps > STEPS:
            lines.append(f"… {self.steps - STEPS} steps more")
        lines.append(
            "links: " + (", ".join(f"{a}→{b} {size(n)}" for (a, b), n in self.links.items()) or "none")
        )
        return "\n".join(lines)

    __repr__ = __str__

    def _title(self) -> str:
        total = sum(message.bytes for message in self.messages)
        return f"{self.workers} workers, {self.steps} steps, {len(self.messages)} messages, {total:,} bytes"

    @property
    def svg(self) -> str:
        """The picture as one SVG element."""
        rows, steps = min(self.workers, WORKERS), min(self.steps, STEPS)
        wide, high = LEFT + STEP * max(steps, 1) + 20, TOP + ROW * rows
        parts = [self._worker(rank, wide) for rank in range(rows)]
        parts += [
            f'<text x="{LEFT + STEP * (k + 0.5):.0f}" y="16" text-anchor="middle" class="quiet">step {k + 1}</text>'
            for k in range(steps)
        ]
        shown = [m for m in self.messages if m.step <= steps and max(m.source, m.to) < rows]
        parts += [_arrow(message) for message in shown]
        if len(shown) < len(self.messages):
            parts.append(
                f'<text x="{LEFT}" y="{high - 4}" class="quiet">{len(self.messages) - len(shown)} messages more</text>'
            )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" '
            f'role="img" aria-label="{html.escape(str(self))}" font-family="sans-serif" font-size="12" '
            'fill="currentColor"><style>.quiet { opacity: 0.7 }</style>'
            f"{''.join(parts)}</svg>"
        )

    def _worker(self, rank: int, wide: int) -> str:
        y = _height(rank)
        return (
            f'<text x="4" y="{y + 4}">worker {rank}</text>'
            f'<path d="M{LEFT} {y}H{wide - 10}" stroke="currentColor" stroke-opacity="0.35"/>'
        )

    @property
    def html(self) -> str:
        """The picture and the table of links."""
        rows = "".join(
            f"<tr><td>{a} → {b}</td><td style='text-align:right'>{size(n)}</td></tr>"
            for (a, b), n in list(self.links.items())[:64]
        )
        return (
            f"<figure style='margin:0'><figcaption>{self._title()}</figcaption>{self.svg}"
            f"<details><summary>bytes per link</summary><table><tr><th>link</th><th>bytes</th></tr>{rows}</table>"
            "</details></figure>"
        )

    def _repr_html_(self) -> str:
        return self.html

    def save(self, path: str | Path) -> Path:
        """Write the picture as .svg or .html.

        Raises
        ------
        ValueError
            If the name ends otherwise.
        """
        path = Path(path)
        if path.suffix not in (".svg", ".html"):
            raise ValueError(f"save: the name of a picture ends in .svg or .html, got {path.name!r}")
        with whole_file(path, encoding="utf-8") as file:
            file.write(
                self.svg if path.suffix == ".svg" else f"<!DOCTYPE html><meta charset='utf-8'>{self.html}"
            )
        return path


def draw_messages(network: Any) -> MessagePicture:
    """A picture of the messages that the last run of a simulated network has sent, step by step, with their bytes.

    Parameters
    ----------
    network : SimulatedNetwork

    Returns
    -------
    MessagePicture
        Shown in a notebook; `print` it for text, `.save("ring.svg")` for a file.

    Examples
    --------
    >>> import numpy as np
    >>> from needle_edu.distributed import tree_all_reduce
    >>> network = SimulatedNetwork(4)
    >>> _ = network.run(lambda comm: tree_all_reduce(comm, np.ones(100)))
    >>> print(draw_messages(network))
    4 workers, 4 steps, 6 messages, 4,800 bytes
    step 1: 1→0 800 B, 3→2 800 B
    step 2: 2→0 800 B
    step 3: 0→2 800 B
    step 4: 0→1 800 B, 2→3 800 B
    links: 0→1 800 B, 0→2 800 B, 1→0 800 B, 2→0 800 B, 2→3 800 B, 3→2 800 B
    """
    return MessagePicture(network)


def size(number: int) -> str:
    """Bytes as one reads them.

    Examples
    --------
    >>> size(800), size(4_000_000)
    ('800 B', '4 MB')
    """
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return f"{number} B"


def _height(rank: int) -> int:
    return TOP + ROW * rank + ROW // 2 - 8


def _arrow(message: Message) -> str:
    """From the sender's line to the receiver's, within the message's step; the bytes stand at its beginning."""
    x1, y1 = LEFT + STEP * (message.step - 1) + 12, _height(message.source)
    x2, y2 = LEFT + STEP * message.step - 12, _height(message.to)
    colour = COLOURS[message.source % len(COLOURS)]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    head = (
        f"{x2:.0f},{y2:.0f} {x2 - 9 * ux + 4 * uy:.1f},{y2 - 9 * uy - 4 * ux:.1f} "
        f"{x2 - 9 * ux - 4 * uy:.1f},{y2 - 9 * uy + 4 * ux:.1f}"
    )
    said = f"{size(message.bytes)}"
    below = 12 if y2 < y1 else -4  # beside the arrow, not on it
    return (
        f'<g fill="{colour}" stroke="{colour}"><title>step {message.step}: worker {message.source} to '
        f'{message.to}, {message.bytes:,} bytes</title><path d="M{x1} {y1}L{x2} {y2}" fill="none"/>'
        f'<polygon points="{head}"/><text x="{x1 + 2}" y="{y1 + below}" font-size="10" stroke="none">{said}</text></g>'
    )
