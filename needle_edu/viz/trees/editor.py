"""`viz.modules`: the tree of a model, to look at, and with a kernel to change."""

from __future__ import annotations

from typing import Any

from needle_edu.autograd import Value
from needle_edu.backend import NeedleError
from needle_edu.backend.arguments import switch
from needle_edu.nn import Module
from needle_edu.viz.live import make_live
from needle_edu.viz.trees.modules import Modules


def modules(model: Module, inputs: Any = None, *, live: bool = False):
    """Show a model as a tree of boxes, with the Python that builds it; with a kernel, change it.

    Layers of a `Sequential` (and of one in it) can be added, removed, replaced and moved. The reader's model stays as
    it is, but its layers, and their weights, are shared. A layer that does not fit is marked with its own error.

    Parameters
    ----------
    model : Module
    inputs : tuple of int or Tensor, optional
        What the model is called with, to know shapes and what does not fit; a tuple is a shape, and stands for zeros.
        The call is in evaluation and without gradients.
    live : bool
        True makes a widget to edit in; needs anywidget and a running kernel. Then `island.model` and `island.code` are
        what was built.

    Returns
    -------
    Modules
        `add`, `remove`, `replace`, `move` change it; `model` and `code` are what it is now.

    Raises
    ------
    TypeError
        `model` is no module, or `inputs` neither a shape nor a Tensor.
    NeedleError
        It has more than 2,000 modules.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> from needle_edu import nn
    >>> tree = ndl.viz.modules(nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(5, 2)), (1, 8))
    >>> tree.error
    'Linear(5, 2): got input of shape (1, 4), wanted (..., 5); make the layer with in_features=4, or reshape its input'
    >>> tree.replace(2, "Linear(4, 2)")
    <Modules: 4 modules, 46 parameters>
    """
    switch("viz.modules", live=live)
    if not isinstance(model, Module):
        raise TypeError(f"viz.modules: wanted a module, got {type(model).__name__}")
    shape = isinstance(inputs, tuple) and all(type(n) is int and n >= 0 for n in inputs)
    if not (inputs is None or shape or isinstance(inputs, Value)):
        raise TypeError(f"viz.modules: inputs are a shape such as (8, 64), or a Tensor, got {inputs!r}")
    tree = Modules(model, inputs, live)
    return make_live(tree, lambda message: answered(tree, message)) if live else tree


def answered(tree: Modules, message: Any) -> dict[str, Any]:
    """Do what the page asks for, and give its next frame, or say what is wrong.

    Examples
    --------
    >>> from needle_edu import nn
    >>> tree = Modules(nn.Sequential(nn.ReLU()))
    >>> answered(tree, {"do": "add", "layer": "Tanh(", "path": ""})["error"]
    "'Tanh(' is no layer such as Linear(8, 4)"
    """
    before = tree.selected
    path, layer = str(message.get("path", "")), str(message.get("layer", ""))
    try:
        match message.get("do"):
            case "add":
                tree.selected = tree.after(path)
                tree.add(layer, tree.selected)
            case "remove":
                tree.remove(path)
                tree.selected = path if tree.has(path) else ""
            case "replace":
                tree.replace(path, layer)
                tree.selected = path
            case "move":
                tree.move(path, str(message.get("to", "")))
                tree.selected = str(message.get("to", ""))
    except (NeedleError, ValueError, TypeError) as error:
        tree.selected = before
        return {"error": str(error).removeprefix("viz.modules: "), "number": _next(tree)}
    return tree.frame() | {"number": _next(tree)}


def _next(tree: Modules) -> int:
    """Two frames in a row always differ, so that the page hears of each."""
    tree.answers += 1
    return tree.answers
