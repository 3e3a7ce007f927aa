"""Reading a program back from its text (writing.py).

    program f(%x: float32[2]) on cpu() {
      source %w: float32[2]
      constant %c0: float32[] = [3.0]
      %0 = multiply(%x, %w) : float32[2]
      update w.data = %0
      return %0
    }

Text has no tensors in it: who reads a program back gives its sources, and the numbers of constants too large to print.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.autograd.registry import ops, slot
from needle_edu.backend.devices import device_named
from needle_edu.backend.naming import a_kind

from .array_type import Type, Types
from .own_ops import OWN_OPS
from .places import DataOf, GradientOf
from .program import Instruction, Program
from .validation import GraphError, validate
from .vjp import Vjp

_PLACES: dict[str, Any] = {"data": DataOf, "grad": GradientOf}


def parse(
    text: str, sources: Mapping[str, Any] | None = None, constants: Mapping[str, np.ndarray] | None = None
) -> Program:
    """Read a program that was written as text.

    Parameters
    ----------
    text : str
    sources : mapping of name to Tensor, or to a program's source
        Whose data the sources are, and into which the updates are written.
    constants : mapping of name to array
        Those that the text does not hold.

    Raises
    ------
    GraphError
        If it is no program; the line is named.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> program = ndl.graph.capture(lambda x: (x + 1).sum(), ndl.Tensor([0.0, 0.0]))
    >>> again = parse(str(program))
    >>> str(again) == str(program), again(ndl.Tensor([1.0, 2.0])).numpy()
    (True, array([5.], dtype=float32))
    """
    if not isinstance(text, str):
        raise TypeError(f"parse: wanted the text of a program, got {a_kind(text)}")
    reader = _Reader(dict(sources or {}), dict(constants or {}))
    for number, line in enumerate(text.strip().splitlines(), 1):
        try:
            reader.line(line.strip())
        except GraphError as error:
            raise GraphError(f"parse: line {number}: {error}") from None
        except (ValueError, TypeError, KeyError, SyntaxError, AttributeError) as error:
            raise GraphError(f"parse: line {number}: {line.strip()!r}: {error}") from None
    if not reader.name:
        raise GraphError("parse: a program begins with a line such as: program f(%x: float32[2]) on cpu() {")
    return validate(reader.program())


class _Reader:
    """What was read so far."""

    def __init__(self, sources: dict, constants: dict):
        self.given_sources, self.given = sources, constants
        self.name = ""
        self.device: Any = None
        self.inputs: dict[str, Type] = {}
        self.sources: dict[str, tuple[Type, Any]] = {}
        self.constants: dict[str, np.ndarray] = {}
        self.body: list[Instruction] = []
        self.updates: list[tuple[str, Any]] = []
        self.outputs: tuple[str, ...] = ()

    def program(self) -> Program:
        one = len(self.outputs) == 1
        return Program(
            self.name, self.device, self.inputs, self.sources, self.constants, tuple(self.body), self.outputs,
            tuple(self.updates), (lambda leaves: leaves[0]) if one else tuple,
        )  # fmt: skip

    def line(self, line: str) -> None:
        for pattern, read in _LINES:
            if found := re.fullmatch(pattern, line):
                read(self, *found.groups())
                return
        raise GraphError(f"{line!r} is no line of a program")

    def begin(self, name: str, inputs: str, device: str) -> None:
        self.name, self.device = name, device_named(device)
        for part in filter(None, re.split(r",\s*(?=%)", inputs)):
            given, type_ = part.removeprefix("%").split(": ")
            self.inputs[given] = _type(type_)

    def source(self, name: str, type_: str) -> None:
        if name not in self.given_sources:
            raise GraphError(
                f"no tensor is given for the source %{name}: parse(text, sources={{{name!r}: tensor}})"
            )
        given = self.given_sources[name]
        self.sources[name] = _type(type_), DataOf(given) if isinstance(given, Tensor) else given

    def constant(self, name: str, type_: str, numbers: str) -> None:
        wanted = _type(type_)
        if numbers == "...":
            if name not in self.given:
                raise GraphError(
                    f"the text does not hold the constant %{name}: parse(text, constants={{{name!r}: array}})"
                )
            self.constants[name] = np.asarray(self.given[name], wanted.dtype).reshape(wanted.shape)
        else:
            values = ast.literal_eval(numbers.replace("nan", "None").replace("inf", "1e999"))
            values = [float("nan") if value is None else value for value in values]
            self.constants[name] = np.array(values, wanted.dtype).reshape(wanted.shape)

    def instruction(self, name: str, op: str, inputs: str, attributes: str | None, type_: str) -> None:
        made = _op(op, _attributes(attributes or ""))
        operands = tuple(part.strip().removeprefix("%") for part in inputs.split(",") if part.strip())
        found = re.fullmatch(r"\((.*)\)", type_)
        types: Types = (
            _type(type_) if found is None else tuple(map(_type, re.split(r",\s*(?=[a-z])", found[1])))
        )
        self.body.append(Instruction(name, made, operands, types))

    def update(self, place: str, attribute: str, name: str) -> None:
        given = self.given_sources.get(place)
        if given is None:
            raise GraphError(f"no tensor is given for %{place}")
        tensor = getattr(given, "tensor", given)  # of a program's own source
        self.updates.append((name, given if attribute == "memory" else _PLACES[attribute](tensor)))

    def end(self, names: str) -> None:
        self.outputs = tuple(part.strip().removeprefix("%") for part in names.split(",") if part.strip())

    def nothing(self) -> None:
        pass


_LINES: list[tuple[str, Any]] = [
    (r"program (\w+)\((.*)\) on (\w+)\(\) \{", _Reader.begin),
    (r"source %(\S+): (\S+)", _Reader.source),
    (r"constant %(\S+): (\S+) = (.*)", _Reader.constant),
    (r"%(\S+) = ([\w.]+)\((.*?)\)(?: \{(.*)\})? : (.+)", _Reader.instruction),
    (r"update %(\S+)\.(data|grad|memory) = %(\S+)", _Reader.update),
    (r"return ?(.*)", _Reader.end),
    (r"\}|", _Reader.nothing),
]


def _type(text: str) -> Type:
    found = re.fullmatch(r"(float32|float64|int32|int64|bool)\[([\d,]*)\]", text)
    if found is None:
        raise GraphError(f"{text!r} is no type; types look like float32[2,3]")
    return Type(tuple(int(extent) for extent in found[2].split(",") if extent), found[1])


def _op(name: str, attributes: dict[str, Any]) -> Any:
    base, dot, operand = name.partition(".vjp")
    if base not in ops() and base not in OWN_OPS:
        raise GraphError(f"there is no op {base!r}")
    cls = OWN_OPS[base] if base in OWN_OPS else slot(base).cls
    if not dot:
        return cls(**attributes)
    return Vjp(cls(**attributes), int(operand) if operand else None)


def _attributes(text: str) -> dict[str, Any]:
    """Read ``name: value, ...``: numbers, strings, tuples, None, slices and the like; nothing is called."""
    tree = ast.parse(f"{{{re.sub(r'(^|, )([a-z_0-9]+): ', _quoted, text)}}}", mode="eval").body
    return _value(tree) if text else {}


def _quoted(found: re.Match) -> str:
    return f"{found[1]}'{found[2]}': "


def _value(node: ast.AST) -> Any:
    if isinstance(node, ast.Dict):
        return {_value(k): _value(v) for k, v in zip(node.keys, node.values, strict=True) if k is not None}
    if isinstance(node, (ast.Tuple, ast.List)):
        made = [_value(one) for one in node.elts]
        return tuple(made) if isinstance(node, ast.Tuple) else made
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("slice", "array"):
        given = list(map(_value, node.args))
        if node.func.id == "slice":
            return slice(*given)
        if given[0] is Ellipsis:
            raise GraphError(
                "the text does not hold the numbers of an array that is an attribute: it is too large"
            )
        return np.array(*given)
    if isinstance(node, ast.Name) and node.id in _NUMBERS:
        return _NUMBERS[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand)
    return ast.literal_eval(node)


_NUMBERS = {"inf": float("inf"), "nan": float("nan"), "Ellipsis": Ellipsis}
