"""Whether a pass has kept what a graph means."""

from __future__ import annotations

import numpy as np

from needle_edu.course.compare import Mismatch, same

from .meaning import Graph, bits, ends_of, numbers_for, values_of


def keeps_its_meaning(
    after: Graph, before: Graph, rng: np.random.Generator, most: int | None = None, special: bool = False
) -> None:
    """Raise `Mismatch` unless a pass made of a graph one that computes the same, with at most so many instructions.

    It may leave instructions out and give others other operands; names, ops, attributes and shapes stay.

    Parameters
    ----------
    after, before : dict
        What the pass returned, and what it was given.
    rng : Generator
        Draws the numbers on which the two are compared, bit for bit.
    most : int, optional
        Instructions there may be.
    special : bool
        Whether to compare on zeros of both signs, infinities and nan, too.

    Examples
    --------
    >>> from needle_edu.course.graphs import random_graph
    >>> rng = np.random.default_rng(0)
    >>> graph = random_graph(rng, again=0)
    >>> keeps_its_meaning(graph, graph, rng)
    >>> keeps_its_meaning(graph | {"body": graph["body"][1:]}, graph, rng)
    Traceback (most recent call last):
        ...
    needle_edu.course.compare.Mismatch: found undefined-operand: expected an input or an earlier result, got v82
    """
    for part in ("inputs", "sources"):
        same(sorted(after[part]), sorted(before[part]), name=f"the {part}")
    known, told = {*before["inputs"], *before["sources"]}, {one[0]: one for one in before["body"]}
    for name, op, operands, attributes, shape in after["body"]:
        if name in known:
            raise Mismatch("found double-name", "each result has a name of its own", name)
        if name not in told or [op, attributes, tuple(shape)] != [told[name][1], *told[name][3:]]:
            raise Mismatch("found changed-instruction", "name, op, attributes and type as they were", name)
        for operand in operands:
            if operand not in known:
                raise Mismatch("found undefined-operand", "an input or an earlier result", operand)
        known.add(name)
    for part in ("outputs", "updates"):
        if len(after[part]) != len(before[part]):
            raise Mismatch(f"wrong length of the {part}", str(len(before[part])), str(len(after[part])))
        for name in after[part]:
            if name not in known:
                raise Mismatch(
                    f"found undefined-{part.removesuffix('s')}", "an input or a result that is there", name
                )
    given = numbers_for(before, rng, special)
    wanted, came = values_of(before, given), values_of(after, given)
    for old, new in zip(ends_of(before), ends_of(after), strict=True):
        if bits(wanted[old]) != bits(came[new]):
            raise Mismatch("wrong value of the results", f"what %{old} was", f"%{new}")
    if most is not None and len(after["body"]) > most:
        raise Mismatch("too many instructions", str(most), str(len(after["body"])))
