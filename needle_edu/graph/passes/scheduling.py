"""Scheduling: the order of instructions that keeps the fewest bytes alive.

A result takes memory from the instruction that makes it to the last one that reads it. Any order in which operands
come before what is made of them computes the same; some orders make much that waits for a long time. The best order is
hard to find (NP-hard). This pass goes from the first instruction to the last, and takes among those whose operands are
there the one that adds the fewest bytes, or frees the most, and of equals the one that came first. If that order needs
no less than the old one, the old one stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from needle_edu.graph.static.array_type import Type, Types
from needle_edu.graph.static.checks import check_program
from needle_edu.graph.static.program import Instruction, Program


def scheduling(program: Program) -> Program:
    """Return the program in an order with a lower peak of memory, or as it is.

    Examples
    --------
    Four large products, each needed only as a sum, and made before any sum is taken:

    >>> import needle_edu as ndl
    >>> def f(x):
    ...     large = [x.reshape((64, 1)) * x * k for k in (2.0, 3.0, 4.0, 5.0)]
    ...     return [one.sum() for one in large]
    >>> program = ndl.graph.capture(f, ndl.Tensor([1.0] * 64))
    >>> peak_bytes(program), peak_bytes(scheduling(program))
    (81920, 33536)
    """
    check_program("scheduling", program)
    order = _greedy(program)
    changed = program.with_(body=tuple(order))
    return changed if peak_bytes(changed) < peak_bytes(program) else program


def peak_bytes(program: Program) -> int:
    """Return the most bytes of results that are alive together, each with its operands while it is computed."""
    check_program("peak_bytes", program)
    left, sizes = _readers(program), {one.name: nbytes(one.type) for one in program.body}
    alive = most = 0
    for one in program.body:
        alive += sizes[one.name]
        most = max(most, alive)
        alive -= sum(sizes[name] for name in _freed(one, left, sizes))
    return most


def nbytes(types: Types) -> int:
    """Return the bytes of a value."""
    return types.nbytes if isinstance(types, Type) else sum(one.nbytes for one in types)


def _readers(program: Program) -> dict[str, int]:
    """Return how many instructions have yet to read each value; results are read once more, at the end."""
    left = dict.fromkeys(program.types(), 0)
    for one in program.body:
        for name in set(one.inputs):
            left[name] += 1
    for name in set(program.results()):
        left[name] += 1
    return left


def _freed(one: Instruction, left: dict[str, int], sizes: dict[str, int]) -> list[str]:
    """Count an instruction's reads, and return what nobody reads any more."""
    for name in set(one.inputs):
        left[name] -= 1
    gone = [name for name in set(one.inputs) if not left[name] and name in sizes]
    return gone if left[one.name] else [*gone, one.name]


def _greedy(program: Program) -> Sequence[Instruction]:
    """Return the instructions in the order described above."""
    left, sizes = _readers(program), {one.name: nbytes(one.type) for one in program.body}
    waits_for = {one.name: {name for name in one.inputs if name in sizes} for one in program.body}
    readers: dict[str, list[Instruction]] = {}
    for one in program.body:
        for name in waits_for[one.name]:
            readers.setdefault(name, []).append(one)
    place = {one.name: k for k, one in enumerate(program.body)}
    ready = [one for one in program.body if not waits_for[one.name]]
    order: list[Instruction] = []

    def cost(one: Instruction) -> tuple[int, int]:
        ends = sum(sizes[name] for name in set(one.inputs) if left[name] == 1 and name in sizes)
        return sizes[one.name] - ends, place[one.name]

    while ready:
        one = min(ready, key=cost)
        ready.remove(one)
        order.append(one)
        _freed(one, left, sizes)
        for reader in readers.get(one.name, ()):
            waits_for[reader.name].discard(one.name)
            if not waits_for[reader.name]:
                ready.append(reader)
    return order
