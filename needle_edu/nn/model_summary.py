"""summary: what each layer of a model makes of an input, and what that costs.

The model is called once, in evaluation and without gradients; hooks tell which module is at work, and the engine's
events tell which ops it runs, on which shapes. So every model is counted in the same way, one with a `forward` of its
own like a Sequential.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from .. import init
from ..autograd import Tensor, TensorTuple, events, no_grad, state
from .flops import VIEWS, flops
from .module import Module
from .parameter import Parameter


@dataclass(frozen=True)
class LayerRow:
    """One module in a summary; the counts are of what it does itself, without the modules inside it.

    Attributes
    ----------
    path, layer : str
        Its name in the model, and how it prints.
    depth : int
        0 for the model, 1 for its parts, ...
    shape : str
        Of the output of its last call; "" if it was not called.
    parameters, flops, nbytes : int
        Numbers to learn; floating-point operations of all its calls (see `flops`); bytes of the results of its ops.
    """

    path: str
    layer: str
    depth: int
    shape: str
    parameters: int
    flops: int
    nbytes: int


class Summary:
    """The rows of `summary` and their sums; prints as a table, in a notebook too.

    Attributes
    ----------
    rows : tuple of LayerRow
    parameters, trainable, flops, nbytes, parameter_bytes : int
        Sums over the model. `trainable` are the parameters that require a gradient, `nbytes` all results of ops, which
        is about what a training step keeps for `backward`.

    Examples
    --------
    >>> from needle_edu import nn
    >>> told = nn.summary(nn.Linear(3, 2), (4, 3))
    >>> type(told).__name__, told.parameters, told.flops, told.rows[0].shape
    ('Summary', 8, 56, '(4, 2)')
    """

    def __init__(self, rows: list[LayerRow], trainable: int, parameter_bytes: int):
        self.rows = tuple(rows)
        self.parameters = sum(row.parameters for row in rows)
        self.flops = sum(row.flops for row in rows)
        self.nbytes = sum(row.nbytes for row in rows)
        self.trainable, self.parameter_bytes = trainable, parameter_bytes

    def _cells(self) -> list[tuple[str, ...]]:
        cells: list[tuple[str, ...]] = [("layer", "output", "parameters", "FLOPs", "bytes")]
        for row in self.rows:
            name = f"{row.path}: {row.layer}" if row.path else row.layer
            numbers = [f"{n:,}" for n in (row.parameters, row.flops, row.nbytes)]
            cells.append(("  " * row.depth + name, row.shape or "not called", *numbers))
        totals = [f"{n:,}" for n in (self.parameters, self.flops, self.nbytes)]
        return [*cells, ("total", "", *totals)]

    def _note(self) -> str:
        return f"{self.trainable:,} parameters to train; all parameters take {self.parameter_bytes:,} bytes"

    def __repr__(self) -> str:
        cells = self._cells()
        widths = [max(len(row[k]) for row in cells) for k in range(5)]
        aligned = [
            [text.ljust(widths[k]) if k < 2 else text.rjust(widths[k]) for k, text in enumerate(row)]
            for row in cells
        ]
        lines = ["  ".join(row) for row in aligned]
        lines.insert(1, "─" * len(lines[0]))
        lines.insert(-1, lines[1])
        return "\n".join([line.rstrip() for line in [*lines, self._note()]])

    def _repr_html_(self) -> str:
        head, *rows = self._cells()
        lines = []
        for tag, row in [("th", head), *[("td", row) for row in rows]]:
            cells = "".join(
                f'<{tag} style="text-align:{"left" if k < 2 else "right"};white-space:pre">{escape(text)}</{tag}>'
                for k, text in enumerate(row)
            )
            lines.append(f"<tr>{cells}</tr>")
        note = escape(self._note())
        return f'<div class="needle-summary"><table>{"".join(lines)}</table><small>{note}</small></div>'


def summary(model: Module, *inputs: Any) -> Summary:
    """Call a model once and say, for each layer, the shape of its output, its parameters, FLOPs and bytes.

    Parameters
    ----------
    model : Module
        It runs in evaluation and without gradients, and is left as it was; nothing random is drawn by its layers.
    *inputs : Tensor, array, or tuple of int
        What the model is called with; a tuple of integers is a shape, and stands for zeros of it.

    Returns
    -------
    Summary
        Prints as a table; `rows`, `parameters`, `flops` and `nbytes` are for further use.

    Raises
    ------
    TypeError
        If `model` is no module, or there is no input.

    Examples
    --------
    >>> from needle_edu import nn
    >>> nn.summary(nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)), (8, 64))
    layer                        output   parameters   FLOPs  bytes
    ───────────────────────────────────────────────────────────────
    Sequential()                 (8, 10)           0       0      0
      modules.0: Linear(64, 32)  (8, 32)       2,080  33,024  2,048
      modules.1: ReLU()          (8, 32)           0     256  1,024
      modules.2: Linear(32, 10)  (8, 10)         330   5,200    640
    ───────────────────────────────────────────────────────────────
    total                                      2,410  38,480  3,712
    2,410 parameters to train; all parameters take 9,640 bytes
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: wanted a module, got {type(model).__name__}")
    if not inputs:
        raise TypeError("summary: wanted what the model is called with: a tensor, or a shape such as (8, 64)")
    parameters = model.parameters()
    work = _Work(model)
    work.run([_input(x, parameters) for x in inputs])
    return Summary(
        work.rows(),
        sum(p.size for p in parameters if p.requires_grad),
        sum(p.size * p.dtype.itemsize for p in parameters),
    )


def _input(x: Any, parameters: list) -> Any:
    """An argument for the model: a shape becomes zeros, in the dtype and on the device of the parameters."""
    if isinstance(x, tuple) and all(isinstance(n, int) and not isinstance(n, bool) for n in x):
        place = {"dtype": parameters[0].dtype, "device": parameters[0].device} if parameters else {}
        return init.zeros(*x, **place)
    return x


class _Work:
    """Listens to one call of a model."""

    def __init__(self, model: Module):
        self.model = model
        self.modules = list(model.named_modules())
        self.counts = {id(module): [0, 0] for _, module in self.modules}  # FLOPs, bytes
        self.shapes: dict[int, str] = {}
        self.at_work: list[Module] = []
        self.made: dict[int, events.Event] = {}  # the ops whose results are still to come
        self.known: dict[int, tuple] = {}  # shapes of values

    def run(self, inputs: list) -> None:
        """Call the model in evaluation, and leave everything as it was."""
        training = [module.training for _, module in self.modules]
        lazy = state.LAZY_MODE
        handles = []
        for _, module in self.modules:
            handles.append(module.register_forward_pre_hook(lambda m, args: self.at_work.append(m)))
            handles.append(module.register_forward_hook(self._left))
        previous = events.set_hook(self._told)
        try:
            state.set_lazy_mode(False)
            with no_grad():
                self.model.eval()(*inputs)
        finally:
            events.set_hook(previous)
            state.set_lazy_mode(lazy)
            for handle in handles:
                handle.remove()
            for (_, module), mode in zip(self.modules, training, strict=True):
                module.training = mode

    def _left(self, module: Module, args: tuple, out: Any) -> None:
        self.at_work.pop()
        self.shapes[id(module)] = shape_text(out)

    def _told(self, event: events.Event, array: Any) -> None:
        if event.kind == "created":
            self.made[event.value] = event
        elif event.kind == "computed":
            made = self.made.pop(event.value)
            several = isinstance(array, tuple)
            self.known[event.value] = tuple([part.shape for part in array]) if several else event.shape
            if made.op is None or not self.at_work:
                return
            counts = self.counts[id(self.at_work[-1])]
            counts[1] += 0 if made.op in VIEWS else event.nbytes
            if not several:
                inputs = [self.known[x] for x in made.inputs]
                counts[0] += flops(made.op, made.attrs, inputs, event.shape)

    def rows(self) -> list[LayerRow]:
        """One row for each module, parents first, parameters with the first module that has them."""
        found = []
        seen: set[int] = set()
        paths = [path for path, _ in self.modules]
        for path, module in self.modules:
            own = [p for _, p in module._parts(Parameter) if id(p) not in seen]
            seen.update(map(id, own))
            above = [other for other in paths if path.startswith(f"{other}.")] if path else []
            found.append(
                LayerRow(
                    path,
                    f"{type(module).__name__}({module.extra_repr()})",
                    len(above) + bool(path),
                    self.shapes.get(id(module), ""),
                    sum({id(p): p.size for p in own}.values()),
                    *self.counts[id(module)],
                )  # fmt: skip
            )
        return found


def shape_text(out: Any) -> str:
    """The shape of an output, or those of several."""
    if isinstance(out, (tuple, list, TensorTuple)):
        return ", ".join([shape_text(part) for part in out])
    return str(out.shape) if isinstance(out, Tensor) else type(out).__name__
