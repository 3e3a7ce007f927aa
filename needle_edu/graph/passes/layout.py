"""Layout choice: in which order of axes, and in which shape, elementwise instructions compute.

An elementwise function does not care where its elements lie: f(xᵀ) = f(x)ᵀ. So a region, elementwise instructions that
take one another's results, may as well compute on what comes before a permutation or a reshape as on what comes behind
it; its results are then seen through the view that takes this back. Often such a view meets the next one, and both are
gone:

    conv → NCHW to NHWC → relu → NHWC to NCHW → conv        becomes        conv → relu → conv

For each region, each layout that one of the views at its border suggests is a candidate. Views cost the bytes that are
seen through them, and the region gets the layout whose border costs least, if that is less than it costs now. The
numbers of the region are the same to the last bit. A sum or a product that is given its operand in another order in
memory may add in another order, and then rounds differently.
"""

from __future__ import annotations

from needle_edu.graph.static.program import Program

from .dead_code import dead_code
from .moving import moved
from .regions import regions


def layout(program: Program) -> Program:
    """Return the program in which each elementwise region computes in the layout that costs the fewest views.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([[1.0, 2.0, 3.0]])
    >>> program = ndl.graph.capture(lambda x: (x.T.exp() * 2).reshape((3,)).tanh().reshape((3, 1)).T, x)
    >>> [one.op.name for one in program.body]
    ['transpose', 'exp', 'mul_scalar', 'reshape', 'tanh', 'reshape', 'transpose']
    >>> print(layout(program))
    program lambda(%x: float32[1,3]) on cpu() {
      %8 = exp(%x) : float32[1,3]
      %9 = mul_scalar(%8) {scalar: 2} : float32[1,3]
      %10 = tanh(%9) : float32[1,3]
      return %10
    }
    """
    program, changed = dead_code(program), True
    while changed:  # each change makes the views cheaper, so there is a last one
        changed = False
        for region in regions(program):
            costs = {view: region.cost(view) for view in region.suggested()}
            best = min(costs, key=costs.__getitem__, default=None)
            if best is not None and costs[best] < region.cost(region.as_it_is):
                program, changed = dead_code(moved(region, best)), True
                break
    return program
