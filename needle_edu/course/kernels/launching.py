"""Running a compiled answer: once in each flavour, each time in a process of its own, on the same inputs.

The plain flavour runs twice, the threads of a block in two orders; the checker looks at every access; the profiler
counts. A process of its own for each: whatever an answer does to memory that is not its own, it does to nobody else,
and the simulator's threads begin in the process that needs them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from needle_edu.backend.cudasim.simulator import CudaError, Program, Simulator
from needle_edu.course import child
from needle_edu.course.kernels.translation_unit import Unit

RUNS = {  # what a run is called -> flavour, order of the threads
    "check": ("check", "forward"),
    "plain": ("plain", "forward"),
    "reverse": ("plain", "reverse"),
    "profile": ("profile", "forward"),
}
SECONDS = 2.0  # for one launch
PATIENCE = 30.0  # for a process


class KernelAnswer:
    """An answer in C or CUDA, compiled.

    Attributes
    ----------
    unit : Unit
    libraries : dict of str to Path
        The library of each flavour.
    simulator : Simulator
        Its runtime is loaded, and nothing has been launched.
    """

    in_child = True  # in a notebook it is called in a process of its own; no annotation: the same for all

    def __init__(self, unit: Unit, libraries: dict[str, Path], simulator: Simulator):
        self.unit, self.libraries, self.simulator = unit, libraries, simulator

    def run(self, function: str, arguments: list, grid: list, block: list, shared: int) -> dict[str, Any]:
        """Launch a function of the answer in every flavour; see `needle_edu.course.adapters.launch`."""
        known = {one.name: one for one in self.unit.launched}
        if function not in known:
            raise NameError(f"the answer has no function {function}")
        declaration = self.unit.declaration(known[function])
        configuration = [*grid, *[1] * (2 - len(grid)), *block, *[1] * (2 - len(block)), shared]
        found: dict[str, Any] = {"findings": [], "counters": {}}
        for name, (flavour, order) in RUNS.items():
            try:
                once = partial(self._run, flavour, order, declaration, configuration, arguments)
                found[name] = child.in_child(once, PATIENCE)
            except child.NoValue as error:
                found[name] = {"error": error.status, "arrays": []}
            found["findings"] += found[name].pop("findings", [])
            found["counters"] |= found[name].pop("counters", {})
            if found["findings"] or found[name]["error"]:
                break  # what is wrong is known, and the other runs would only show what comes of it
        return found

    def _run(self, flavour: str, order: str, declaration: str, configuration: list, arguments: list) -> dict:
        """In the child: one launch, and all arrays as they are afterwards."""
        simulator = self.simulator
        name = declaration.partition("(")[0].split()[-1]
        simulator.remember(self.unit.name, self.unit.text)
        simulator.clear_report()  # of what the notebook's own cells have launched
        simulator.clear_profile()
        simulator.lib.cudasim_clear_error()
        program = Program(simulator, self.libraries[flavour], {name: f"{declaration};"})
        lowered = [simulator.array(one) if isinstance(one, np.ndarray) else one for one in arguments]
        found: dict[str, Any] = {"error": ""}
        with simulator.settings(order=order, timeout=SECONDS, workers=1):
            try:
                getattr(program, name)(*configuration, *lowered)
            except CudaError as error:
                found["error"] = error.name
        if flavour == "check":
            report = simulator.report()
            found["findings"] = [[one.kind, str(one)] for one in report][:5]
        if flavour == "profile":
            found["counters"] = counters_of(simulator.raw_counters())
        found["arrays"] = [one.numpy() for one in lowered if hasattr(one, "numpy")]
        return found


def counters_of(raw: dict[str, Any]) -> dict[str, float]:
    """What the launches of a process cost in all: the sums over kernels and lines of what `cudasim_counters` says.

    Returns
    -------
    dict
        ``"launches"``, ``"threads"``; of global memory ``"requests"``, ``"sectors"``, ``"bytes"``, ``"coalescing"``; of
        shared memory ``"shared_requests"`` and ``"bank_conflicts"``.
    """
    kernels = raw["kernels"]
    rows = [row for kernel in kernels for row in kernel["memory"]]
    of_all, of_shared = [row for row in rows if not row["shared"]], [row for row in rows if row["shared"]]

    def total(rows: list[dict], what: str) -> int:
        return sum(int(row[what]) for row in rows)

    sectors = total(of_all, "units")
    return {
        **{what: total(kernels, what) for what in ("launches", "threads")},
        "requests": total(of_all, "requests"),
        "sectors": sectors,
        "bytes": total(of_all, "bytes"),
        "coalescing": total(of_all, "ideal") / sectors if sectors else 1.0,
        "shared_requests": total(of_shared, "requests"),
        "bank_conflicts": total(of_shared, "units") - total(of_shared, "ideal"),
    }
