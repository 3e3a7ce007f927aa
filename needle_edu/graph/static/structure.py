"""Tuples, lists and dicts of tensors as a flat list, and back."""

from __future__ import annotations

from typing import Any

LEAF: Any = object()


def flatten(tree: Any) -> tuple[list, Any]:
    """Return the leaves of nested tuples, lists and dicts, and the nesting, for `unflatten`.

    Examples
    --------
    >>> leaves, structure = flatten({"a": 1, "b": (2, [3])})
    >>> leaves, unflatten(structure, [10, 20, 30])
    ([1, 2, 3], {'a': 10, 'b': (20, [30])})
    """
    leaves: list = []

    def walk(part: Any) -> Any:
        if type(part) in (tuple, list):
            return type(part)([walk(one) for one in part])
        if type(part) is dict:
            return {key: walk(one) for key, one in part.items()}
        if part is None:
            return None
        leaves.append(part)
        return LEAF

    return leaves, walk(tree)


def unflatten(structure: Any, leaves: list) -> Any:
    """Put leaves into a nesting."""
    if structure is LEAF:
        return leaves[0]
    rest = iter(leaves)

    def walk(part: Any) -> Any:
        if part is LEAF:
            return next(rest)
        if type(part) in (tuple, list):
            return type(part)([walk(one) for one in part])
        if type(part) is dict:
            return {key: walk(one) for key, one in part.items()}
        return part

    return walk(structure)
