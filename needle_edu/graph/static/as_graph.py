"""A program as a graph of nodes and edges, for those who draw it (`viz.draw`)."""

from __future__ import annotations

from needle_edu.graph.nodes import Graph, Node

from .array_type import Type
from .program import Program


def as_graph(program: Program) -> Graph:
    """Return the values of a program as nodes, in its order; there are no numbers yet, only types.

    Inputs, sources and constants are leaves. What the program returns or writes is called so.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> graph = as_graph(ndl.graph.capture(lambda x: x * x + 1, ndl.Tensor([0.0])))
    >>> [(node.label, node.op) for node in graph.nodes.values()]
    [('x', None), ('%0', 'multiply'), ('%1, returned', 'add_scalar')]
    """
    types, numbers = program.types(), {name: place for place, name in enumerate(program.types())}
    ends = dict.fromkeys((name for name, _ in program.updates), "written")
    ends |= dict.fromkeys(program.outputs, "returned")
    graph = Graph()
    used = program.uses()
    made = {one.name: one for one in program.body}
    for name, number in numbers.items():
        if name not in made and not used[name]:
            continue
        one, type_ = made.get(name), types[name]
        node = Node(number, label=f"%{name}" if one else name)
        if name in ends:
            node.label += f", {ends[name]}"
        if isinstance(type_, Type):
            node.shape, node.dtype, node.nbytes = type_.shape, type_.dtype, type_.nbytes
        if one is not None:
            node.op, node.attrs, node.module, node.source = one.op.name, one.attributes, one.module, one.line
        graph.add(node, [numbers[operand] for operand in one.inputs] if one else ())
    return graph
