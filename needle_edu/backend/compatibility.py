"""What differs under the name `needle`: one state for the whole process, which `install_as` switches on.

Code written for the course's Needle counts on a few habits that needle_edu does not share. Each is a switch here, at
the lowest floor, so that arrays and tensors can look at it; one more, gradients that are graph nodes, is
`autograd.CREATE_GRAPH`. The library's own code reads elements by paths that no switch changes.

| switch | off (needle_edu) | on (needle) |
|---|---|---|
| `integers_keep_axis` | `a[1, :]` of a (3, 4) array has shape (4,) | (1, 4) |
| `tensors_are_true` | `if tensor:` wants one element, and looks at it | always true, so that `if self.bias:` asks whether there is one |
| `bools_are_numbers` | arithmetic on bools is NumPy's: `m + k` is "or", `-m` is refused, a sum is int64 | it is float32's, as comparisons are float32 there |
| `dropout_draws_each` | `dropout` draws one number, a key, from NumPy's generator | one for each element, as `rand(*shape)` |
| `keywords_are_swallowed` | `Tensor(x, required_grad=True)` is a TypeError | one warning, then ignored |
"""  # noqa: E501

from __future__ import annotations

import warnings
from typing import Any

integers_keep_axis = False
tensors_are_true = False
keywords_are_swallowed = False
bools_are_numbers = False
dropout_draws_each = False

_warned: set[str] = set()


def set_needle_rules(on: bool) -> None:
    """Switch all five on or off, at any time; `aliasing.install_as` switches them on.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> set_needle_rules(True)
    >>> nd.zeros((3, 4))[1, :].shape
    (1, 4)
    >>> set_needle_rules(False)
    >>> nd.zeros((3, 4))[1, :].shape
    (4,)
    """
    global integers_keep_axis, tensors_are_true, keywords_are_swallowed, bools_are_numbers, dropout_draws_each
    integers_keep_axis = tensors_are_true = keywords_are_swallowed = bool(on)
    bools_are_numbers = dropout_draws_each = bool(on)


def subscript(key: Any) -> Any:
    """Return the index that a user's `a[key]` means: under Needle's rules each integer leaves an axis of extent 1.

    An integer followed by None is just that, bounds checked. Beside arrays and masks, which Needle does not
    have, integers stay what they are in NumPy.

    Examples
    --------
    >>> subscript((0, slice(None)))
    (0, slice(None, None, None))
    >>> set_needle_rules(True)
    >>> subscript((0, slice(None)))
    (0, None, slice(None, None, None))
    >>> set_needle_rules(False)
    """
    if not integers_keep_axis:
        return key
    items = key if isinstance(key, tuple) else (key,)
    if not all(item is None or item is Ellipsis or isinstance(item, slice) or _whole(item) for item in items):
        return key
    return tuple(part for item in items for part in ((item, None) if _whole(item) else (item,)))


def _whole(item: Any) -> bool:
    """Whether this part of an index is one integer, Python's or NumPy's."""
    return hasattr(item, "__index__") and not isinstance(item, bool) and not getattr(item, "shape", ())


def unknown_keywords(who: str, keywords: dict[str, Any]) -> None:
    """Refuse keywords that `who` does not know; under Needle's rules warn once for each, and go on.

    Raises
    ------
    TypeError
        Natively.

    Examples
    --------
    >>> unknown_keywords("Tensor", {"required_grad": True})
    Traceback (most recent call last):
        ...
    TypeError: Tensor() got an unexpected keyword argument 'required_grad'
    """
    for keyword in keywords:
        text = f"{who}() got an unexpected keyword argument {keyword!r}"
        if not keywords_are_swallowed:
            raise TypeError(text)
        if keyword not in _warned:
            _warned.add(keyword)
            warnings.warn(f"{text}; it is ignored", stacklevel=3)
