"""The table graph × execution × passes: whatever is done to a graph, it computes what it computed.

    python -m tests.graph.equality                    500 random graphs, and every application's training step
    python -m tests.graph.equality --graphs 20        fewer
    python -m tests.graph.equality --first 100 --graphs 50 --no-applications
    python -m tests.graph.equality --seed 17          one graph, and where it differs

Each graph runs eagerly, and then as a program: interpreted; as its kernel calls one by one, in memory where whatever is
freed is overwritten; as compiled C; and as CUDA on the simulated card. So it does with no part of the compiler, with
each part alone, with all, and with random choices of them, their passes over programs in random orders. Results,
gradients and what is written into parameters are compared: exactly, or else relative to the largest number of each
array. More than 1e-5 fails.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from needle_edu import Tensor, cuda_sim, default_device
from needle_edu.backend import cpu_runtime, set_default_device
from needle_edu.backend.build import builder
from needle_edu.graph import capture
from needle_edu.graph.compiled import PARTS, LoweringError, build, staged
from needle_edu.graph.compiled.stages import program_passes
from needle_edu.graph.passes import PASSES, optimize

from . import call_by_call
from .random_graphs import random_graph

TOLERANCE = 1e-5
NOT_YET = "NOT HERE"
CUDA = "CUDA (simulator)"  # of the same graph with its arrays in the simulated card's memory
SANITIZERS = ("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer")


def interpreted(program: Any, parts: tuple[str, ...]) -> Callable[..., Any]:
    """Instruction by instruction."""
    return program


def poisoned(program: Any, parts: tuple[str, ...]) -> Callable[..., Any]:
    """Kernel call by kernel call, in planned memory; what is dead holds nonsense."""
    stages = staged(program, parts)
    lowered, steps, memory = stages.lowered, stages.steps, stages.memory
    program = lowered.program
    assert memory.peak() <= memory.nbytes <= memory.unshared

    def run(*arguments: Any) -> Any:
        found = call_by_call.run(program, lowered, steps, memory, *arguments)
        tensors = {name: Tensor.make_const(_array(numbers, program, name)) for name, numbers in found.items()}
        for name, target in program.updates:
            target.write(tensors[name].cached_data)
        return program.unflatten([tensors[name] for name in program.outputs])

    return run


def _array(numbers: Any, program: Any, name: str) -> Any:
    type_ = program.types()[name]
    numbers = np.zeros(type_.shape) if numbers is None else numbers
    return Tensor(np.array(numbers), dtype=type_.dtype, device=program.device).cached_data


EXECUTIONS: dict[str, Callable[..., Any] | None] = {
    "interpreter": interpreted,
    "poisoned calls": poisoned,
    "C": build,
    CUDA: build,
}


def variants(rng: np.random.Generator) -> dict[str, tuple[str, ...]]:
    """Name → parts of the compiler: none, each alone, all, and two random choices in random orders, some twice."""
    found: dict[str, tuple[str, ...]] = {"none": ()}
    found |= {one: (one,) for one in PARTS}
    found["all"] = PARTS
    for k in (1, 2):
        found[f"random order {k}"] = tuple([PARTS[i] for i in rng.integers(0, len(PARTS), len(PARTS) + 2)])
    return found


OF_PROGRAMS = tuple([one.__name__ for one in PASSES])  # type: ignore[attr-defined]


def differs(parts: tuple[str, ...], execution: str) -> bool:
    """Whether a choice of parts makes another program for an execution than none of them."""
    nowhere = {"interpreter": set(PARTS) - set(OF_PROGRAMS), "poisoned calls": {"registers", "donation"}}
    return not parts or not set(parts) <= nowhere.get(execution, set())


def difference(found: Any, wanted: Any) -> float:
    """The largest difference of two lists of arrays, relative to each array's largest number; 0 is bit for bit."""
    assert len(found) == len(wanted)
    worst = 0.0
    for a, b in zip(found, wanted, strict=True):
        if (a is None) != (b is None) or (a is not None and (a.shape != b.shape or a.dtype != b.dtype)):
            return float("inf")
        if a is None or np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            continue
        far = np.abs(a.astype("float64") - b.astype("float64")).max()
        scale = np.abs(b).max()
        worst = max(worst, float(far / scale) if np.isfinite(far) and scale > 0 else float("inf"))
    return worst


@dataclass
class Cell:
    """What came of one execution after some passes."""

    exact: int = 0
    close: int = 0
    interpreted: int = 0  # cannot be lowered
    worst: float = 0.0
    failed: list[str] = field(default_factory=list)

    def note(self, name: str, by: float) -> None:
        """Count one graph."""
        self.worst = max(self.worst, by if np.isfinite(by) else 0)
        if by == 0:
            self.exact += 1
        elif by <= TOLERANCE:
            self.close += 1
        else:
            self.failed.append(name)

    def __str__(self) -> str:
        parts = [f"{self.exact} exact"]
        if self.close:
            parts.append(f"{self.close} to {self.worst:.0e}")
        if self.interpreted:
            parts.append(f"{self.interpreted} not lowered")
        if self.failed:
            parts.append(f"FAILED {', '.join(self.failed[:5])}")
        return ", ".join(parts)


class Table:
    """Parts of the compiler down, executions across."""

    def __init__(self, executions: dict[str, Any] | None = None) -> None:
        self.executions = EXECUTIONS if executions is None else executions
        self.cells: dict[tuple[str, str], Cell] = {}

    def compare(
        self,
        name: str,
        program: Any,
        outcome: Any,
        passes: dict[str, tuple],
        compiled: Any,
        native: str = "C",
    ) -> None:
        """Hold a program against `outcome(None)`, the eager run; natively only with the parts named in `compiled`.

        With `native` = CUDA, that alone is run: the program's arrays are on the simulated card.
        """
        wanted = outcome(None)
        for called, chosen in passes.items():
            skipped = {"C", CUDA} if native == "C" else set(self.executions)
            if called in compiled:
                skipped.remove(native)
            self.compare_made(name, called, chosen, lambda made: outcome(made(program)), wanted, skipped)

    def compare_made(
        self, name: str, called: str, chosen: tuple[str, ...], outcome: Any, wanted: Any, skipped: Any = ()
    ) -> None:
        """Compare `outcome(made)`, where `made` makes of a program what runs, in every execution."""
        for execution, make in self.executions.items():
            if make is None or execution in skipped or not differs(chosen, execution):
                continue
            cell = self.cells.setdefault((called, execution), Cell())
            try:
                found = outcome(
                    lambda program, make=make: make(optimize(program, program_passes(chosen)), chosen)
                )
            except LoweringError:
                cell.interpreted += 1
                continue
            cell.note(name, difference(found, wanted))

    @property
    def failed(self) -> bool:
        """Whether anything differs, or nothing was compared."""
        return not self.cells or any(cell.failed for cell in self.cells.values())

    def __str__(self) -> str:
        rows = [["parts", *self.executions]]
        for called in dict.fromkeys(name for name, _ in self.cells):
            cells = [str(self.cells.get((called, execution), "")) for execution in self.executions]
            absent = [make is None for make in self.executions.values()]
            rows.append([called, *[NOT_YET if no else cell for no, cell in zip(absent, cells, strict=True)]])
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = [
            "  ".join(text.ljust(n) for text, n in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        lines.insert(1, "─" * max(map(len, lines)))
        return "\n".join(lines)


def of_random_graphs(seeds: Iterable[int], compiled_often: int = 5, cuda_often: int = 10) -> Table:
    """The table of random graphs. As C each graph runs after no pass and after all, every fifth after each choice; as
    CUDA every tenth, after no pass and after all."""
    table = Table(without_compiler())
    for place, seed in enumerate(seeds):
        graph = random_graph(seed)
        passes = variants(np.random.default_rng([seed, 1]))
        often = passes if place % compiled_often == 0 else ("none", "all")
        table.compare(
            f"seed {seed}", capture(graph.function, *graph.arguments), eager_or(graph), passes, often
        )
        if place % cuda_often == 0 and table.executions[CUDA] is not None:
            on_the_card(table, seed)
        if (place + 1) % 50 == 0:  # a long run says how far it is
            print(
                f"{place + 1} graphs: {'something differs' if table.failed else 'all equal'}", file=sys.stderr
            )
    return table


def on_the_card(table: Table, seed: int) -> None:
    """Add a random graph in the memory of the simulated card, compiled to CUDA."""
    with on_device(cuda_sim()):
        graph = random_graph(seed)
        program = capture(graph.function, *graph.arguments)
        passes = {"none": (), "all": PARTS}
        table.compare(f"seed {seed}", program, eager_or(graph), passes, tuple(passes), native=CUDA)


@contextmanager
def on_device(device: Any) -> Iterator[None]:
    """What is made in the block is made on this device."""
    before = default_device()
    set_default_device(device)
    try:
        yield
    finally:
        set_default_device(before)


def eager_or(graph: Any) -> Callable[[Any], list]:
    """What a graph's outcome is, of a program, or of None: of the function itself."""
    return lambda run: graph.outcome(graph.function if run is None else run)


def without_compiler() -> dict[str, Any]:
    """The executions that are possible here."""
    absent = {"C": None, CUDA: None} if builder.find_compiler() is None else {}
    if EXECUTIONS[CUDA] is not None and not cuda_sim().enabled():
        absent[CUDA] = None
    for name in absent:
        print(f"*** no compiler: {name} is not tried ***", flush=True)
    return EXECUTIONS | absent


def main() -> None:
    """Print the tables; exit status 1 if anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--graphs", type=int, default=500, help="number of random graphs (default 500)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first of them (default 0)")
    parser.add_argument("--seed", type=int, help="this graph alone")
    parser.add_argument("--no-applications", action="store_true", help="random graphs alone")
    parser.add_argument(
        "--no-cuda", action="store_true", help="not on the simulated card, whose compiler is slow"
    )
    parser.add_argument("--sanitize", action="store_true", help="compile under sanitizers; see sanitized.sh")
    args = parser.parse_args()
    if args.sanitize:
        cpu_runtime.PROGRAM_FLAGS += SANITIZERS
    if args.no_cuda:
        EXECUTIONS[CUDA] = None
    seeds = range(args.first, args.first + args.graphs) if args.seed is None else [args.seed]
    table = of_random_graphs(seeds)
    print(f"{len(seeds)} random graphs, forward and backward\n\n{table}\n")
    failed = table.failed
    if args.seed is None and not args.no_applications:
        from . import application_steps

        steps, refused = application_steps.table(executions=table.executions)
        print(f"training steps of the applications\n\n{steps}\n")
        for name, why in refused.items():
            print(f"{name}: not captured: {why}")
        failed = failed or steps.failed
    sys.exit(failed)


if __name__ == "__main__":
    main()
