"""Einsum: products of tensors, written with a letter for each axis.

``einsum("ij,jk->ik", a, b)`` multiplies all pairs of elements that agree in their letters, and sums over the letters
that the result lacks: here over j, which is the matrix product. It needs no derivative of its own: each step is a
permute, a reshape, a matmul or a sum.
"""

import math

from needle_edu.autograd.arrays import ShapeError
from needle_edu.autograd.tensor import as_tensor


def einsum(subscripts, *operands):
    """Return a sum of products in Einstein's notation (Einstein 1916).

    Parameters
    ----------
    subscripts : str
        A letter for each axis of each operand, operands separated by commas, then ``->`` and the letters of the
        result. Without the arrow: the letters that occur once, in alphabetical order. ``...`` stands for any further
        axes, which broadcast. A letter twice in one operand takes the diagonal.
    *operands : Tensor
        As many as there are groups of letters. Several are multiplied from left to right.

    Raises
    ------
    ShapeError
        If letters and axes do not fit; the message names the letter.

    Examples
    --------
    >>> from needle_edu import Tensor, ops
    >>> a, b = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([10.0, 1.0])
    >>> ops.einsum("ij,j->i", a, b).numpy().tolist()
    [12.0, 34.0]
    >>> ops.einsum("ii", a).item()
    5.0
    """
    if not isinstance(subscripts, str):
        raise TypeError(f"einsum: wanted letters such as 'ij,jk->ik' first, got {type(subscripts).__name__}")
    tensors = [as_tensor(t, "einsum") for t in operands]
    groups, result = _understand(subscripts.replace(" ", ""), [t.shape for t in tensors])
    extents = _extents(groups, tensors)
    letters, total = _diagonal(groups[0], tensors[0])
    for k in range(1, len(tensors)):
        later = set("".join(groups[k + 1 :])) | set(result)
        right, factor = _diagonal(groups[k], tensors[k])
        letters, total = _multiply(letters, total, right, factor, later, extents)
    return _arranged(letters, total, result)


def _understand(text: str, shapes) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result; axes of an ellipsis become capitals of their own."""
    left, arrow, result = text.partition("->")
    groups = left.split(",")
    if len(groups) != len(shapes):
        raise ShapeError(f"einsum: {len(groups)} groups of letters in {text!r} for {len(shapes)} operands")
    for part in (*groups, result):
        bare = part.replace("...", "", 1)
        strange = [c for c in bare if not (c.isascii() and c.isalpha())]
        if strange:
            raise ShapeError(
                f"einsum: {strange[0]!r} in {text!r} is no letter; wanted a form like 'ij,jk->ik'"
            )
    widths = [len(shape) - len(group.replace("...", "")) for group, shape in zip(groups, shapes, strict=True)]
    for k, (group, shape, width) in enumerate(zip(groups, shapes, widths, strict=True)):
        if width < 0 or (width and "..." not in group):
            raise ShapeError(
                f"einsum: operand {k} has {len(shape)} axes, shape {shape}, but the letters {group!r}"
            )
    widest = max([w for w, group in zip(widths, groups, strict=True) if "..." in group], default=0)
    further = "".join([chr(0x2460 + k) for k in range(widest)])  # circled numbers: nobody's letters
    groups = [group.replace("...", further[widest - w :]) for group, w in zip(groups, widths, strict=True)]
    if not arrow:
        once = sorted(c for c in set("".join(groups)) - set(further) if "".join(groups).count(c) == 1)
        return groups, further + "".join(once)
    result = result.replace("...", further)
    for c in result:
        if result.count(c) > 1:
            raise ShapeError(f"einsum: the letter {c!r} stands twice in the result {result!r}")
        if not any(c in group for group in groups):
            raise ShapeError(f"einsum: the letter {c!r} of the result stands in no operand of {text!r}")
    return groups, result


def _extents(groups, tensors) -> dict[str, int]:
    """Return the extent of each letter; 1 broadcasts."""
    extents: dict[str, int] = {}
    for k, (group, tensor) in enumerate(zip(groups, tensors, strict=True)):
        for letter, n in zip(group, tensor.shape, strict=True):
            known = extents.setdefault(letter, n)
            if known == 1:
                extents[letter] = n
            elif n not in (1, known):
                shown = "..." if ord(letter) >= 0x2460 else letter
                raise ShapeError(
                    f"einsum: the letter {shown!r} has extent {known} before, but {n} in operand {k} of shape "
                    f"{tensor.shape}"
                )
    return extents


def _diagonal(letters: str, t):
    """Return an operand in which every letter stands once: of a letter that stands twice, the diagonal."""
    for letter in letters:
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            n = t.shape[first]
            if t.shape[second] != n:
                raise ShapeError(
                    f"einsum: the letter {letter!r} stands for extents {n} and {t.shape[second]} of one operand"
                )
            order = [k for k in range(t.ndim) if k not in (first, second)]
            rest = [t.shape[k] for k in order]
            t = t.permute((*order, first, second)).reshape((*rest, n * n))[..., :: n + 1]
            letters = "".join([letters[k] for k in order]) + letter
    return letters, t


def _multiply(left: str, a, right: str, b, later: set, extents):
    """Multiply two operands as one stack of matrix products, and sum over the letters that nobody needs later."""
    left, a = _sum_out(left, a, {c for c in left if c not in later and c not in right})
    right, b = _sum_out(right, b, {c for c in right if c not in later and c not in left})
    stack = [c for c in left if c in right and c in later]
    inner = [c for c in left if c in right and c not in later]
    rows, columns = [c for c in left if c not in right], [c for c in right if c not in left]
    a = _expanded(left, a, inner, extents).permute(tuple([left.index(c) for c in stack + rows + inner]))
    b = _expanded(right, b, inner, extents).permute(tuple([right.index(c) for c in stack + inner + columns]))
    depth = math.prod([extents[c] for c in inner])
    s = len(stack)
    m, n = math.prod(a.shape[s : s + len(rows)]), math.prod(b.shape[s + len(inner) :])
    shape = [max(x, y) if 0 not in (x, y) else 0 for x, y in zip(a.shape[:s], b.shape[:s], strict=True)]
    ends = [*a.shape[s : s + len(rows)], *b.shape[s + len(inner) :]]
    if inner:
        a, b = a.reshape((*a.shape[:s], m, depth)), b.reshape((*b.shape[:s], depth, n))
        product = a @ b
    else:  # nothing to sum over: an elementwise product does it
        product = a.reshape((*a.shape[:s], m, 1)) * b.reshape((*b.shape[:s], 1, n))
    return "".join(stack + rows + columns), product.reshape((*shape, *ends))


def _expanded(letters: str, t, inner, extents):
    """Return an operand with its axes of extent 1 broadcast, where they are summed over."""
    shape = tuple([extents[c] if c in inner else n for c, n in zip(letters, t.shape, strict=True)])
    return t if shape == t.shape else t.broadcast_to(shape)


def _sum_out(letters: str, t, gone: set):
    axes = tuple([k for k, c in enumerate(letters) if c in gone])
    if not axes:
        return letters, t
    left = "".join([c for c in letters if c not in gone])
    return left, t.sum(axes).reshape(tuple([n for k, n in enumerate(t.shape) if k not in axes]))


def _arranged(letters: str, t, result: str):
    """Sum over what the result lacks, and put the axes in its order."""
    letters, t = _sum_out(letters, t, set(letters) - set(result))
    order = tuple([letters.index(c) for c in result])
    return t if order == tuple(range(len(order))) else t.permute(order)
