"""From a formula as text to a tensor: Python's own parser, and a list of all that may stand in a formula.

Nothing is evaluated as Python. The parser gives a tree (`ast`), and only what is listed here becomes something: names
of variables, numbers, the operators and the functions of `FUNCTIONS`. Each operation is the one of the library.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from needle_edu import ops
from needle_edu.autograd import Tensor
from needle_edu.backend import NeedleError

FUNCTIONS: dict[str, tuple[int, Callable]] = {  # name: (number of arguments, what computes it)
    **{
        name: (1, getattr(ops, name))
        for name in (
            "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log", "sqrt", "sigmoid", "relu", "abs", "square",
        )
    },
    "max": (2, ops.maximum),
    "min": (2, ops.minimum),
}  # fmt: skip
CONSTANTS = {"pi": math.pi, "e": math.e}
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}
MAX_NODES, MAX_CHARS, LARGEST = 60, 300, 1e12


class FormulaError(NeedleError, ValueError):
    """A formula that cannot be read; the message points at the place.

    Examples
    --------
    >>> read("x + foo(y)")
    Traceback (most recent call last):
    needle_edu.viz.formulas.parse.FormulaError: viz.expression: there is no function 'foo'; there are sin, ...
        x + foo(y)
            ^
    """


class Formula:
    """A formula that was read.

    Attributes
    ----------
    text : str
    variables : list of str
        In the order in which they stand in the formula.
    """

    def __init__(self, text: str, tree: ast.expr):
        self.text, self._tree = text, tree
        called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        names = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
        names.sort(key=lambda node: node.col_offset)
        self.variables = list(dict.fromkeys(n.id for n in names if n.id not in CONSTANTS))

    def compute(self, values: Mapping[str, Tensor]) -> Tensor:
        """The formula's value for these values of its variables, by the operations of the library.

        Examples
        --------
        >>> read("2*x + 1").compute({"x": Tensor(3.0)}).item()
        7.0
        """
        return self._value(self._tree, values)

    def _value(self, node: ast.expr, values: Mapping[str, Tensor]) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return CONSTANTS[node.id] if node.id in CONSTANTS else values[node.id]
        if isinstance(node, ast.UnaryOp):
            inner = self._value(node.operand, values)
            return -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.BinOp):
            pair = self._value(node.left, values), self._value(node.right, values)
            if not any(isinstance(x, Tensor) for x in pair):
                return self._folded(node, *pair)
            return OPERATORS[type(node.op)](*pair)
        assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        given = [self._value(argument, values) for argument in node.args]
        dtype = next((v.dtype for v in values.values()), "float64")
        tensors = [
            x if isinstance(x, Tensor) else Tensor(float(x), dtype=dtype, requires_grad=False) for x in given
        ]
        out = FUNCTIONS[node.func.id][1](*tensors)
        return out if any(isinstance(x, Tensor) for x in given) else out.item()

    def _folded(self, node: ast.BinOp, a: float, b: float) -> float:
        """A part without variables: a number, as the library would compute it in float64."""
        try:
            result = OPERATORS[type(node.op)](float(a), float(b))
        except (ZeroDivisionError, OverflowError):
            raise _error(self.text, node, "this part has no value that is a number") from None
        if isinstance(result, complex) or not abs(result) <= LARGEST:
            raise _error(self.text, node, f"this part is no number up to {LARGEST:g}")
        return int(result) if result == int(result) else result


def read(text: str) -> Formula:
    """Read a formula.

    Raises
    ------
    TypeError
        `text` is no str.
    FormulaError
        It is no formula, holds something that is not listed, or is too long to be drawn.

    Examples
    --------
    >>> read("x*y + sin(x)").variables
    ['x', 'y']
    """
    if not isinstance(text, str):
        raise TypeError(f"viz.expression: wanted a formula such as 'x*y + sin(x)', got {type(text).__name__}")
    text = text.strip().replace("^", "**")
    if len(text) > MAX_CHARS:
        raise FormulaError(f"viz.expression: a formula of at most {MAX_CHARS} characters, got {len(text)}")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = getattr(error, "offset", None) or 1
        raise FormulaError(f"viz.expression: {_no_formula(text)}{_pointer(text, where - 1)}") from None
    count = sum(isinstance(node, ast.expr) for node in ast.walk(tree))
    if count > MAX_NODES:
        raise FormulaError(f"viz.expression: {count} parts are too many to look at (at most {MAX_NODES})")
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):
            _check(text, node)
    formula = Formula(text, tree)
    if not formula.variables:
        raise FormulaError(f"viz.expression: {text!r} has no variable to move, such as x")
    return formula


def _no_formula(text: str) -> str:
    """What is wrong with a text that Python cannot read: often it is written as on paper."""
    if "=" in text:
        return (
            f"this is no formula; give only what stands right of the sign =: {text.split('=')[-1].strip()!r}"
        )
    bare = re.search(rf"\b({'|'.join(FUNCTIONS)})\s+\w", text)
    if bare:
        return f"this is no formula; what a function is of stands in brackets: {bare[1]}(...)"
    product = re.search(r"\d\s*(?=[A-Za-df-z(])|\)\s*(?=[\w(])|\w\s+(?=\w)", text)
    if product:
        written = f"{text[: product.end()].rstrip()}*{text[product.end() :]}"
        return f"this is no formula; a product is written with a star: {written!r}"
    return "this is no formula"


def _check(text: str, node: ast.expr) -> None:
    """Refuse what is not listed."""
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) <= LARGEST:
            raise _error(text, node, f"wanted a number up to {LARGEST:g}")
    elif isinstance(node, ast.Name):
        return
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.op, (ast.USub, ast.UAdd)):
            raise _error(text, node, "the only signs are + and -")
    elif isinstance(node, ast.BinOp):
        if type(node.op) not in OPERATORS:
            raise _error(text, node, "the operators are + - * / and **")
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        known = FUNCTIONS.get(node.func.id)
        if known is None:
            raise _error(
                text, node, f"there is no function {node.func.id!r}; there are {', '.join(FUNCTIONS)}"
            )
        if node.keywords or len(node.args) != known[0]:
            wanted = "one argument" if known[0] == 1 else "two arguments"
            raise _error(text, node, f"{node.func.id} takes {wanted}")
    elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute):
        raise _error(text, node, "a product is written with a star, such as 2*(x + 1)")
    else:
        raise _error(
            text, node, "a formula is made of variables, numbers, + - * / ** and functions such as sin(x)"
        )


def _error(text: str, node: ast.expr, message: str) -> FormulaError:
    return FormulaError(f"viz.expression: {message}{_pointer(text, node.col_offset)}")


def _pointer(text: str, column: int) -> str:
    """The formula, and a mark below the place."""
    return f"\n    {text}\n    {' ' * min(column, len(text))}^" if "\n" not in text else ""
