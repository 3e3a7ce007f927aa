"""Coordinates for nodes whose layer and order are known, the last step of a layered layout.

Every node would like to stand at the mean of its neighbours' positions. The nearest positions that keep the order and
leave room for the widths are a least-squares problem, which isotonic regression solves exactly in linear time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

LAYER_GAP = 46.0
NODE_GAP = 26.0
SWEEPS = 12
DUMMY_STIFFNESS = 1e6  # long edges stay straight, boxes make way


def place(
    layers: Sequence[Sequence[int]],
    segments: Sequence[tuple[int, int]],
    widths: Mapping[int, float],
    weights: Mapping[tuple[int, int], float],
) -> dict[int, float]:
    """Positions across the layers: near the neighbours' mean, in order, never overlapping.

    A node follows only those of its edges that weigh most, and makes the less way for others the more they weigh.
    """
    above: dict[int, list[int]] = {n: [] for n in widths}
    below: dict[int, list[int]] = {n: [] for n in widths}
    for upper, lower in segments:
        below[upper].append(lower)
        above[lower].append(upper)
    pull = {
        (a, b): weight
        for (upper, lower), weight in weights.items()
        for a, b in ((upper, lower), (lower, upper))
    }
    firm = {n: max([pull.get((n, f), 1.0) for f in above[n] + below[n]], default=1.0) for n in widths}
    x: dict[int, float] = {}
    for row in layers:
        edge = 0.0
        for node in row:
            x[node] = edge + widths[node] / 2
            edge += widths[node] + NODE_GAP
        for node in row:
            x[node] -= edge / 2
    for sweep in range(SWEEPS):
        down, settling = sweep % 2 == 0, sweep >= SWEEPS - 2
        for row in layers if down else reversed(layers):
            wanted = []
            for node in row:
                friends = above[node] if down else below[node]
                if settling:  # below its main input, if it has one, else between all neighbours
                    main = [f for f in above[node] if (node, f) in pull and pull[node, f] == firm[node] > 1]
                    friends = main or above[node] + below[node]
                if node < 0:  # a chain of dummy nodes follows itself, not the boxes it feeds
                    friends = [f for f in friends if f < 0] or friends
                heaviest = max([pull.get((node, f), 1.0) for f in friends], default=1.0)
                friends = [f for f in friends if pull.get((node, f), 1.0) == heaviest]
                wanted.append(sum(x[f] for f in friends) / len(friends) if friends else x[node])
            stiff = [DUMMY_STIFFNESS if node < 0 else firm[node] ** 2 for node in row]
            for node, position in zip(
                row, keep_apart(wanted, [widths[n] for n in row], weights=stiff), strict=True
            ):
                x[node] = position
    return x


def keep_apart(
    wanted: Sequence[float],
    widths: Sequence[float],
    gap: float = NODE_GAP,
    weights: Sequence[float] | None = None,
) -> list[float]:
    """Positions closest to `wanted` (weighted least squares), in order, with `gap` between neighbours.

    After subtracting each node's least distance from the first one, "in order and apart" reads "never
    decreasing": isotonic regression. Pool adjacent violators: neighbours in the wrong order become one block,
    placed at their mean.

    Examples
    --------
    >>> keep_apart([5.0, 5.0], [10.0, 10.0], gap=2.0)
    [-1.0, 11.0]
    """
    offsets, edge = [], 0.0
    for i, width in enumerate(widths):
        edge += (widths[i - 1] + width) / 2 + gap if i else 0.0
        offsets.append(edge)
    blocks: list[list[float]] = []  # [weighted sum, weight, number of members]
    for want, offset, weight in zip(wanted, offsets, weights or [1.0] * len(offsets), strict=True):
        blocks.append([weight * (want - offset), weight, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    means = [total / weight for total, weight, members in blocks for _ in range(int(members))]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]


def layer_bands(layers: Sequence[Sequence[int]], extent: Mapping[int, tuple[float, float]]):
    """Top and bottom of every layer: as high as its highest node, a gap between two."""
    tops, bottoms, edge = [], [], 0.0
    for row in layers:
        height = max((extent[n][1] for n in row if n in extent), default=0.0)
        tops.append(edge)
        bottoms.append(edge + height)
        edge += height + LAYER_GAP
    return tops, bottoms
