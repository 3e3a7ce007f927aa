"""How an optimiser's step becomes part of a program.

What an optimiser remembers is a source, and is written back after the run. The numbers of the formula (the learning
rate, what depends on how many steps were made) are a source, too: they are asked of the optimiser at each run, so that
schedules go on working.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu.autograd.arrays import enter
from needle_edu.backend.optimizer_steps import Numbers

from .unknown import CaptureError


class Memory:
    """A source and a target: one array that an optimiser remembers of a parameter."""

    attribute = "memory"

    def __init__(self, optimizer: Any, place: int, name: str, start: float):
        self.optimizer, self.place, self.name, self.start = optimizer, place, name, start
        self.owner: Any = (id(optimizer), place, name)

    def read(self) -> Any:
        """Return what is remembered; before the first step, what it starts at."""
        known = self.optimizer.state.get(self.place, {}).get(self.name)
        if known is not None:
            return known
        p = self.optimizer.params[self.place].realize_cached_data()
        return p.__array_namespace__().full_like(p, self.start)

    def write(self, array: Any) -> None:
        """Remember an array."""
        self.optimizer.state.setdefault(self.place, {})[self.name] = array


class FormulaNumbers:
    """A source: the numbers of an optimiser's formula for the next step of parameters that were stepped as often."""

    def __init__(self, optimizer: Any, places: list[int], group: dict, kind: str, device: Any):
        self.optimizer, self.places, self.group = optimizer, places, group
        self.kind, self.device, self.owner = kind, device, None

    @property
    def alike(self) -> bool:
        """Whether its parameters have made as many steps as one another; one that was frozen for a while has not."""
        state = self.optimizer.state
        return len({tuple(_counted(state.get(place, {})).items()) for place in self.places}) == 1

    def read(self) -> Any:
        """Ask the optimiser, count the step, and return the numbers as an array of the device."""
        return enter(self.numbers(), self.device, "float64")

    def numbers(self) -> np.ndarray:
        """Ask the optimiser, and count the step; parameters that have counted the same are told the same."""
        state = self.optimizer.state
        told: list[tuple] = []
        known: dict[tuple, dict[str, Any]] = {}  # what is counted before a step, and after it
        counted: dict[int, dict[str, Any]] = {}
        for place in self.places:
            remembered = state.get(place, {})
            before = tuple(_counted(remembered).items())
            if before not in known:
                after = dict(remembered)
                kind, _, numbers = self.optimizer.formula(after, self.group)
                told.append((kind, tuple(sorted(numbers.items()))))
                known[before] = _counted(after)
            counted[place] = {**remembered, **known[before]}
        if len(set(told)) != 1 or told[0][0] != self.kind:
            raise CaptureError(
                f"{type(self.optimizer).__name__}: the next step has another formula than the one captured; capture "
                "the function again"
            )
        state.update(counted)
        sign = -1.0 if self.group["maximize"] else 1.0
        return np.array(Numbers(sign, **numbers), np.float64)


def _counted(state: dict[str, Any]) -> dict[str, Any]:
    """Return what is remembered of a parameter as numbers: how many steps were made, say."""
    return {name: one for name, one in state.items() if type(one) in (int, float)}


class ToldNumbers:
    """A source: the numbers that an optimiser tells the formula of one parameter (`told`), asked at each run."""

    owner: Any = None

    def __init__(self, optimizer: Any, p: Any, group: dict, device: Any):
        self.optimizer, self.p, self.group, self.device = optimizer, p, group, device

    def read(self) -> Any:
        """Return them as an array of the parameter's dtype."""
        told = self.optimizer.told(self.p, self.group)
        return enter(np.array(list(told.values()), self.p.dtype), self.device, self.p.dtype)


def capture_computed_step(tracer: Any, optimizer: Any, place: int, p: Any, group: dict) -> None:
    """Write down one parameter's step by an optimiser that computes it with arrays alone."""
    from .own_ops import ComputedStep

    told = tuple(optimizer.told(p, group))
    numbers = tracer.source(
        "numbers", ToldNumbers(optimizer, p, group, p.realize_cached_data().device), (len(told),), p.dtype
    )
    memories = [Memory(optimizer, place, name, 0.0) for name in optimizer.memories]
    given = [tracer.source(one.name, one, p.shape, p.dtype) for one in memories]
    step = ComputedStep(optimizer, group, told)
    new, *kept = tracer.apply(step, (p.detach(), p.grad, numbers, *given)).tuple()
    p.data = new
    for memory, part in zip(memories, kept, strict=True):
        tracer.write(memory, part)


def capture_step(tracer: Any, optimizer: Any, members: list, group: dict) -> None:
    """Write down one step of an optimiser's parameters."""
    from .own_ops import OptimizerSteps

    told: dict[tuple, list] = {}  # parameters by what the formula says of them
    for place, p in members:
        kind, starts, numbers = optimizer.formula(dict(optimizer.state.get(place, ())), group)
        told.setdefault((kind, tuple(starts.items()), tuple(numbers.items())), []).append((place, p))
    for (kind, starts, _), found in told.items():
        places = [place for place, _ in found]
        formula = FormulaNumbers(optimizer, places, group, kind, tracer.device)
        tracer.flags.add(formula, "alike", (id(optimizer), *places))
        numbers = tracer.source("numbers", formula, (len(Numbers()),), "float64")
        operands, targets = [numbers], []
        for place, p in found:
            memories = [Memory(optimizer, place, name, start) for name, start in starts]
            given = [tracer.source(one.name, one, p.shape, p.dtype) for one in memories]
            operands += [p.detach(), p.grad, *given]
            targets += [p, *memories]
        parts = tracer.apply(OptimizerSteps(kind, len(starts)), tuple(operands)).tuple()
        for target, part in zip(targets, parts, strict=True):
            if isinstance(target, Memory):
                tracer.write(target, part)
            else:
                target.data = part
