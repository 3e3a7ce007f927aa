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

    def heaviest(node: int, friends: list[int]) -> list[int]:
        if node < 0:  # a chain of dummy nodes follows itself, not the boxes it feeds
            friends = [f for f in friends if f < 0] or friends
        if len(friends) < 2:
            return friends
        pulls = [pull.get((node, f), 1.0) for f in friends]
        most = max(pulls)
        return [f for f, force in zip(friends, pulls, strict=True) if force == most]

    def settled(node: int) -> list[int]:  # below its main input, if it has one, else between all neighbours
        main = [f for f in above[node] if firm[node] > 1 and pull.get((node, f)) == firm[node]]
        return heaviest(node, main or above[node] + below[node])

    # Whom a node follows on the way down, on the way up, and in the last two sweeps.
    follows = [
        {n: heaviest(n, above[n]) for n in widths},
        {n: heaviest(n, below[n]) for n in widths},
        {n: settled(n) for n in widths},
    ]
    sizes = [[widths[n] for n in row] for row in layers]
    stiff = [[DUMMY_STIFFNESS if n < 0 else firm[n] ** 2 for n in row] for row in layers]
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
        friends = follows[2 if settling else 0 if down else 1]
        for number in range(len(layers)) if down else reversed(range(len(layers))):
            row = layers[number]
            wanted = []
            for node in row:
                near = friends[node]
                wanted.append(sum([x[f] for f in near]) / len(near) if near else x[node])
            x.update(zip(row, keep_apart(wanted, sizes[number], weights=stiff[number]), strict=True))
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
