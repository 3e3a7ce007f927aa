"""The ops as functions: ``ops.relu(x)``, ``ops.summation(x, axes=0)``, ``ops.where(mask, a, b)``.

A function takes the op's inputs first and its attributes after them, with the names and defaults the op class
gives them. Inputs that are not tensors yet (numbers, lists, arrays) become constants. The function looks the
op up in the registry when it is called, so an override is used at once. Whatever goes wrong, the message begins
with the name of the function that was called.
"""

import ast
import inspect
import linecache
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from needle_edu.autograd.arrays import NeedleError
from needle_edu.autograd.op import attribute_names
from needle_edu.autograd.registry import Slot
from needle_edu.autograd.tensor import Tensor, as_tensor
from needle_edu.autograd.value import Value
from needle_edu.backend.arguments import switch
from needle_edu.backend.naming import give_name

from .tuples import _MAKE_TUPLE

Switches = tuple[tuple[int, str], ...]  # place and name of an op's attributes that are True or False


def make_function(slot: Slot) -> Callable:
    """Return the function of an op."""
    cls = slot.original
    inputs = [p for p in inspect.signature(cls.compute).parameters.values() if p.name != "self"]
    if cls.__init__ is object.__init__:
        attributes = []
    else:
        attributes = list(inspect.signature(cls.__init__).parameters.values())[1:]
    defaults = getattr(
        cls, "function_defaults", {}
    )  # where Needle's function and its class have different ones
    attributes = [p.replace(default=defaults.get(p.name, p.default)) for p in attributes]

    function: Any
    if getattr(cls, "tuple_input", False):
        function = _of_a_tuple(slot)
    elif inputs[0].kind is inspect.Parameter.VAR_POSITIONAL:
        function = _of_any_number(slot)
    elif attributes and len(inputs) > 1:
        function = _of_several_with_attributes(slot, len(inputs), defaults, _switches(attributes))
    elif attributes:
        function = _with_attributes(slot, _switches(attributes))
    elif len(inputs) == 1:
        function = _of_one(slot)
    else:
        function = _of_several(slot, len(inputs))

    give_name(function, slot.name)
    function.__module__ = "needle_edu.ops"
    function.__doc__ = cls.__doc__
    function.__wrapped__ = cls  # `ops.exp??` shows the class in use, see Slot.use
    function.getdoc = partial(source_in_use, slot)  # and so does `ops.exp?`
    function.__signature__ = inspect.Signature([p.replace(annotation=p.empty) for p in inputs + attributes])
    return function


def source_in_use(slot: Slot) -> str:
    """Return the source of the class that an op's function uses now: what Jupyter shows for ``ops.exp?``.

    Examples
    --------
    >>> from needle_edu.autograd.registry import slot
    >>> print(source_in_use(slot("exp")))
    <BLANKLINE>
    @register
    class Exp(UnaryOp):
    ...
        def vjp0(self, g, node):
            return g * node
    <BLANKLINE>
    """
    cls = slot.cls
    try:
        return "\n" + inspect.getsource(cls)  # a docstring's first line would be indented by itself
    except (OSError, TypeError):  # a class of a notebook's cell: Python knows no file of it, its methods do
        code = cls.compute.__code__
    lines = linecache.getlines(code.co_filename)
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, ast.ClassDef) and node.lineno <= code.co_firstlineno <= (node.end_lineno or 0):
            return "\n" + "".join(lines[node.lineno - 1 : node.end_lineno])
    return inspect.getdoc(cls) or ""


def _of_one(slot: Slot) -> Callable:
    def function(a):
        try:
            return slot.instance.apply(a if isinstance(a, Tensor) else as_tensor(a, slot.name))
        except _ERRORS as error:
            _name_the_op(slot, error)

    return function


def _of_several(slot: Slot, count: int) -> Callable:
    def function(*args):
        if len(args) != count:
            raise TypeError(f"{slot.name}() takes {count} tensors, got {len(args)}")
        like = next((a for a in reversed(args) if isinstance(a, Tensor)), None)  # not the mask of `where`
        try:
            return slot.instance.apply(
                *[a if isinstance(a, Tensor) else as_tensor(a, slot.name, like) for a in args]
            )
        except _ERRORS as error:
            _name_the_op(slot, error)

    return function


def _of_any_number(slot: Slot) -> Callable:
    def function(*args):
        try:
            return slot.instance.apply(*[as_tensor(a, slot.name) for a in args])
        except _ERRORS as error:
            _name_the_op(slot, error)

    return function


def _with_attributes(slot: Slot, switches: Switches) -> Callable:
    def function(a, *values, **named):
        try:
            if switches:
                _check_switches(slot, switches, values, named)
            op = slot.cls(*values, **_understood(slot, named) if named else named)
            return op.apply(a if isinstance(a, Tensor) else as_tensor(a, slot.name))
        except _ERRORS as error:
            _name_the_op(slot, error, values, named)

    return function


def _of_several_with_attributes(slot: Slot, count: int, defaults: dict, switches: Switches) -> Callable:
    inputs = list(inspect.signature(slot.original.compute).parameters.values())[1 : count + 1]
    names = [p.name for p in inputs]
    least = sum(p.default is p.empty for p in inputs)  # the others may be left out, or be None

    def function(*args, **named):
        given = [*args[:count], *[named.pop(name) for name in names[len(args) :] if name in named]]
        while len(given) > least and given[-1] is None:
            given.pop()
        if not least <= len(given) <= count:
            raise TypeError(f"{slot.name}() takes {count} tensors, got {len(given)}")
        values = args[count:]
        try:
            if switches:
                _check_switches(slot, switches, values, named)
            for name in attribute_names(slot.original)[len(values) :] if defaults else ():
                if name in defaults:
                    named.setdefault(name, defaults[name])
            op = slot.cls(*values, **_understood(slot, named) if named else named)
            like = next((a for a in reversed(given) if isinstance(a, Tensor)), None)
            return op.apply(*[a if isinstance(a, Tensor) else as_tensor(a, slot.name, like) for a in given])
        except _ERRORS as error:
            _name_the_op(slot, error, values, named)

    return function


def _of_a_tuple(slot: Slot) -> Callable:
    def function(args, *values, **named):
        try:
            if isinstance(args, Tensor):
                raise TypeError("wanted a list of tensors, got one tensor; write [a, b] or split it")
            return slot.cls(*values, **named).apply(_as_tuple(args, slot.name))
        except _ERRORS as error:
            _name_the_op(slot, error, values, named)

    return function


def _switches(attributes: list[inspect.Parameter]) -> Switches:
    """Return place and name of the attributes that are True or False."""
    return tuple([(place, p.name) for place, p in enumerate(attributes) if isinstance(p.default, bool)])


def _check_switches(slot: Slot, switches: Switches, values: tuple, named: dict) -> None:
    """Refuse what is neither True nor False: ``keepdims="no"`` would count as true."""
    for place, name in switches:
        value = values[place] if place < len(values) else named.get(name, False)
        if value is not False and value is not True:
            switch(slot.name, **{name: value})


def _understood(slot: Slot, named: dict) -> dict:
    """Return keywords as the op in use knows them: NumPy's functions hand on ``out=None``, and say `axis` for axes."""
    own = attribute_names(slot.cls)
    known = {}
    for keyword, value in named.items():
        if keyword in _NUMPYS and keyword not in own:
            if value is not None:
                fix = "use astype" if keyword == "dtype" else "the result is a new tensor"
                raise TypeError(f"{slot.name}: {keyword}= is not supported; {fix}")
        elif keyword == "axis" and "axis" not in own and "axes" in own:
            known["axes"] = value
        else:
            known[keyword] = value
    return known


_NUMPYS = ("dtype", "out")
_ERRORS = (NeedleError, TypeError, ValueError, IndexError, OverflowError, MemoryError)
_RENAMED = {"summation": "sum", "negate": "negative", "getitem": "indexing"}  # what the arrays' functions say


def _name_the_op(slot: Slot, error: Exception, values: tuple = (), named: dict | None = None) -> NoReturn:
    """Raise the error again with a message that begins with the op's name."""
    text = _what_was_wrong_with_the_call(slot, values, named or {}) or str(error)
    if not re.match(rf"{slot.name}\b", text):
        text = text.removeprefix(f"{_RENAMED.get(slot.name, slot.name)}: ")
        error.args = (f"{slot.name}: {text}",)
    if isinstance(error, OverflowError) or not str(error).startswith(slot.name):
        raise ValueError(
            f"{slot.name}: {text.removeprefix(slot.name + ': ')}"
        ) from error  # AxisError makes up its text
    raise error


def _what_was_wrong_with_the_call(slot: Slot, values: tuple, named: dict) -> str:
    """Return what Python would say of attributes that the op does not take; "" if it takes them."""
    own = attribute_names(slot.cls)
    known = {name: value for name, value in named.items() if name in own or name not in _NUMPYS}
    try:
        inspect.signature(slot.cls).bind(*values, **known)
    except TypeError as error:
        return f"{error}; the function is {slot.name}{inspect.signature(slot.function)}"
    return ""


def _as_tuple(args, operation: str) -> Value:
    if isinstance(args, Value):
        return args
    if not isinstance(args, (list, tuple)):
        raise TypeError(f"{operation}: wanted a list of tensors, got {type(args).__name__}")
    return _MAKE_TUPLE.instance.apply(*[as_tensor(a, operation) for a in args])
