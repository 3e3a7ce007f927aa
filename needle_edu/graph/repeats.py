"""Passes that repeat each other, found in a sequence: a loop, seen from what it did."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

TRIES = 12  # periods tried at one place: the distances to the next items of the same kind


def find_repeats(signs: Sequence[int], passes: int) -> list[tuple[int, int, int]]:
    """Where a stretch follows itself at least `passes` times: (start, period, times), in order, none overlapping.

    At every place the period that covers most is taken, of equal ones the shortest.

    Examples
    --------
    >>> find_repeats([7, 1, 2, 1, 2, 1, 2, 5, 5, 5, 9], 3)
    [(1, 2, 3), (7, 1, 3)]
    """
    places: dict[int, list[int]] = {}
    for place, sign in enumerate(signs):
        places.setdefault(sign, []).append(place)
    found = []
    start = 0
    while start < len(signs):
        same = places[signs[start]]
        later = bisect_right(same, start)
        covered, period = 0, 1
        for other in same[later : later + TRIES]:
            step = other - start
            if step * passes > len(signs) - start:
                break
            end = other
            while end < len(signs) and signs[end] == signs[end - step]:
                end += 1
            whole = (end - start) // step * step
            if whole >= step * passes and whole > covered:
                covered, period = whole, step
        if covered:
            found.append((start, period, covered // period))
        start += covered or 1
    return found
