"""The computation graph as data: nodes for values, edges for operands.

Three things that graphs often lose are kept here: a value used by several operations is ONE node with several
outgoing edges; `x * x` is two edges from `x`, not one; and every edge knows which operand it is, because `a - b` is
not `b - a`. Nodes are known by value ids, never by the values' objects, so a graph keeps no tensor alive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from needle_edu.graph.calls import Call
from needle_edu.graph.opinfo import op_info
from needle_edu.graph.snapshot import Snapshot


@dataclass(slots=True)
class Node:
    """One value: a leaf (its `op` is None) or the result of an operation.

    Attributes
    ----------
    id : int
        The engine's value id.
    op : str or None
        Name of the operation, None for a leaf.
    name : str or None
        The label the learner gave (`x.name`) or the variable that holds it.
    label : str
        What it is called: the name, or `v3` for the third unnamed value (`x3` for a leaf).
    shape, dtype, requires_grad, module, source, attrs
        As in the event.
    value, grad : Snapshot or None
        None means absent: not computed (lazy mode), no gradient.
    absent : str
        Why there is no gradient, if there is none.
    device, nbytes, time_ns
        Where its array is, and its size in bytes; how long the operation took, if somebody listened (else 0).
    made : int or None
        Its place in the order of the run; None for a leaf.
    seen : bool
        False if only its use was seen: it was made before the recording began.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> graph = ndl.graph.graph_of(ndl.Tensor([3.0]) * 2)
    >>> [(node.op, node.shape) for node in graph.nodes.values()]
    [(None, (1,)), ('mul_scalar', (1,))]
    """

    id: int
    op: str | None = None
    name: str | None = None
    label: str = ""
    shape: tuple = ()
    dtype: str = ""
    requires_grad: bool = False
    module: str = ""
    source: tuple | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    value: Snapshot | None = None
    grad: Snapshot | None = None
    absent: str = "no gradient"
    device: str = ""
    nbytes: int = 0
    time_ns: int = 0
    made: int | None = None
    seen: bool = True

    @property
    def is_leaf(self) -> bool:
        """Whether no operation made this value."""
        return self.op is None

    @property
    def symbol(self) -> str:
        """Sign of the operation, e.g. "×"; empty for a leaf."""
        return op_info(self.op).symbol if self.op else ""

    @property
    def shape_text(self) -> str:
        """The shape in words; a tuple of arrays has none."""
        if not self.seen:
            return "made before the recording"
        return f"tuple of {len(self.value.parts)}" if self.value and self.value.parts else str(self.shape)


@dataclass(frozen=True, slots=True)
class Edge:
    """Operand number `operand` of node `target` is the value of node `source`.

    Examples
    --------
    >>> Edge(source=1, target=2, operand=0)
    Edge(source=1, target=2, operand=0)
    """

    source: int
    target: int
    operand: int


@dataclass(slots=True)
class Graph:
    """Nodes by id in the order of creation, and edges in operand order.

    Examples
    --------
    >>> g = Graph()
    >>> g.add(Node(1, name="x")); g.add(Node(2, op="multiply"), inputs=(1, 1))
    >>> [(e.source, e.operand) for e in g.edges], g.multiplicity(1, 2)
    ([(1, 0), (1, 1)], 2)
    """

    nodes: dict[int, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)  # of the modules that made the nodes
    hidden: int = 0  # so many nodes were left out of a drawing, their edges joined

    def add(self, node: Node, inputs: Iterable[int] = ()) -> None:
        """Add a node and one edge per operand; an input never heard of becomes a leaf."""
        self.nodes[node.id] = node
        for operand, source in enumerate(inputs):
            if source not in self.nodes:
                self.nodes[source] = Node(source, seen=False)
            self.edges.append(Edge(source, node.id, operand))

    def inputs(self, node_id: int) -> list[int]:
        """Ids of a node's operands, in operand order."""
        return [edge.source for edge in self.edges if edge.target == node_id]

    def multiplicity(self, source: int, target: int) -> int:
        """How many operands of `target` are the value `source`."""
        return sum(edge.source == source and edge.target == target for edge in self.edges)

    def uses(self) -> dict[int, int]:
        """For every node, how many operand places it fills."""
        count = dict.fromkeys(self.nodes, 0)
        for edge in self.edges:
            count[edge.source] += 1
        return count

    def near(self, node_id: int, depth: int) -> Graph:
        """The part of the graph at most `depth` edges before `node_id`."""
        before: dict[int, list[int]] = {}
        for edge in self.edges:
            before.setdefault(edge.target, []).append(edge.source)
        keep, frontier = {node_id}, [node_id]
        for _ in range(depth):
            frontier = [s for t in frontier for s in before.get(t, ()) if s not in keep]
            keep.update(frontier)
        nodes = {k: n for k, n in self.nodes.items() if k in keep}
        return Graph(nodes, [e for e in self.edges if e.source in keep and e.target in keep], self.calls)
