"""Curves between boxes that are already placed: from the lower side of one to the upper side of another.

The edges out of a node share a *chain* of dummy nodes, one in each layer that they cross, and leave it where their
target is. They enter the target side by side, sorted by where they come from (ties, as in `x * x`,
by operand), so that each remains visible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

Point = tuple[float, float]


Via = tuple[int, float]  # a node or dummy node that a curve touches, and how far from its middle


def route_edges(
    edges: Sequence[tuple[int, int]],
    chains: Mapping[int, Sequence[int]],
    across: Mapping[int, float],
    extent: Mapping[int, tuple[float, float]],
    layer: Mapping[int, int],
) -> list[list[Via]]:
    """For every edge what its curve touches: the source, dummy nodes where it bends, the target.

    Parameters
    ----------
    edges : sequence of (source, target)
    chains : mapping of source to its dummy nodes, one per layer that its edges cross
    across : mapping of node (or dummy) to its position within its layer
    extent : mapping of node to its size across and along the layers' direction
    layer : mapping of node or dummy to the number of its layer
    """
    crossed = [max(0, min(layer[t] - layer[s] - 1, len(chains[s]))) for s, t in edges]
    entering: dict[int, list[int]] = {}
    twins: dict[tuple[int, int], int] = {}
    for index, edge in enumerate(edges):
        entering.setdefault(edge[1], []).append(index)
        twins[edge] = twins.get(edge, 0) + 1
    port: dict[int, float] = {}
    for target, incoming in entering.items():
        origin = {i: chains[edges[i][0]][crossed[i] - 1] if crossed[i] else edges[i][0] for i in incoming}
        incoming.sort(key=lambda i: (across[origin[i]], i))
        room = min(extent[target][0] * 0.6, 24.0 * (len(incoming) - 1))
        for rank, index in enumerate(incoming):
            share = rank / (len(incoming) - 1) - 0.5 if len(incoming) > 1 else 0.0
            port[index] = room * share
    # Only where a chain changes its direction does its curve need points.
    knots = {source: _knots(chain, across) for source, chain in chains.items()}
    routes: list[list[Via]] = []
    for index, (source, target) in enumerate(edges):
        route = [(source, port[index] if twins[source, target] > 1 else 0.0)]
        last = crossed[index] - 1
        route += [(chains[source][k], 0.0) for k in knots[source] if k < last]
        if crossed[index]:
            route.append((chains[source][last], 0.0))
        routes.append([*route, (target, port[index])])
    return routes


def curve(
    route: Sequence[Via],
    across: Mapping[int, float],
    along: Mapping[int, float],
    extent: Mapping[int, tuple[float, float]],
    layer: Mapping[int, int],
    tops: Sequence[float],
    bottoms: Sequence[float],
) -> list[Point]:
    """A smooth curve along a route; `along` says where nodes stand, `tops` and `bottoms` where layers begin and end."""
    source, start = route[0]
    target, end = route[-1]
    start, end = across[source] + start, across[target] + end
    points = [(start, along[source] + extent[source][1] / 2), (start, bottoms[layer[source]])]
    for dummy, _ in route[1:-1]:
        points += [(across[dummy], tops[layer[dummy]]), (across[dummy], bottoms[layer[dummy]])]
    points += [(end, tops[layer[target]]), (end, along[target] - extent[target][1] / 2)]
    return _smooth(points)


def _knots(chain: Sequence[int], across: Mapping[int, float]) -> list[int]:
    """Indices of the dummy nodes that are not exactly between two others at the same position."""
    x = [across[dummy] for dummy in chain]
    return [
        i
        for i in range(len(x))
        if i in (0, len(x) - 1) or not abs(x[i] - x[i - 1]) + abs(x[i] - x[i + 1]) < 0.5
    ]


def _smooth(points: Sequence[Point]) -> list[Point]:
    """Cubic Bézier control points through `points`, leaving and arriving along the layers' direction."""
    path = [points[0]]
    for (x0, y0), (x1, y1) in pairwise(points):
        if y1 <= y0:
            continue
        middle = (y0 + y1) / 2
        path += [(x0, middle), (x1, middle), (x1, y1)]
    return path
