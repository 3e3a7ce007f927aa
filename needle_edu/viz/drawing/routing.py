"""Curves between boxes that are already placed: from the lower side of one to the upper side of another.

The edges out of a node share a *chain* of dummy nodes, one in each layer that they cross, and leave it where their
target is. They enter the target side by side, sorted by where they come from (ties, as in `x * x`,
by operand), so that each remains visible.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

Point = tuple[float, float]


def route_edges(
    edges: Sequence[tuple[int, int]],
    chains: Mapping[int, Sequence[int]],
    across: Mapping[int, float],
    along: Mapping[int, float],
    extent: Mapping[int, tuple[float, float]],
    layer: Mapping[int, int],
    tops: Sequence[float],
    bottoms: Sequence[float],
) -> list[list[Point]]:
    """Smooth curves from the lower side of the source to the upper side of the target.

    Parameters
    ----------
    edges : sequence of (source, target)
    chains : mapping of source to its dummy nodes, one per layer that its edges cross
    across, along : mapping of node (or dummy) to its position within its layer, of node to that of its layer
    extent : mapping of node to its size in these two directions
    layer : mapping of node or dummy to the number of its layer
    tops, bottoms : where each layer begins and ends
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
            port[index] = across[target] + room * share
    # Only where a chain changes its direction does its curve need points.
    knots = {source: _knots(chain, across) for source, chain in chains.items()}
    paths = []
    for index, (source, target) in enumerate(edges):
        start = across[source] + (port[index] - across[target] if twins[source, target] > 1 else 0.0)
        points = [(start, along[source] + extent[source][1] / 2), (start, bottoms[layer[source]])]
        for place_in_chain in knots[source]:
            if place_in_chain >= crossed[index] - 1:  # the last dummy follows below
                break
            dummy = chains[source][place_in_chain]
            points += [(across[dummy], tops[layer[dummy]]), (across[dummy], bottoms[layer[dummy]])]
        if crossed[index]:
            dummy = chains[source][crossed[index] - 1]
            points += [(across[dummy], tops[layer[dummy]]), (across[dummy], bottoms[layer[dummy]])]
        points += [(port[index], tops[layer[target]]), (port[index], along[target] - extent[target][1] / 2)]
        paths.append(_smooth(points))
    return paths


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
