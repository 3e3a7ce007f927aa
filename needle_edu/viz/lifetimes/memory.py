"""`viz.memory`: which arrays a recorded run held at each moment, what holds them, and where the peak is."""

from __future__ import annotations

import html
from typing import Any, ClassVar

import numpy as np

from needle_edu.backend import NeedleError
from needle_edu.graph import Graph
from needle_edu.viz.island import Island
from needle_edu.viz.lifetimes.blocks import ROLES, Block
from needle_edu.viz.lifetimes.curve import LEFT, WIDE, backward_events, curve, size_text
from needle_edu.viz.tape import Tape

MOMENTS = 400  # that the slider stops at
LISTED = 12  # blocks of a moment that are named
KEPT = 1500  # blocks that the page knows: the largest


class Memory(Island):
    """The memory of a recorded run; shows itself in Jupyter.

    Attributes
    ----------
    peak : int
        Bytes at the worst moment.
    peak_event : int
        That moment: a place in `tape.events`.
    totals : numpy.ndarray of int, (events, 5)
        Bytes after each event: of parameters, data, activations, adjoints and gradients.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([1.0, 2.0])
    >>> with ndl.viz.record() as tape:
    ...     (x * x).sum().backward()
    >>> ndl.viz.memory(tape)
    <Memory of 16 events: peak 40 B in the backward pass (what multiply v1 adds to x): 6 blocks; 16 B at the end>
    """

    view: ClassVar[str] = "memory"
    title: ClassVar[str] = "the memory of a run"
    styles: ClassVar[tuple[str, ...]] = ("lifetimes/memory.css",)
    script: ClassVar[str] = "lifetimes/memory.js"

    def __init__(self, tape: Tape):
        self._events = tape.events[: tape.blocks.now + 1]
        self._graph: Graph = tape.graph()
        self._blocks = tape.blocks.all
        self._full = tape.full
        self.totals = tape.blocks.totals()
        sums = self.totals.sum(1)
        self.peak_event = int(sums.argmax())
        self.peak = int(sums[self.peak_event])
        self._backward = backward_events(self._events)
        self._users: dict[int, list[int]] = {}
        for edge in self._graph.edges:
            self._users.setdefault(edge.source, []).append(edge.target)

    def alive(self, moment: int) -> list[Block]:
        """The blocks that are there after event number `moment`, the largest first."""
        return sorted((b for b in self._blocks if b.alive(moment)), key=lambda b: -b.nbytes)

    def holders(self, block: Block) -> str:
        """What a block is there for, in words: the values in it, and which operations want them."""
        said = []
        for value, kind in list(block.values.items())[:3]:
            if kind == "leaf":
                said.append(f".grad of {self._label(value)}")
            elif kind in ("created", "computed"):
                users = [self._label(user) for user in self._users.get(value, ())]
                wanted = (
                    f", an operand of {', '.join(users[:2])}{' …' if len(users) > 2 else ''}" if users else ""
                )
                said.append(self._told(value) + wanted)
            else:
                said.append(f"adjoint of {self._label(value)}")
        more = len(block.values) - len(said)
        return "; ".join(said) + (f"; and {more} more" if more > 0 else "")

    def what(self, moment: int) -> str:
        """An event in words."""
        event = self._events[moment]
        label = self._label(event.value)
        by = self._label(event.node) if event.node is not None else ""
        return {
            "created": f"{self._told(event.value)} is made",
            "computed": f"{self._told(event.value)} is there",
            "seeded": f"backward begins at {label}",
            "vjp": f"what {event.op} {by} adds to {label}",
            "accumulated": f"it is added to the adjoint of {label}",
            "leaf": f"{label}.grad is written",
            "freed": f"{label} is given up",
        }[event.kind]

    def _label(self, value: int) -> str:
        node = self._graph.nodes.get(value)
        return node.label if node is not None else "a value from before"

    def _told(self, value: int) -> str:
        node = self._graph.nodes.get(value)
        if node is None or node.op is None:
            return self._label(value)
        module = f" in {node.module}" if node.module else ""
        line = f", line {node.source[1]}" if node.source else ""
        return f"{node.label} = {node.op}{module}{line}"

    def still(self) -> str:
        """The curve, and what is held at the peak."""
        phase = "backward" if self._backward[self.peak_event] else "forward"
        full = f"<p>The recording stopped after {len(self._events):,} events.</p>" if self._full else ""
        drawn = curve(self.totals, self.moments(), self._backward)
        keys = "".join(f'<span class="role{k}">{name}</span>' for k, name in enumerate(ROLES))
        return (
            '<div class="island" role="group" aria-label="memory of a run"><div class="bar"><h3>memory of the run</h3>'
            f'<span class="peak">peak {size_text(self.peak)} in the {phase} pass</span>'
            f'<span class="cause">{html.escape(self.what(self.peak_event))}</span></div>'
            f'<div class="chart-box">{drawn}<div class="pull"></div><div class="keys">{keys}</div>{full}</div>'
            f'<div class="moment" aria-live="polite">{self._moment(self.peak_event)}</div></div>'
        )

    def _moment(self, moment: int) -> str:
        """What is held after one event."""
        held = self.alive(moment)
        rows = "".join(
            f'<tr><td class="mono">{size_text(b.nbytes)}</td><td><i class="role{b.role}"></i>{ROLES[b.role]}</td>'
            f"<td>{html.escape(self.holders(b))}</td></tr>"
            for b in held[:LISTED]
        )
        more = f"and {len(held) - LISTED} smaller ones" if len(held) > LISTED else ""
        where = f"event {moment + 1} of {len(self._events)}"
        total = size_text(int(self.totals[moment].sum()))
        return (
            f'<h4><span class="at">{where}: {html.escape(self.what(moment))}</span> '
            f'<span class="sum">{total}</span></h4><table><thead><tr><th>size</th><th>what</th><th>what holds it</th>'
            f'</tr></thead><tbody>{rows}</tbody></table><p class="more">{more}</p>'
        )

    def moments(self) -> list[int]:
        """The events that the slider stops at: all, or of each stretch the one with the most memory."""
        sums = self.totals.sum(1)
        count = len(sums)
        if count <= MOMENTS:
            return list(range(count))
        ends = np.linspace(0, count, MOMENTS + 1).astype(int)
        return [int(a + sums[a:b].argmax()) for a, b in zip(ends[:-1], ends[1:], strict=True)]

    def data(self) -> dict[str, Any]:
        """The moments in words, and the largest blocks."""
        moments = self.moments()
        blocks = sorted(self._blocks, key=lambda b: -b.nbytes)[:KEPT]
        return {
            "moments": [[m, self.what(m), int(self.totals[m].sum())] for m in moments],
            "blocks": [
                [b.nbytes, b.begin, len(self._events) if b.end is None else b.end, b.role, self.holders(b)]
                for b in blocks
            ],
            "peak": moments.index(self.peak_event),
            "events": len(self._events),
            "roles": list(ROLES),
            "listed": LISTED,
            "left": LEFT,
            "wide": WIDE - 8 - LEFT,
        }

    def __repr__(self) -> str:
        phase = "backward" if self._backward[self.peak_event] else "forward"
        end = size_text(int(self.totals[-1].sum()))
        return (
            f"<Memory of {len(self._events)} events: peak {size_text(self.peak)} in the {phase} pass "
            f"({self.what(self.peak_event)}): {len(self.alive(self.peak_event))} blocks; {end} at the end>"
        )


def memory(tape: Tape) -> Memory:
    """Show which arrays a recorded run held, when, and what holds them.

    What is counted is the memory of the arrays that the events told of, each block once, from when it was first seen
    until it was given back: a view lies in another's memory and takes none. What an operation needs only while it
    computes is not seen, nor is what an optimiser remembers.

    Parameters
    ----------
    tape : Tape
        From ``with viz.record() as tape: ...``.

    Returns
    -------
    Memory

    Raises
    ------
    TypeError
        No tape.
    NeedleError
        Nothing was recorded.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([1.0, 2.0])
    >>> with ndl.viz.record() as tape:
    ...     y = x * x
    >>> ndl.viz.memory(tape).peak
    16
    """
    if not isinstance(tape, Tape):
        raise TypeError(
            f"viz.memory: wanted a tape, from `with viz.record() as tape:`, got {type(tape).__name__}"
        )
    if not tape.blocks.all:
        raise NeedleError(
            "viz.memory: nothing was recorded that takes memory; compute inside `with viz.record() as tape:`"
        )
    return Memory(tape)
