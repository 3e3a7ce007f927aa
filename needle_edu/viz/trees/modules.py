"""`viz.modules`: a model as a tree of boxes, and an editor for it.

What is edited is a copy of the containers, `Sequential` in `Sequential`; the layers in them are the reader's own, with
their weights. Every change is made in Python, by the same methods that a cell can call; the page only asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from needle_edu import nn
from needle_edu.backend import NeedleError
from needle_edu.nn import Module, Residual, Sequential
from needle_edu.viz.island import Island
from needle_edu.viz.trees.layers import arguments, build
from needle_edu.viz.trees.picture import Row, tree_html
from needle_edu.viz.trees.trial import Trial, tried

MOST = 2000  # modules
# What the page offers, and with which arguments: {last} is the last number of the shape before, {channels} its second.
OFFERED = {
    "Linear": "{last}, 10",
    "ReLU": "",
    "Tanh": "",
    "Sigmoid": "",
    "GELU": "",
    "Conv2d": "{channels}, 8, 3, padding=1",
    "MaxPool2d": "2",
    "AvgPool2d": "2",
    "Flatten": "",
    "BatchNorm1d": "{last}",
    "BatchNorm2d": "{channels}",
    "LayerNorm1d": "{last}",
    "Dropout": "0.5",
    "Softmax": "-1",
    "Identity": "",
    "Sequential": "",
}


class Modules(Island):
    """A tree of modules; shows itself in Jupyter.

    Attributes
    ----------
    model : Module
        As it is now: containers of its own, and the layers that were given or built.
    code : str
        The Python that builds it. A class of the reader's own stands there as ``Mine(...)``.
    rows : list of Row
        Every module, outer ones first.
    error : str
        Why a layer does not fit: the library's own sentence; empty if all do, or no input was given.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu import nn
    >>> tree = ndl.viz.modules(nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 2)), (1, 8))
    >>> tree.add("ReLU()", 1)
    <Modules: 4 modules, 46 parameters>
    >>> print(tree.code)
    model = nn.Sequential(
        nn.Linear(8, 4),
        nn.ReLU(),
        nn.Linear(4, 2),
    )
    """

    view: ClassVar[str] = "modules"
    title: ClassVar[str] = "a tree of modules"
    styles: ClassVar[tuple[str, ...]] = ("trees/trees.css",)
    script: ClassVar[str] = "trees/trees.js"

    def __init__(self, model: Module, inputs: Any = None, live: bool = False):
        self.inputs, self._live, self.selected, self.answers = inputs, live, "", 0
        self._texts: dict[int, tuple[Module, str | None]] = {}  # the arguments of each layer, found once
        self.model = _copied(model)
        self._look()

    def _look(self) -> None:
        """See what is there now: the rows, their shapes, and what does not fit."""
        trial = tried(self.model, self.inputs) if self.inputs is not None else Trial()
        self.error = trial.error
        self.rows: list[Row] = []
        for path, depth, module in _walk(self.model, "", 0):
            if len(self.rows) == MOST:
                raise NeedleError(
                    f"viz.modules: more than {MOST:,} modules can't be read; show a part of the model"
                )
            inside = isinstance(module, Module)
            self.rows.append(
                Row(
                    path,
                    type(module).__name__ if inside else getattr(module, "__name__", "function"),
                    self._arguments(module) if inside else None,
                    trial.shapes.get(id(module), ""),
                    sum(p.size for p in module.parameters()) if inside else 0,
                    depth,
                    self._place(path) is not None,
                    trial.error if trial.failed == id(module) else "",
                )
            )

    def _arguments(self, module: Module) -> str | None:
        if isinstance(module, Sequential):
            return ""
        if id(module) not in self._texts:
            self._texts[id(module)] = module, arguments(module)
        return self._texts[id(module)][1]

    def _place(self, path: str, room: int = 0) -> tuple[Sequential, int] | None:
        """The Sequential that a layer lies in, and where; None where its place is fixed by a class's own code.

        With `room` the place behind the last layer counts, too.
        """
        around: Any = self.model
        steps = path.split(".")
        if len(steps) % 2 or any(name != "modules" for name in steps[::2]):
            return None
        for step in steps[1:-1:2]:
            around = around[int(step)] if _holds(around, step) else None
        return (around, int(steps[-1])) if _holds(around, steps[-1], room) else None

    def _where(self, path: str | int, what: str, room: int = 0) -> tuple[Sequential, int]:
        path = f"modules.{path}" if isinstance(path, int) and not isinstance(path, bool) else path
        place = self._place(path, room) if isinstance(path, str) else None
        if place is None:
            known = [row.path for row in self.rows if row.editable]
            there = f"there are {', '.join(known[:6])}" if known else "this model has none"
            raise ValueError(f"viz.modules: {what}: {path!r} is no layer of a Sequential; {there}")
        return place

    def has(self, path: str) -> bool:
        """Whether a layer that can be changed stands there."""
        return self._place(path) is not None

    def after(self, path: str) -> str:
        """Where a new layer goes when this one is selected: behind it, or into a Sequential at its end."""
        place = self._place(path)
        inside: Any = self.model if not path else place and place[0][place[1]]
        if type(inside) is Sequential:
            return f"{path}.modules.{len(inside)}".removeprefix(".")
        return f"{path.rpartition('.')[0]}.{place[1] + 1}" if place else path

    def add(self, layer: Module | str, at: str | int | None = None) -> Modules:
        """Put a layer, or the text of one, before the layer `at` (its path, or its place at the top), or at the end.

        Raises
        ------
        ValueError
            There is no such place; the text names no layer, or one that refuses its arguments.
        """
        around, place = self._where(self.after("") or "the model" if at is None else at, "add", room=1)
        made = self._layer(layer, "add")
        around.modules = (*around.modules[:place], made, *around.modules[place:])
        self._look()
        return self

    def remove(self, path: str | int) -> Modules:
        """Take a layer out."""
        around, place = self._where(path, "remove")
        around.modules = tuple(part for k, part in enumerate(around.modules) if k != place)
        self._look()
        return self

    def replace(self, path: str | int, layer: Module | str) -> Modules:
        """Put another layer where one stands."""
        around, place = self._where(path, "replace")
        made = self._layer(layer, "replace")
        around.modules = tuple(made if k == place else part for k, part in enumerate(around.modules))
        self._look()
        return self

    def move(self, path: str | int, to: str | int) -> Modules:
        """Move a layer to the place of another one, in the same or in another Sequential."""
        around, place = self._where(path, "move")
        target, index = self._where(to, "move")
        moved: Any = around[place]
        if isinstance(moved, Module) and any(part is target for _, part in moved.named_modules()):
            raise ValueError(f"viz.modules: move: {to!r} lies inside {path!r}")
        around.modules = tuple(part for k, part in enumerate(around.modules) if k != place)
        target.modules = (*target.modules[:index], moved, *target.modules[index:])
        self._look()
        return self

    def _layer(self, layer: Any, what: str) -> Module:
        if not isinstance(layer, (Module, str)):
            raise ValueError(
                f"viz.modules: {what}: wanted a layer or a text such as 'Linear(8, 4)', got {type(layer).__name__}"
            )
        return _copied(layer) if isinstance(layer, Module) else build(layer)

    @property
    def code(self) -> str:
        """The Python that builds the model as it is now."""
        return "model = " + self._written(self.model, "")

    def _written(self, module: Any, indent: str) -> str:
        if type(module) is Sequential:
            if not len(module):
                return "nn.Sequential()"
            parts = [f"{indent}    {self._written(part, indent + '    ')}," for part in module]
            return "\n".join(["nn.Sequential(", *parts, f"{indent})"])
        if not isinstance(module, Module):
            return getattr(module, "__name__", "function")
        known = self._arguments(module)
        name = type(module).__name__
        if type(module) is Residual:
            return f"nn.Residual({self._written(module.fn, indent)})"
        mine = "" if getattr(nn, name, None) is type(module) else f"{name}(...)"
        return mine or f"nn.{name}({'...' if known is None else known})"

    def still(self) -> str:
        """The tree with its shapes and parameters, and the code beside it."""
        return tree_html(self.rows, self.code, self._live)

    def data(self) -> dict[str, Any]:
        """What can be changed, and what the page offers."""
        rows = [[row.path, row.words, row.shape, row.editable] for row in self.rows]
        return {"rows": rows, "offered": OFFERED, "selected": self.selected}

    def __repr__(self) -> str:
        count = len(self.rows)
        said = (
            f"<Modules: {count:,} module{'' if count == 1 else 's'}, {self.rows[0].parameters:,} parameters"
        )
        return f"{said}; a layer does not fit>" if self.error else f"{said}>"


def _copied(model: Module) -> Module:
    """The same layers in containers of their own: the reader's model keeps its own."""
    if type(model) is not Sequential:
        return model
    copy = Sequential(*[_copied(part) for part in model])
    copy.training = model.training
    return copy


def _walk(module: Any, path: str, depth: int) -> Iterator[tuple[str, int, Any]]:
    """Every module, outer ones first, as often as it is used."""
    yield path, depth, module
    if isinstance(module, Sequential):
        parts = [(f"modules.{k}", part) for k, part in enumerate(module)]
    else:
        parts = list(module.named_children()) if isinstance(module, Module) else []
    for name, part in parts:
        yield from _walk(part, f"{path}.{name}" if path else name, depth + 1)


def _holds(around: Any, step: str, room: int = 0) -> bool:
    """Whether this is a Sequential with a part of this number."""
    return type(around) is Sequential and step.isdigit() and int(step) < len(around) + room
