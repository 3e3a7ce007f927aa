"""Why a number is zero, huge or NaN: from step to step back to the one that made it so.

Every step takes its numbers from earlier steps: a contribution from the adjoint that arrives and from values of the
forward pass, a sum from its contributions, an operation from its operands. So a NaN is followed to the first step whose
own numbers are all finite, a zero to the first step that was given something else than zero. What is huge or tiny is
followed along the largest numbers to its very beginning; the step that multiplied most is then the one to look at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from needle_edu.graph import Graph, Snapshot, op_info
from needle_edu.viz.stepper.steps import Step
from needle_edu.viz.text import number

HUGE, TINY = 1e4, 1e-7
WORDS = {"nan": "NaN", "inf": "infinite", "zero": "zero", "huge": "huge", "tiny": "tiny"}


def trouble(numbers: Snapshot | None) -> str:
    """What is wrong with an array: "nan", "inf", "zero" (all of it), "huge", "tiny", or "" (nothing).

    Examples
    --------
    >>> from needle_edu.graph import take_snapshot
    >>> [trouble(take_snapshot(np.array(a))) for a in ([0.0, 0.0], [1.0, np.inf], [1e9], [0.0, 1.0])]
    ['zero', 'inf', 'huge', '']
    """
    if numbers is None or numbers.parts or not numbers.size:
        return ""
    if numbers.not_finite:
        return "nan" if math.isnan(numbers.low) else "inf"
    if numbers.low == numbers.high == 0:
        return "zero"
    return "huge" if numbers.largest > HUGE else "tiny" if numbers.largest < TINY else ""


@dataclass(frozen=True, slots=True)
class Cause:
    """What is wrong at a step, the steps that lead back to where it was made, and a sentence about that place.

    `chain` begins with the step that was asked about; `made` is the step (one of the chain) that made it so.
    """

    kind: str
    chain: list[int]
    made: int
    text: str


class Causes:
    """The causes of all steps of a run.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([-1.0, -2.0])
    >>> stepper = ndl.viz.step(ndl.relu(x).sum() * 3)
    >>> causes = Causes(stepper.graph, stepper.steps)
    >>> cause = causes.of(len(stepper.steps) - 1)
    >>> cause.kind, stepper.steps[cause.made].title
    ('zero', 'v1 → x')
    >>> cause.text
    'The adjoint that arrives is not zero, but no element of x is positive: relu lets nothing through.'
    """

    def __init__(self, graph: Graph, steps: list[Step]):
        self.graph, self.steps = graph, steps
        self.results = [step.result.numbers if step.result else None for step in steps]
        self.kinds = [trouble(numbers) for numbers in self.results]
        self.sources = came_from(graph, steps)
        self.before = [self._leads_back(k) for k in range(len(steps))]

    def of(self, k: int) -> Cause:
        """The cause of what step `k` results in, also if nothing is wrong with it."""
        chain = [k]
        while (back := self.before[chain[-1]]) is not None:
            chain.append(back)
        kind = self.kinds[k]
        made = chain[-1] if kind in ("nan", "inf", "zero") else self._grew_most(chain, kind == "tiny")
        return Cause(kind, chain, made, self._sentence(made, kind))

    def appears(self, k: int) -> bool:
        """Whether NaN or infinities are in the result of step `k` but not in what it was made of."""
        return self._bad(k) and not any(map(self._bad, self.sources[k]))

    def _bad(self, k: int) -> bool:
        return self.kinds[k] in ("nan", "inf")

    def _leads_back(self, k: int) -> int | None:
        """The step that is to blame for what step `k` results in; None if that is step `k` itself."""
        sources, kind, step = self.sources[k], self.kinds[k], self.steps[k]
        if not sources:
            return None
        if step.kind == "grad":
            return sources[0]
        if kind in ("nan", "inf"):
            return next((s for s in sources if self._bad(s)), None)
        if kind == "zero":
            zeros = [s for s in sources if self.kinds[s] == "zero"]
            if step.kind == "sum":
                return zeros[0] if len(zeros) == len(sources) else None
            return zeros[0] if zeros else None
        return sources[0] if step.kind == "vjp" else max(sources, key=self.size)

    def size(self, k: int) -> float:
        """The largest absolute value in the result of step `k`."""
        numbers = self.results[k]
        return 0.0 if numbers is None or math.isnan(numbers.largest) else numbers.largest

    def _grew_most(self, chain: list[int], least: bool) -> int:
        """The step of a chain that multiplied the largest number by most, or by least."""
        gains = [(self.gain(a, b), a) for a, b in zip(chain, chain[1:], strict=False)]
        return (min if least else max)(gains, key=lambda pair: pair[0])[1] if gains else chain[0]

    def gain(self, k: int, source: int) -> float:
        """By how much the largest number grew from step `source` to step `k`."""
        before, after = self.size(source), self.size(k)
        return after / before if before else math.inf if after else 1.0

    # -- sentences
    def _sentence(self, k: int, kind: str) -> str:
        step = self.steps[k]
        name = self.graph.nodes[step.value].label
        if step.kind == "leaf":
            return f"{name} was given so." if kind else f"It begins with {name}, which was given."
        if step.kind == "seed":
            return "Backward was started so."
        if kind in ("nan", "inf"):
            return self._bad_sentence(step, self.kinds[k])
        if kind == "zero":
            return self._zero_sentence(step)
        source = self.before[k]
        if source is None:
            return "It begins here."
        grew = f"the largest number from {number(self.size(source))} to {number(self.size(k))}"
        what = f"Adding up {len(self.sources[k])} contributions" if step.kind == "sum" else self._op(step)
        more = "shrinks it more" if kind == "tiny" else "does more"
        return f"{what} takes {grew}, times {number(self.gain(k, source))}: no step on the way {more}."

    def _op(self, step: Step) -> str:
        node = step.value if step.origin is None else step.origin
        return self.graph.nodes[node].op or self.graph.nodes[node].label

    def _bad_sentence(self, step: Step, kind: str) -> str:
        word = "infinities" if kind == "inf" else "NaN"
        if step.kind == "sum":
            return f"Every contribution is finite, but their sum holds {word}."
        given = "The adjoint and the operands are" if step.kind == "vjp" else "Every operand is"
        text = f"{given} finite, but {self._op(step)} makes {word} of them"
        assert step.result is not None
        array = step.result.numbers.array if step.result.numbers else None
        if array is None:
            return text + "."
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        there = [
            f"{'adjoint' if s.role == 'adjoint' else s.label} = {number(known[place])}"
            for s in step.given
            if s.numbers and (known := s.numbers.array) is not None and known.shape == array.shape
        ]
        gives = f"{', '.join(there)} gives" if there else "it is"
        return f"{text}: at {list(place)}, {gives} {number(array[place])}."

    def _zero_sentence(self, step: Step) -> str:
        if step.kind == "sum":
            return "The contributions are not zero: they cancel one another."
        op = self._op(step)
        if step.kind == "op":
            return f"The operands are not zero, but {op} makes zero of them."
        text = "The adjoint that arrives is not zero, but "
        operand = next((s for s in step.given if s.role not in ("adjoint", "y")), None)
        if op == "relu" and operand and operand.numbers and operand.numbers.high <= 0:
            return f"{text}no element of {operand.label} is positive: relu lets nothing through."
        if op in ("tanh", "sigmoid", "logistic", "softmax", "erf") and step.given:
            return f"{text}{op} is saturated: it no longer changes when its operand does."
        return f"{text}{op}'s rule gives zero for these numbers."


def came_from(graph: Graph, steps: list[Step]) -> list[list[int]]:
    """For each step the earlier ones whose results it uses; of a contribution the arriving adjoint comes first."""
    inputs: dict[int, list[int]] = {k: [] for k in graph.nodes}
    for edge in graph.edges:
        inputs[edge.target].append(edge.source)
    values: dict[int, int] = {}  # the steps that made the values, the adjoints, the contributions so far
    adjoints: dict[int, int] = {}
    arrived: dict[int, list[int]] = {}
    found = []
    for k, step in enumerate(steps):
        sources: list[int | None] = []
        if step.kind == "op":
            sources = [values.get(x) for x in inputs[step.value]]
        elif step.kind == "vjp" and step.origin is not None:
            sources = [
                adjoints.get(step.origin),
                *map(values.get, _in_the_rule(graph, step, inputs[step.origin])),
            ]
            arrived.setdefault(step.value, []).append(k)
        elif step.kind == "sum":
            sources = list(arrived.get(step.value, ()))
        elif step.kind == "grad":
            sources = [adjoints.get(step.value)]
        if step.kind in ("leaf", "op"):
            values[step.value] = k
        elif step.kind == "seed":
            adjoints, arrived = {step.value: k}, {}
        elif step.kind in ("vjp", "sum"):
            adjoints[step.value] = k
        found.append(list(dict.fromkeys(s for s in sources if s is not None)))
    return found


def _in_the_rule(graph: Graph, step: Step, inputs: list[int]) -> list[int]:
    """The values of the forward pass that a contribution is made of: those its formula speaks of, or all."""
    assert step.origin is not None
    if step.formula is None:
        return [*inputs, step.origin]
    info, roles = op_info(graph.nodes[step.origin].op or ""), {shown.role for shown in step.given}
    values = [x for k, x in enumerate(inputs) if info.letter(k, len(inputs)) in roles]
    return [*values, step.origin] if "y" in roles else values
