"""Drawing a graph in layers, the method of Sugiyama, Tagawa and Toda (1981), in plain Python.

Four steps, each a function. (1) `assign_layers`: a node goes one layer below its lowest operand, so that every edge
points the same way. (2) `insert_dummies`: an edge that crosses a layer gets a dummy node there, small and invisible, so
that it is routed around the others. (3) `order_layers`: nodes of a layer are sorted by the median position of their
neighbours, sweep after sweep, because that removes crossings (Eades and Wormald, 1994). (4) `placement.place`:
coordinates as close to the neighbours' mean as the order and the widths allow. The curves between the nodes are
`routing`'s.

It returns coordinates only; `svg` draws. The longest way through a graph runs straight down (`edge_weights`), and the
long edges of one value share a line: in computation graphs, where one parameter may be used in a thousand places, that
is easier to read than what general layouts do, and it takes milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from needle_edu.graph import Graph
from needle_edu.viz.drawing.placement import layer_bands, place
from needle_edu.viz.drawing.routing import Point, Via, curve, route_edges

DUMMY_WIDTH = 10.0
SWEEPS = 12
MAX_DUMMIES = 20_000


@dataclass(slots=True)
class Layout:
    """Where everything goes, in pixels, y pointing down.

    Attributes
    ----------
    centers : dict of node id to (x, y)
    paths : list of list of points
        One per edge, in the order given: control points of cubic Bézier pieces (1 + 3 k points).
    width, height : float
    rows : list of list of int
        The layers, dummy nodes among them (negative).
    across : dict of node or dummy node to its place in its layer
    routes : list of list of (node or dummy node, offset)
        What each edge's curve touches.
    """

    centers: dict[int, Point]
    paths: list[list[Point]]
    width: float
    height: float
    rows: list[list[int]]
    across: dict[int, float]
    routes: list[list[Via]]


def layered_layout(
    sizes: Mapping[int, tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    direction: str = "TB",
    weights: Sequence[int] | None = None,
) -> Layout:
    """Lay out an acyclic graph.

    Parameters
    ----------
    sizes : mapping of node id to (width, height)
    edges : sequence of (source, target)
        Parallel edges are kept apart.
    direction : {"TB", "LR"}
        Layers from top to bottom or from left to right.
    weights : sequence of int, optional
        How much each edge wants to be straight; 1 by default.

    Examples
    --------
    >>> lay = layered_layout({1: (40, 20), 2: (40, 20)}, [(1, 2), (1, 2)])
    >>> lay.centers[1][1] < lay.centers[2][1], len(lay.paths)
    (True, 2)
    """
    if direction not in ("TB", "LR"):
        raise ValueError(f"viz: direction={direction!r}; it is 'TB' (top to bottom) or 'LR' (left to right)")
    if not sizes:
        return Layout({}, [], 0.0, 0.0, [], {}, [])
    turned = direction == "LR"
    extent = {node: (h, w) if turned else (w, h) for node, (w, h) in sizes.items()}
    layer = assign_layers(list(sizes), edges)
    segments, chains, layer = insert_dummies(edges, layer)
    layers = order_layers(layer, segments)
    widths = {node: extent[node][0] if node in extent else DUMMY_WIDTH for node in layer}
    heavy = dict(zip(edges, weights, strict=True)) if weights else {}
    across = place(layers, segments, widths, heavy)
    tops, bottoms = layer_bands(layers, extent)
    along = {node: (tops[layer[node]] + bottoms[layer[node]]) / 2 for node in sizes}
    left = min(across[n] - widths[n] / 2 for n in layer)
    across = {n: x - left for n, x in across.items()}
    wide = max(across[n] + widths[n] / 2 for n in layer)
    routes = route_edges(edges, chains, across, extent, layer)
    paths = [curve(route, across, along, extent, layer, tops, bottoms) for route in routes]
    centers = {n: (across[n], along[n]) for n in sizes}
    if turned:
        centers = {n: (y, x) for n, (x, y) in centers.items()}
        paths = [[(y, x) for x, y in path] for path in paths]
    width, height = (bottoms[-1], wide) if turned else (wide, bottoms[-1])
    return Layout(centers, paths, width, height, layers, across, routes)


def edge_weights(graph: Graph) -> list[int]:
    """How much each edge wants to be straight: the longest way through a node runs on, others come from a side.

    Examples
    --------
    >>> from needle_edu.graph import Node
    >>> g = Graph(); g.add(Node(1)); g.add(Node(2)); g.add(Node(3, op="matmul"), (1, 2))
    >>> g.add(Node(4, op="add"), (2, 3))
    >>> edge_weights(g)
    [256, 1, 1, 256]
    """
    return straightness([(edge.source, edge.target) for edge in graph.edges])


def straightness(edges: Sequence[tuple[int, int]]) -> list[int]:
    """As `edge_weights`, of pairs (source, target) in which every edge into a node comes before those out of it.

    The longest way to a result weighs more than that through a side branch, which makes way for it.
    """
    depth: dict[int, int] = {}
    main: dict[int, int] = {}  # of every node its deepest input, the first of them
    for source, target in edges:
        if target not in main or depth.get(source, 0) > depth.get(main[target], 0):
            main[target] = source
            depth[target] = depth.get(source, 0) + 1
    sources = {source for source, _ in edges}
    longest = set()  # the nodes on it
    for node in main.keys() - sources:
        while node in main and node not in longest:
            longest.add(node)
            node = main[node]
    return [(256 if target in longest else 16) if main[target] == source else 1 for source, target in edges]


def assign_layers(nodes: Sequence[int], edges: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Longest path from a leaf; then nodes that feed more than they are fed by move down, to just above their use.

    So leaves, and what is computed from them alone, stand where they are needed, and curves stay short. An input that
    others use, too, does not count: its curve leads past them anyway.

    Examples
    --------
    >>> assign_layers([1, 2, 3, 4], [(1, 2), (2, 3), (4, 3)])
    {1: 0, 4: 1, 2: 1, 3: 2}
    """
    users: dict[int, list[int]] = {n: [] for n in nodes}
    waiting = dict.fromkeys(nodes, 0)
    fed_by: dict[int, set[int]] = {n: set() for n in nodes}
    for source, target in edges:
        users[source].append(target)
        waiting[target] += 1
        fed_by[target].add(source)
    leaves = [n for n in nodes if waiting[n] == 0]
    ready, layer = list(leaves), dict.fromkeys(leaves, 0)
    for node in ready:  # grows while we walk: Kahn's topological order
        for user in users[node]:
            layer[user] = max(layer.get(user, 0), layer[node] + 1)
            waiting[user] -= 1
            if waiting[user] == 0:
                ready.append(user)
    if len(ready) < len(nodes):
        raise ValueError("layered_layout: the graph has a cycle; a computation graph never has one")
    for node in reversed(ready):  # users before what they use
        own = [source for source in fed_by[node] if all(user == node for user in users[source])]
        if users[node] and len(own) <= len(set(users[node])):
            layer[node] = min(layer[user] for user in users[node]) - 1
    return {node: layer[node] for node in ready}


def insert_dummies(edges: Sequence[tuple[int, int]], layer: Mapping[int, int]):
    """Break edges that span several layers by one dummy node per layer crossed.

    The long edges of one source share one chain of dummy nodes and leave it where their targets are: a parameter used
    in a thousand places needs a thousand dummy nodes, not half a million.

    Returns
    -------
    segments : list of (upper, lower)
        Pieces between neighbouring layers; dummy nodes have negative ids.
    chains : dict of source to list of int
        Its dummy nodes, layer after layer.
    layer : dict
        Layers of nodes and dummy nodes.
    """
    layer = dict(layer)
    segments: list[tuple[int, int]] = []
    chains: dict[int, list[int]] = {}
    next_id = min([0, *layer]) - 1
    total = 0
    for source, target in edges:
        chain = chains.setdefault(source, [])
        crossed = layer[target] - layer[source] - 1
        while len(chain) < crossed and total < MAX_DUMMIES:
            layer[next_id] = layer[source] + 1 + len(chain)
            segments.append((chain[-1] if chain else source, next_id))
            chain.append(next_id)
            next_id -= 1
            total += 1
        if len(chain) >= crossed:  # else there are too many dummies: this edge is drawn as one long curve
            segments.append((chain[crossed - 1] if crossed else source, target))
    return segments, chains, layer


def order_layers(layer: Mapping[int, int], segments: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Sort the nodes of every layer so that few edges cross."""
    above: dict[int, list[int]] = {n: [] for n in layer}
    below: dict[int, list[int]] = {n: [] for n in layer}
    for upper, lower in segments:
        below[upper].append(lower)
        above[lower].append(upper)
    layers: list[list[int]] = [[] for _ in range(max(layer.values()) + 1)]
    # First order: walk up from the outputs, operands left to right, as one would write the formula.
    seen: set[int] = set()
    for root in (n for n in layer if not below[n]):
        stack = [root]
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                layers[layer[node]].append(node)
                stack.extend(reversed(above[node]))
    best, fewest = [list(row) for row in layers], count_crossings(layers, below)
    position = _positions(layers)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        for row in layers if down else reversed(layers):
            _sort_by_median(row, above if down else below, position)
            position.update((node, i) for i, node in enumerate(row))
        crossings = count_crossings(layers, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in layers], crossings
    return best


def _positions(layers: Sequence[Sequence[int]]) -> dict[int, int]:
    return {node: i for row in layers for i, node in enumerate(row)}


def _sort_by_median(row: list[int], neighbours: Mapping[int, list[int]], position: Mapping[int, int]) -> None:
    """Stable sort by the neighbours' median position; a node without neighbours keeps its place."""
    key = {}
    for i, node in enumerate(row):
        places = sorted(position[n] for n in neighbours[node])
        middle = len(places) // 2
        if not places:
            key[node] = float(i)
        elif len(places) % 2:
            key[node] = float(places[middle])
        else:
            key[node] = (places[middle - 1] + places[middle]) / 2
    row.sort(key=key.__getitem__)


def count_crossings(layers: Sequence[Sequence[int]], below: Mapping[int, list[int]]) -> int:
    """Number of crossing segments: inversions between neighbouring layers.

    Examples
    --------
    >>> count_crossings([[1, 2], [3, 4]], {1: [4], 2: [3], 3: [], 4: []})
    1
    """
    position = _positions(layers)
    total = 0
    for row in layers:
        ends: list[int] = []
        for node in row:
            places = sorted(position[n] for n in below[node])
            total += sum(len(ends) - bisect_left(ends, p + 1) for p in places)
            for p in places:
                insort(ends, p)
    return total
