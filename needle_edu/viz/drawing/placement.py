"""Coordinates for nodes whose layer and order are known, the last step of a layered layout.

Every node would like to stand at the mean of its neighbours' positions. The nearest positions that keep the order and
leave room for the widths are a least-squares problem, which isotonic regression solves exactly in linear time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import le

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
    least = [least_places(row) for row in sizes]

    def force(node: int, friends: list[int]) -> float:  # a side branch that follows a light edge makes way
        if node < 0:
            return DUMMY_STIFFNESS
        return max([pull.get((node, f), 1.0) for f in friends], default=1.0) ** 2

    stiff = [[[force(n, who[n]) for n in row] for row in layers] for who in follows]
    x: dict[int, float] = {}
    for row in layers:
        edge = 0.0
        for node in row:
            x[node] = edge + widths[node] / 2
            edge += widths[node] + NODE_GAP
        for node in row:
            x[node] -= edge / 2

    def sweep(which: int, numbers: Iterable[int]) -> bool:
        """Place row after row; return whether a node moved."""
        moved, friends = False, follows[which]
        for number in numbers:
            row, before, wanted = layers[number], [], []
            for node in row:
                near, here = friends[node], x[node]
                before.append(here)
                if len(near) == 1:
                    wanted.append(x[near[0]])
                else:
                    wanted.append(sum([x[f] for f in near]) / len(near) if near else here)
            placed = nearest_in_order(wanted, least[number], stiff[which][number])
            if placed != before:
                moved = True
                x.update(zip(row, placed, strict=True))
        return moved

    downwards, upwards = range(len(layers)), range(len(layers) - 1, -1, -1)
    for _ in range(SWEEPS // 2 - 1):
        if not sweep(0, downwards) | sweep(1, upwards):
            break  # so would all further ones leave it
    for numbers in (downwards, upwards):
        sweep(2, numbers)
    return x


def keep_apart(
    wanted: Sequence[float],
    widths: Sequence[float],
    gap: float = NODE_GAP,
    weights: Sequence[float] | None = None,
) -> list[float]:
    """Positions closest to `wanted` (weighted least squares), in order, with `gap` between neighbours.

    Examples
    --------
    >>> keep_apart([5.0, 5.0], [10.0, 10.0], gap=2.0)
    [-1.0, 11.0]
    """
    return nearest_in_order(wanted, least_places(widths, gap), weights or [1.0] * len(wanted))


def least_places(widths: Sequence[float], gap: float = NODE_GAP) -> list[float]:
    """How far each node of a row is from the first one, if they stand as near to each other as they may.

    Examples
    --------
    >>> least_places([10.0, 20.0, 10.0], gap=2.0)
    [0.0, 17.0, 34.0]
    """
    places, edge = [], 0.0
    for i, width in enumerate(widths):
        edge += (widths[i - 1] + width) / 2 + gap if i else 0.0
        places.append(edge)
    return places


def nearest_in_order(
    wanted: Sequence[float], least: Sequence[float], weights: Sequence[float]
) -> list[float]:
    """Positions closest to `wanted` (weighted least squares) that are at least as far apart as the `least` places are.

    After subtracting each node's least place, "in order and apart" reads "never decreasing": isotonic regression.
    Pool adjacent violators: neighbours in the wrong order become one block, placed at their mean.

    Examples
    --------
    >>> nearest_in_order([5.0, 5.0], [0.0, 12.0], [1.0, 3.0])
    [-4.0, 8.0]
    """
    free = [want - place for want, place in zip(wanted, least, strict=True)]
    if all(map(le, free, free[1:])):  # in most rows nobody is in the way
        return list(wanted)
    blocks: list[list[float]] = []  # [weighted sum, weight, number of members]
    for place, weight in zip(free, weights, strict=True):
        blocks.append([weight * place, weight, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    means = [total / weight for total, weight, members in blocks for _ in range(int(members))]
    return [mean + place for mean, place in zip(means, least, strict=True)]


def layer_bands(layers: Sequence[Sequence[int]], extent: Mapping[int, tuple[float, float]]):
    """Top and bottom of every layer: as high as its highest node, a gap between two."""
    tops, bottoms, edge = [], [], 0.0
    for row in layers:
        height = max((extent[n][1] for n in row if n in extent), default=0.0)
        tops.append(edge)
        bottoms.append(edge + height)
        edge += height + LAYER_GAP
    return tops, bottoms
