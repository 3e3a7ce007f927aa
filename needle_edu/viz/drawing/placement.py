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
    friends = _Friends(segments, widths, weights)
    # Whom a node follows on the way down, on the way up, and in the last two sweeps.
    follows = [
        {n: friends.heaviest(n, friends.above[n]) for n in widths},
        {n: friends.heaviest(n, friends.below[n]) for n in widths},
        {n: friends.settled(n) for n in widths},
    ]
    least = [least_places([widths[n] for n in row]) for row in layers]
    stiff = [[[friends.force(n, who[n]) for n in row] for row in layers] for who in follows]
    x = _side_by_side(layers, widths)

    def sweep(which: int, numbers: Iterable[int]) -> bool:
        """Place row after row; return whether a node moved."""
        moved = False
        for number in numbers:
            row = layers[number]
            wanted = [_mean_place(x, follows[which][node], x[node]) for node in row]
            placed = nearest_in_order(wanted, least[number], stiff[which][number])
            if placed != [x[node] for node in row]:
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


class _Friends:
    """A node's neighbours, and how much each pulls."""

    def __init__(
        self,
        segments: Sequence[tuple[int, int]],
        nodes: Iterable[int],
        weights: Mapping[tuple[int, int], float],
    ) -> None:
        self.above: dict[int, list[int]] = {n: [] for n in nodes}
        self.below: dict[int, list[int]] = {n: [] for n in self.above}
        for upper, lower in segments:
            self.below[upper].append(lower)
            self.above[lower].append(upper)
        self.weights = {
            (a, b): weight
            for (upper, lower), weight in weights.items()
            for a, b in ((upper, lower), (lower, upper))
        }

    def pull(self, node: int, friends: list[int]) -> list[float]:
        return [self.weights.get((node, f), 1.0) for f in friends]

    def heaviest(self, node: int, friends: list[int]) -> list[int]:
        if node < 0:  # a chain of dummy nodes follows itself, not the boxes it feeds
            friends = [f for f in friends if f < 0] or friends
        if len(friends) < 2:
            return friends
        pulls = self.pull(node, friends)
        most = max(pulls)
        return [f for f, force in zip(friends, pulls, strict=True) if force == most]

    def settled(self, node: int) -> list[int]:
        """Whom it follows at last: its main input, which it stands below, if it has one, else all neighbours."""
        every = self.above[node] + self.below[node]
        firm = max(self.pull(node, every), default=1.0)
        main = [f for f in self.above[node] if firm > 1 and self.weights.get((node, f)) == firm]
        return self.heaviest(node, main or every)

    def force(self, node: int, friends: list[int]) -> float:
        """How little it makes way; a side branch that follows a light edge does."""
        return DUMMY_STIFFNESS if node < 0 else max(self.pull(node, friends), default=1.0) ** 2


def _side_by_side(layers: Sequence[Sequence[int]], widths: Mapping[int, float]) -> dict[int, float]:
    """Return where nodes stand if each row is packed, its middle at 0."""
    x: dict[int, float] = {}
    for row in layers:
        edge = 0.0
        for node in row:
            x[node] = edge + widths[node] / 2
            edge += widths[node] + NODE_GAP
        for node in row:
            x[node] -= edge / 2
    return x


def _mean_place(x: Mapping[int, float], friends: list[int], alone: float) -> float:
    if len(friends) == 1:
        return x[friends[0]]
    return sum([x[f] for f in friends]) / len(friends) if friends else alone


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
