"""Event streams written by hand: what the engine would tell, without an engine.

A `Story` computes with NumPy and writes down events and snapshots as a recorder would. Tests of drawing and
layout use it, so that they fail for their own reasons only.
"""

from dataclasses import dataclass, field

import numpy as np

from needle_edu.graph import take_snapshot


@dataclass
class FakeEvent:
    serial: int
    kind: str
    value: int
    op: str | None = None
    inputs: tuple = ()
    node: int | None = None
    operand: int | None = None
    shape: tuple = ()
    dtype: str = "float32"
    device: str = "cpu()"
    nbytes: int = 0
    time_ns: int = 0
    module: str = ""
    source: tuple | None = None
    name: str | None = None
    attrs: dict = field(default_factory=dict)
    requires_grad: bool = True
    made: int | None = None


class Story:
    """Writes events one by one; methods return value ids."""

    def __init__(self, first_id=1):
        self.records, self.arrays, self.next_id = [], {}, first_id

    def tell(self, kind, value, array=None, **facts):
        array = None if array is None else np.asarray(array, dtype=facts.pop("dtype", "float32"))
        shape = () if array is None else array.shape
        event = FakeEvent(len(self.records), kind, value, shape=shape, **facts)
        self.records.append((event, take_snapshot(array)))

    def make(self, array, op=None, inputs=(), name=None, **facts):
        number, self.next_id = self.next_id, self.next_id + 1
        self.arrays[number] = np.asarray(array, dtype="float32")
        made = number if op else None
        self.tell(
            "created", number, self.arrays[number], op=op, inputs=tuple(inputs), name=name, made=made, **facts
        )
        self.tell("computed", number, self.arrays[number], op=op)
        return number

    def leaf(self, array, name=None, **facts):
        return self.make(array, name=name, **facts)

    def grad(self, value, array, kind="accumulated", **facts):
        self.tell(kind, value, array, **facts)


def square_story():
    """y = x * x at x = 3."""
    story = Story()
    x = story.leaf([3.0], "x")
    y = story.make([9.0], "multiply", (x, x), "y")
    return story, x, y


def network_story():
    """A two-layer network with a skip connection, its loss, and gradients of the parameters."""
    rng = np.random.default_rng(0)
    story = Story(first_id=100)
    x = story.leaf(rng.normal(size=(4, 3)), "x", requires_grad=False)
    w1 = story.leaf(rng.normal(size=(3, 3)), "W1")
    b1 = story.leaf(rng.normal(size=(1, 3)), "b1")
    product = story.make(story.arrays[x] @ story.arrays[w1], "matmul", (x, w1))
    shifted = story.make(story.arrays[product] + story.arrays[b1], "add", (product, b1))
    hidden = story.make(np.maximum(story.arrays[shifted], 0), "relu", (shifted,), "h")
    skip = story.make(story.arrays[hidden] + story.arrays[x], "add", (hidden, x))
    square = story.make(story.arrays[skip] ** 2, "multiply", (skip, skip))
    loss = story.make([story.arrays[square].sum()], "summation", (square,), "loss", attrs={"axes": None})
    for value in (w1, b1):
        story.grad(value, rng.normal(size=story.arrays[value].shape), kind="leaf")
    return story, loss
