"""One step of a run as data: what happens, by which formula, with which numbers.

`narrator` makes the steps from recorded events; how a step looks is `panel`'s business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from needle_edu.graph import Snapshot


@dataclass(frozen=True, slots=True)
class Shown:
    """An array in a step: its part in the formula, what it is called, and its numbers (None: still to come)."""

    role: str
    tex: str
    label: str
    numbers: Snapshot | None


@dataclass(slots=True)
class Step:
    """One thing that happens.

    Attributes
    ----------
    phase : {"forward", "backward"}
    kind : {"leaf", "op", "seed", "vjp", "sum", "grad"}
    value : int
        Id of the value the step is about.
    origin : int or None
        For a contribution, the node it comes from.
    edges : list of int
        Numbers of the graph's edges that are in use.
    title, text : str
        A headline, and sentences for a first reader.
    formula : str or None
        The rule as the registry states it, in TeX.
    here : str or None
        The same rule with the names of this graph.
    attrs : Mapping
        What the operation was made with besides its operands.
    given, result
        What goes in and what comes out.
    signs : str
        What stands between the arrays: "+" for a sum, else nothing.
    completes : bool
        Whether the value's adjoint is known after this step.
    position : int
        Which of the recorded events it tells.
    jacobian : numpy.ndarray or None
        Of a contribution by a small operation, its local Jacobian.
    departs : str
        What is different here from the engine's pass, or from another run; empty if nothing is.
    other : Shown or None
        The result of the same step in the other run, if two runs are compared and differ here.
    """

    phase: str
    kind: str
    value: int
    title: str
    text: str
    origin: int | None = None
    edges: list[int] = field(default_factory=list)
    formula: str | None = None
    here: str | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    given: list[Shown] = field(default_factory=list)
    result: Shown | None = None
    signs: str = ""
    completes: bool = False
    position: int = -1
    jacobian: np.ndarray | None = None
    departs: str = ""
    other: Shown | None = None

    def numbers(self, role: str) -> np.ndarray | None:
        """The recorded array that plays `role` ("a", "b", "y", "adjoint", "contribution", "sum", "grad", …)."""
        for shown in [*self.given, *([self.result] if self.result else [])]:
            if shown.role == role and shown.numbers is not None:
                return shown.numbers.array
        return None
