"""Overlays: one number per node as the colour of its card, and the legend that says what the colours mean.

Numbers of a graph differ by powers of ten, so the six steps from light to dark are equal on the logarithmic scale.
What is not finite is red, whatever its size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from needle_edu.graph import Graph, Node, Snapshot
from needle_edu.graph.boxes import Box
from needle_edu.nn.flops import flops
from needle_edu.viz.text import number

STEPS = 6
LEGEND_HEIGHT = 44.0
PREFIXES = ("", "k", "M", "G", "T", "P")


def magnitude(snap: Snapshot | None) -> float:
    """The largest absolute value of an array; nan or inf if not all are finite.

    Examples
    --------
    >>> import numpy as np
    >>> from needle_edu.graph import take_snapshot
    >>> magnitude(take_snapshot(np.array([1.0, -4.0])))
    4.0
    """
    if snap is None or snap.parts:
        return max([magnitude(part) for part in snap.parts], default=0.0) if snap else 0.0
    return max(abs(snap.low), abs(snap.high)) if snap.size else 0.0


def bytes_text(count: float) -> str:
    """A number of bytes for people.

    Examples
    --------
    >>> bytes_text(12), bytes_text(4096), bytes_text(3_000_000)
    ('12 B', '4.1 kB', '3 MB')
    """
    return scaled(count) + "B"


def scaled(count: float) -> str:
    """A count with a prefix: 2.5 M is 2,500,000."""
    power = min(int(math.log10(count) // 3), len(PREFIXES) - 1) if count >= 1000 else 0
    return f"{count / 1000**power:.3g} {PREFIXES[power]}" if power else f"{number(count)} "


def time_text(nanoseconds: float) -> str:
    """A time for people.

    Examples
    --------
    >>> time_text(1500), time_text(2_500_000)
    ('1.5 µs', '2.5 ms')
    """
    return f"{nanoseconds / 1e6:.3g} ms" if nanoseconds >= 1e6 else f"{nanoseconds / 1e3:.3g} µs"


def _flops_of(graph: Graph) -> Callable[[Node], float]:
    inputs: dict[int, list[tuple]] = {}
    for edge in graph.edges:
        inputs.setdefault(edge.target, []).append(graph.nodes[edge.source].shape)

    def count(node: Node) -> float:
        return (
            0.0 if node.op is None else float(flops(node.op, dict(node.attrs), inputs[node.id], node.shape))
        )

    return count


class Overlay:
    """One number for every node and box.

    Attributes
    ----------
    name : str
        "value", "grad", "time", "memory" or "flops".
    low, high : float
        The smallest and the largest finite number above 0.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> graph = ndl.graph.graph_of((ndl.Tensor([1.0]) * 1000).tanh())
    >>> overlay = Overlay(graph, "value")
    >>> [overlay.step(node.id) for node in graph.nodes.values()], overlay.text(1000.0)
    ([0, 5, 0], '1000')
    """

    def __init__(self, graph: Graph, name: str):
        self.name = name
        of: Mapping[str, tuple[Callable[[Node], float], Callable[[float], str], str]] = {
            "value": (lambda node: magnitude(node.value), number, "largest absolute value"),
            "grad": (lambda node: magnitude(node.grad), number, "largest absolute value of the gradient"),
            "time": (lambda node: float(node.time_ns), time_text, "time of the operation"),
            "memory": (lambda node: float(node.nbytes), bytes_text, "memory of the result"),
            "flops": (_flops_of(graph), lambda count: f"{scaled(count)}FLOP", "floating-point operations"),
        }
        measure, self.text, self.title = of[name]
        self.numbers = {key: measure(node) for key, node in graph.nodes.items()}
        known = [x for x in self.numbers.values() if math.isfinite(x) and x > 0]
        self.low, self.high = (min(known), max(known)) if known else (0.0, 0.0)

    @property
    def adds_up(self) -> bool:
        """Whether the number of a box is the sum of those inside; else it is the largest."""
        return self.name in ("time", "memory", "flops")

    def of_box(self, box: Box) -> float:
        """The number of a box."""
        inside = [self.numbers[key] for key in box.nodes()]
        if self.adds_up:
            return sum(inside)
        return next((x for x in inside if not math.isfinite(x)), max(inside, default=0.0))

    def css(self, x: float) -> str:
        """The class of a number's colour; none where there is nothing to show."""
        if not math.isfinite(x):
            return "ndl-heat-bad"
        return f"ndl-heat-{self._step(x)}" if x > 0 else ""

    def step(self, key: int) -> int:
        """How dark a node is, from 0 to 5."""
        return self._step(self.numbers[key])

    def _step(self, x: float) -> int:
        if x <= self.low or self.high <= self.low:
            return 0
        share = math.log(min(x, self.high) / self.low) / math.log(self.high / self.low)
        return min(STEPS - 1, int(share * STEPS))

    def legend(self) -> str:
        """The colours and what they mean, as SVG: above the picture."""
        if not self.high:
            missing = "is known only of a recorded run: viz.record(), tape.draw()"
            why = missing if self.name == "time" else "is 0 or absent everywhere"
            text = f'<text class="ndl-shape" y="14">{self.title} {why}</text>'
            return f'<g class="ndl-legend" role="img" aria-label="{self.title} {why}">{text}</g>'
        said = (
            f"{self.title}: light is {self.text(self.low)}, dark is {self.text(self.high)}, red is nan or inf"
        )
        out = [
            f'<g class="ndl-legend" role="img" aria-label="{said}"><text class="ndl-shape" y="0">{self.title}</text>'
        ]
        left = 7 * len(self.text(self.low)) + 6
        out.append(f'<text class="ndl-shape" y="19">{self.text(self.low)}</text>')
        for step in range(STEPS):
            out.append(
                f'<rect class="ndl-heat ndl-heat-{step}" x="{left + 18 * step}" y="9" width="18" height="13"/>'
            )
        right = left + 18 * STEPS + 6
        out.append(f'<text class="ndl-shape" x="{right}" y="19">{self.text(self.high)}</text>')
        red = right + 7 * len(self.text(self.high)) + 14
        out.append(f'<rect class="ndl-heat ndl-heat-bad" x="{red}" y="9" width="18" height="13"/>')
        out.append(f'<text class="ndl-shape" x="{red + 24}" y="19">nan, inf</text></g>')
        return "".join(out)
