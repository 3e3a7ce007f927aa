"""The registry: every operation by its name, and the place where a student's own version goes in.

Tensor's operators, the functions in `needle_edu.ops`, the table in the docs, the gradient tests and the
formulas in the stepper all find an op here. A name stands for a `Slot`; the slot always points to the op in
use. `override` puts another class (or function) in the slot and hands back the way to take it out again:

>>> import needle_edu as ndl
>>> class Double(ndl.autograd.TensorOp):
...     def compute(self, a):
...         return a + a
>>> with ndl.override("exp", Double):
...     print(ndl.ops.exp(ndl.Tensor([3.0])).numpy())
[6.]
"""

import inspect
from collections.abc import Callable
from typing import Any

from needle_edu.backend import NeedleError
from needle_edu.backend.overrides import Override

_TAUGHT = ("symbol", "formula", "vjp_formulas")  # what an override inherits from the op it replaces


class Slot:
    """The place of one op.

    Attributes
    ----------
    name : str
        The op's name, for example ``"add"``.
    cls : type or None
        The class in use: the library's own, or the latest override.
    instance : Op or None
        A ready instance, when the op takes no attributes (or all have defaults).
    original : type or None
        The library's own class, whatever overrides there are.
    function : function or None
        The op as a function of tensors, such as `ops.add`; of a function slot, the function in use.
    """

    __slots__ = ("cls", "function", "instance", "name", "stack")

    def __init__(self, name: str):
        self.name = name
        self.cls: Any = None
        self.instance: Any = None
        self.function: Any = None
        self.stack: tuple[Override, ...] = ()

    @property
    def original(self) -> Any:
        return self.stack[0].entry if self.stack else None

    def use(self, stack: tuple[Override, ...]) -> None:
        """Point to the top of a stack of overrides."""
        global _changes
        top = stack[-1]
        # All or nothing: an interrupt cannot fall between plain assignments.
        self.stack, self.cls, self.instance = stack, top.entry, top.instance
        _changes += 1
        if self.function is not None:
            self.function.__wrapped__ = top.entry  # `ops.exp??` shows the class in use

    def layer(self, entry: Any) -> Override:
        """Return a layer for this place, after a look at what is to go in."""
        self.check(entry)
        return Override(self, entry, entry() if _needs_no_arguments(entry) else None)

    def check(self, entry: Any) -> None:
        """Refuse what is no op; let an override inherit the name, symbol and formulas it does not give itself."""
        is_op = inspect.isclass(entry) and hasattr(entry, "compute") and hasattr(entry, "apply")
        if not is_op:
            raise TypeError(f"override({self.name!r}): wanted a class derived from TensorOp, got {entry!r}")
        if entry.name in ("", entry.__name__):
            entry.name = self.name
        for field in _TAUGHT if self.stack else ():
            if not getattr(entry, field, None):
                setattr(entry, field, getattr(self.original, field))


class FunctionSlot(Slot):
    """The place of a function the engine looks up by name, such as ``find_topo_sort``."""

    __slots__ = ()

    def check(self, entry: Any) -> None:
        if not callable(entry):
            raise TypeError(f"override({self.name!r}): wanted a function, got {entry!r}")

    def layer(self, entry: Any) -> Override:
        self.check(entry)
        return Override(self, entry)

    def use(self, stack: tuple[Override, ...]) -> None:
        global _changes
        self.stack, self.function = stack, stack[-1].entry
        _changes += 1


_slots: dict[str, Slot] = {}
_changes = 0  # how often a slot was pointed to something else
_seen = (-1, False)  # after so many changes, was anything overridden?


def slot(name: str) -> Slot:
    """Return the slot of an op, making an empty one if the op is not registered yet."""
    if name not in _slots:
        _slots[name] = Slot(name)
    return _slots[name]


def ops() -> dict[str, Slot]:
    """Return all registered ops: name -> slot, in order of registration."""
    return {
        name: place for name, place in _slots.items() if place.stack and not isinstance(place, FunctionSlot)
    }


def op_slot(name: str) -> Slot | None:
    """Return the slot of one registered op, or None."""
    place = _slots.get(name)
    return place if place is not None and place.stack and not isinstance(place, FunctionSlot) else None


def something_is_overridden() -> bool:
    """Whether some op, or function of the engine, is not the library's own."""
    global _seen
    if _seen[0] != _changes:
        count = _changes
        _seen = count, any(len(place.stack) > 1 for place in list(_slots.values()))
    return _seen[1]


def register(cls: Any) -> Any:
    """Class decorator: enter an op under ``cls.name``."""
    place = slot(cls.name)
    if place.stack and cls is not place.original and _same_name(cls, place.original):
        # The module was loaded again, or a notebook's cell was run again: the new class takes the old one's place.
        place.use((place.layer(cls), *place.stack[1:]))
        return cls
    if place.stack:
        raise NeedleError(f"the op {cls.name!r} is registered twice; use override() to replace it")
    _slots[cls.name] = _slots.pop(
        cls.name
    )  # listed in order of registration, even if somebody asked for it before
    place.use((place.layer(cls),))
    return cls


def _same_name(one: Any, other: Any) -> bool:
    return (one.__module__, one.__qualname__) == (other.__module__, other.__qualname__)


def function_slot(name: str, function: Callable[..., Any]) -> FunctionSlot:
    """Enter a function that students may replace under `name`."""
    _slots[name] = place = FunctionSlot(name)
    place.use((place.layer(function),))
    return place


def override(name: str, entry: Any) -> Override:
    """Put a class (or, for a function slot, a function) in the place of `name`.

    Parameters
    ----------
    name : str
        An op's name (``needle_edu.autograd.registry.ops()`` lists them) or one of ``find_topo_sort``,
        ``compute_gradient_of_variables``, ``sum_node_list``.
    entry : type or function
        What to use instead. Operations already in a graph keep the version they were made with.

    Returns
    -------
    Override
        A context manager; or keep it and call its `undo()`. If it is lost (a notebook cell was run twice, say),
        `restore(name)` takes out all that lies on the library's own version.

    Raises
    ------
    NeedleError
        If there is no such name.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> class Leaky(ndl.TensorOp):
    ...     def compute(self, a):
    ...         return a * (a > 0) + a * 0.1 * (a <= 0)
    >>> with override("relu", Leaky):
    ...     ndl.ops.relu(ndl.Tensor([-1.0, 2.0])).numpy()
    array([-0.1,  2. ], dtype=float32)
    """
    place = _known("override", name)
    layer = place.layer(entry)
    place.use((*place.stack, layer))
    return layer


def restore(name: str | None = None) -> None:
    """Put the library's own version of `name` back, whatever overrides there are; without a name, of everything.

    Raises
    ------
    NeedleError
        If there is no such name.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> class Wrong(ndl.TensorOp):
    ...     def compute(self, a):
    ...         return a * 0
    >>> for _ in range(2):                              # a cell that was run twice
    ...     handle = override("exp", Wrong)
    >>> handle.undo()
    >>> ndl.ops.exp(ndl.Tensor([0.0])).item()           # the first one is still there
    0.0
    >>> restore("exp")
    >>> ndl.ops.exp(ndl.Tensor([0.0])).item()
    1.0
    """
    for place in _slots.values() if name is None else (_known("restore", name),):
        if place.stack:
            place.use(place.stack[:1])


def _known(who: str, name: str) -> Slot:
    place = _slots.get(name)
    if place is None or not place.stack:
        raise NeedleError(
            f"{who}: there is no op or function {name!r}; known are {', '.join(sorted(_slots))}"
        )
    return place


def _needs_no_arguments(cls: Any) -> bool:
    if cls.__init__ is object.__init__:
        return True
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)
