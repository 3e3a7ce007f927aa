"""A graph in boxes: what a module made lies in one box, and passes that repeat each other lie in one more.

A graph of a thousand nodes is read as its makers wrote it: a model of blocks, a block of layers, a layer of operations;
a recurrent network as one pass, so many times. `boxes_of` finds this tree. It changes nothing of the graph: a box holds
node ids and smaller boxes, in the order of the run, so edges between the parts of a box never make a cycle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from needle_edu.graph.calls import Call
from needle_edu.graph.nodes import Graph
from needle_edu.graph.repeats import find_repeats

PASSES, LOOP = (
    3,
    8,
)  # so many equal passes are rolled up, if they are modules or have so many operations together
FEW, SHOWN = 12, 3  # of more than a few passes the first ones and the last one lie apart from the others
PART, MANY = 60, 400  # a box of more than MANY items is cut into at most PART parts
NO_MODULE = ("", "repeat", "pass", "part")  # kinds of boxes


@dataclass(slots=True, eq=False)
class Box:
    """Nodes that belong together.

    Attributes
    ----------
    kind : str
        The module's class; "" for the whole graph, "repeat", "pass" or "part" for what no module made.
    title : str
        The module's name in the one around it, or what else the box is called.
    path : str
        Its full name, by which `focus` finds it.
    items : list of int or Box
        Node ids and boxes, in the order of the run.
    times : int
        How many passes a "repeat" holds; 1 otherwise.
    """

    kind: str = ""
    title: str = ""
    path: str = ""
    items: list[int | Box] = field(default_factory=list)
    times: int = 1

    def nodes(self) -> Iterator[int]:
        """Ids of all nodes inside, at any depth."""
        stack: list[int | Box] = [self]
        while stack:
            item = stack.pop()
            if isinstance(item, Box):
                stack.extend(reversed(item.items))
            else:
                yield item

    def boxes(self) -> Iterator[Box]:
        """This box and all boxes inside, outer ones first."""
        stack = [self]
        while stack:
            box = stack.pop()
            yield box
            stack.extend(reversed([item for item in box.items if isinstance(item, Box)]))


def boxes_of(graph: Graph, calls: Sequence[Call] = (), roll: bool = True, parts: bool = True) -> Box:
    """The tree of boxes of a graph.

    Parameters
    ----------
    graph : Graph
        With its nodes in the order of the run.
    calls : sequence of Call
        The modules' calls, outer ones first; none: no boxes of modules.
    roll : bool
        Whether passes that repeat each other are rolled up.
    parts : bool
        Whether what is too long to be read is cut into parts.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = y = ndl.Tensor([1.0])
    >>> for _ in range(5):
    ...     y = (y * 2).tanh()
    >>> tree = boxes_of(ndl.graph.graph_of(y))
    >>> tree.items[0].title, len(list(tree.nodes()))
    ('pass of 2 operations', 11)
    >>> tree.items[0].times, [box.title for box in tree.items[0].items]
    (5, ['pass 1', 'pass 2', 'pass 3', 'pass 4', 'pass 5'])
    """
    root = Box()
    _place_results(graph, calls, root)
    if roll:
        signature = _Signatures(graph)
        for box in reversed(list(root.boxes())):  # inner ones first: what is inside tells what repeats
            _roll(box, signature)
    if parts:
        for box in list(root.boxes()):
            _cut(box)
    _place_leaves(graph, calls, root, homes(root))
    for box in reversed(list(root.boxes())):
        box.items = [_alone(item) for item in box.items]
    return root


def _place_results(graph: Graph, calls: Sequence[Call], root: Box) -> None:
    """Put every result into the box of the innermost call that made it."""
    around = [root]
    open_calls: list[Call] = []
    waiting = list(reversed(calls))
    for node in sorted(
        (n for n in graph.nodes.values() if not n.is_leaf), key=lambda n: -1 if n.made is None else n.made
    ):
        made = -1 if node.made is None else node.made
        while open_calls and open_calls[-1].end < made:
            open_calls.pop()
            around.pop()
        while waiting and waiting[-1].begin < made:
            call = waiting.pop()
            if call.end > made:
                box = Box(call.kind, call.name, call.path)
                around[-1].items.append(box)
                around.append(box)
                open_calls.append(call)
        around[-1].items.append(node.id)
        node.module = node.module or around[-1].path


def _alone(item: int | Box) -> int | Box:
    """The operation itself, where a module did nothing else."""
    return (
        item.items[0]
        if isinstance(item, Box) and len(item.items) == 1 and isinstance(item.items[0], int)
        else item
    )


def _roll(box: Box, signature: _Signatures) -> None:
    """Put passes that repeat each other into a box of their own."""
    items: list[int | Box] = []
    place = 0
    for start, period, times in find_repeats([signature(item) for item in box.items], PASSES):
        if period * times < LOOP and all(isinstance(item, int) for item in box.items[start : start + period]):
            continue  # three of a kind are no loop
        items += box.items[place:start]
        place = start + period * times
        passes: list[int | Box] = [
            box.items[at] if period == 1 else Box("pass", f"pass {k + 1}", "", box.items[at : at + period])
            for k, at in enumerate(range(start, place, period))
        ]
        first, path = passes[0], f"{box.path}." if box.path else ""
        title = f"pass of {period} operations" if period > 1 else signature.name(first)
        path += title
        for k, one in enumerate(passes):
            if period > 1 and isinstance(one, Box):
                one.path = f"{path}:{k + 1}"
        if times > FEW:  # between the first and the last ones
            middle = Box("part", f"passes {SHOWN + 1} to {times - 1}", f"{path}.middle", passes[SHOWN:-1])
            passes = [*passes[:SHOWN], middle, passes[-1]]
        items.append(Box("repeat", title, path, passes, times))
    box.items = items + box.items[place:]


class _Signatures:
    """Numbers for items; equal numbers for items of the same operations and shapes."""

    def __init__(self, graph: Graph):
        self.graph = graph
        self.known: dict[tuple, int] = {}
        self.operands: dict[int, int] = {}
        for edge in graph.edges:
            self.operands[edge.target] = self.operands.get(edge.target, 0) + 1

    def __call__(self, item: int | Box) -> int:
        if isinstance(item, Box):
            what: tuple = (item.kind, item.times, *[self(part) for part in item.items])
        else:
            node = self.graph.nodes[item]
            what = (node.op, node.shape, node.dtype, self.operands.get(item, 0))
        return self.known.setdefault(what, len(self.known))

    def name(self, item: int | Box) -> str:
        if isinstance(item, Box):
            return item.kind
        return self.graph.nodes[item].op or ""


def _cut(box: Box) -> None:
    """Cut a long box into parts, and long parts again."""
    if len(box.items) <= MANY:
        return
    size = max(PART, -(-len(box.items) // PART))
    parts: list[int | Box] = []
    for start in range(0, len(box.items), size):
        title = f"part {len(parts) + 1}"
        part = Box(
            "part", title, f"{box.path}.{title}" if box.path else title, box.items[start : start + size]
        )
        _cut(part)
        parts.append(part)
    box.items = parts


def homes(root: Box) -> dict[int, list[Box]]:
    """Of every node the boxes around it, outermost first.

    Examples
    --------
    >>> inner = Box(title="inner", items=[2])
    >>> [box.title for box in homes(Box(title="outer", items=[1, inner]))[2]]
    ['outer', 'inner']
    """
    home: dict[int, list[Box]] = {}
    stack = [[root]]
    while stack:
        chain = stack.pop()
        for item in chain[-1].items:
            if isinstance(item, Box):
                stack.append([*chain, item])
            else:
                home[item] = chain
    return home


def _place_leaves(graph: Graph, calls: Sequence[Call], root: Box, home: dict[int, list[Box]]) -> None:
    """Put a parameter into the innermost box around all its uses; data stays outside of modules, if not in a loop."""
    parameters = {key for call in calls for key in call.parameters}
    guess = not all(call.alive for call in calls)  # of modules that are gone
    common: dict[int, list[Box]] = {}
    first: dict[int, int] = {}
    for edge in graph.edges:
        if graph.nodes[edge.source].is_leaf and edge.target in home:
            chain = home[edge.target]
            if edge.source in common:
                pairs = zip(common[edge.source], chain, strict=False)
                common[edge.source] = [a for a, b in pairs if a is b]
            else:
                common[edge.source], first[edge.source] = chain, edge.target
    waiting: dict[int, dict[int | Box | None, list[int]]] = {}  # per box: the leaves to come before each item
    boxes: dict[int, Box] = {}
    for node in graph.nodes.values():
        if not node.is_leaf:
            continue
        chain = common.get(node.id, [root])
        if node.id not in parameters and not (node.requires_grad and guess):
            kinds = [box.kind for box in chain]
            outside = next((k for k, kind in enumerate(kinds) if kind not in NO_MODULE), len(chain))
            chain = chain if "repeat" in kinds[:-1] else chain[:outside]
        box = chain[-1]
        boxes[id(box)] = box
        before: int | Box | None = first.get(node.id)
        if before is not None and len(chain) < len(home[first[node.id]]):
            before = home[first[node.id]][len(chain)]
        waiting.setdefault(id(box), {}).setdefault(before, []).append(node.id)
    for key, leaves in waiting.items():
        items: list[int | Box] = []
        for item in boxes[key].items:
            items += [*leaves.pop(item, []), item]
        boxes[key].items = items + [leaf for rest in leaves.values() for leaf in rest]
