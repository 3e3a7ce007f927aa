"""Was a value overwritten since the forward pass? Then a gradient computed from it would silently be wrong.

Every in-place write raises a global counter and gives the storage its value as a new version
(needle_edu/backend/storage.py); every node remembers what the counter was when it was computed. `backward` compares
the two, but only for values that the vjps in question read: the gradient of a sum needs neither of its terms.
"""

from .arrays import GradientError
from .unbroadcast import describe


def check_unchanged(node) -> None:
    """Raise if a value that the vjps of `node` read was overwritten after `node` was computed."""
    for value in (*node.inputs, node):
        if _changed(value, node):
            break
    else:  # the usual case: nothing was, so nobody need ask what the vjps read
        return
    for k, x in enumerate(node.inputs):
        if not x.requires_grad:
            continue
        for value in _values_read(node, k):
            if _changed(value, node):
                raise GradientError(
                    f"{node.op.name}: {describe(value, node)} was overwritten after the forward pass, and "
                    "the gradient needs the old value; compute the result again, or write to a copy"
                )


def _values_read(node, operand: int) -> list:
    """Return the values that the vjp of an operand reads; all of them if the op does not say."""
    reads = node.op.vjp_reads
    if reads is None:
        return [*node.inputs, node]
    letters = reads[operand] if operand < len(reads) else ""
    return [node if letter == "y" else node.inputs["abcdefgh".index(letter)] for letter in letters]


def _changed(value, node) -> bool:
    if value is not node:
        if value.version > node.version:
            return True
    elif node.extra is not None and "replaced" in node.extra:
        return True
    data = value.cached_data
    if isinstance(data, tuple):
        return any(_version(part) > node.version for part in data)
    return _version(data) > node.version


def _version(array) -> int:
    """Return the version of an array's storage; NumPy's arrays have none."""
    storage = getattr(array, "storage", None)
    return 0 if storage is None else storage.version
