"""Dead-code elimination: what nobody reads need not be computed."""

from __future__ import annotations

from needle_edu.graph.static.program import Program


def dead_code(program: Program) -> Program:
    """Return the program without what has no influence on its outputs and updates.

    From the end: an instruction is live if its result is returned, written somewhere, or an operand of a live one.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> def f(x):
    ...     unused = (x * 2).exp()
    ...     return x + 1
    >>> print(dead_code(ndl.graph.capture(f, ndl.Tensor([0.0]))))
    program f(%x: float32[1]) on cpu() {
      %2 = add_scalar(%x) {scalar: 1} : float32[1]
      return %2
    }
    """
    live = set(program.results())
    body = []
    for one in reversed(program.body):
        if one.name in live:
            live.update(one.inputs)
            body.append(one)
    return program.with_(
        body=tuple(reversed(body)),
        constants={name: numbers for name, numbers in program.constants.items() if name in live},
    )
