"""Homework 2's adapters: how its tests put layers, losses, optimisers, transforms and loaders to work.

A test says which numbers the parameters shall have and what goes in; what stands here makes an object of your class, puts
the numbers there, lets it run, and returns arrays. Nothing here judges. (`needle_edu/course/adapters.py` says what an
adapter is.)
"""

from collections.abc import Callable

import numpy as np

from needle_edu import autograd, init, nn
from needle_edu.backend import compatibility
from needle_edu.course.adapters import gradients, kind, tensors
from needle_edu.course.messages import MessageError
from needle_edu.course.withheld import StudentsCode

# --- layers -------------------------------------------------------------------------------------------------


def parameters(answer: Callable, settings: dict, seed: int = 0) -> dict:
    """Make a layer after `init.seed(seed)`; return its parameters by name, in the order an optimiser finds them."""
    init.seed(seed)
    return {name: tensor.numpy() for name, tensor in _module(answer, settings).named_parameters()}


def forward(
    answer: Callable, settings: dict, values: dict, *inputs: np.ndarray, training: bool = True, seed: int = 0
) -> list:
    """Make a layer, give it `values`, and run it on each input in turn.

    Parameters
    ----------
    settings : dict
        For the class.
    values : dict of str to numpy.ndarray
        What the attributes of these names shall hold.
    training : bool
        Whether the layer is in training or in evaluation.
    seed : int
        For `init.seed`, after the layer is made.

    Returns
    -------
    list of numpy.ndarray
        What came for each input.
    """
    layer = _made(answer, settings, values, training)
    init.seed(seed)
    return [_output(layer, x).numpy() for x in tensors(inputs)]


def forward_changing(answer: Callable, settings: dict, values: list, x: np.ndarray) -> list:
    """Run one layer on one input, once with each dict of `values`; return what came each time."""
    layer, outputs = _module(answer, settings), []
    for now in values:
        _give(layer, now)
        outputs.append(_output(layer, *tensors([x])).numpy())
    return outputs


def gradients_of(
    answer: Callable, settings: dict, values: dict, x: np.ndarray, out_grad: np.ndarray, training: bool = True
) -> dict:
    """Run a layer on `x`, and backward from the adjoint `out_grad` of what came.

    Returns
    -------
    dict of str to numpy.ndarray or None
        The gradient of ``"x"`` and of each parameter, by name; the result ``"y"``; the ``"input"`` as it is afterwards.
    """
    layer = _made(answer, settings, values, training)
    (leaf,) = tensors([x])
    y = _output(layer, leaf)
    result = y.numpy()
    y.backward(*tensors([out_grad]))
    named = dict(layer.named_parameters())
    found = dict(zip(["x", *named], gradients([leaf, *named.values()]), strict=True))
    return found | {"y": result, "input": leaf.numpy()}


def batches(answer: Callable, settings: dict, values: dict, train: list, evaluate: list = ()) -> dict:
    """Run a layer with running averages: on some batches in training, then on some in evaluation.

    Returns
    -------
    dict
        ``"outputs"``, ``"means"``, ``"variances"``: after each training batch; ``"evaluated"``: the results in
        evaluation; ``"mean"``, ``"variance"``: the averages at the end; the names of ``"parameters"`` and of
        ``"buffers"``; and of the averages ``"with a graph"``.
    """
    layer = _made(answer, settings, values, training=True)
    found: dict = {"outputs": [], "means": [], "variances": []}
    for batch in tensors(train):
        found["outputs"].append(_output(layer, batch).numpy())
        found["means"].append(layer.running_mean.numpy())
        found["variances"].append(layer.running_var.numpy())
    averages = {"running_mean": layer.running_mean, "running_var": layer.running_var}
    found["with a graph"] = [name for name, tensor in averages.items() if tensor.op is not None]
    layer.eval()
    found["evaluated"] = [_output(layer, batch).numpy() for batch in tensors(evaluate)]
    found["mean"], found["variance"] = layer.running_mean.numpy(), layer.running_var.numpy()
    found["parameters"] = [name for name, _ in layer.named_parameters()]
    found["buffers"] = [name for name, _ in layer.named_buffers()]
    return found


def two_layers(answer: Callable, settings: dict, *inputs: np.ndarray) -> tuple:
    """Make two layers; use the first on `inputs`, and add 1 to each of its parameters.

    Returns
    -------
    first, second, after : dict of str to numpy.ndarray
        What each layer has in its `state_dict` beforehand; and what the second one has afterwards.
    """
    one, other = _module(answer, settings), _module(answer, settings)
    first, second = one.state_dict(), other.state_dict()
    for x in tensors(inputs):
        _output(one, x)
    for tensor in one.parameters():
        tensor.data = tensor.data + 1
    return first, second, other.state_dict()


# --- networks -----------------------------------------------------------------------------------------------


def around_linear(answer: Callable, weight: np.ndarray, x: np.ndarray, out_grad: np.ndarray) -> dict:
    """Put ``answer(fn)`` around a Linear without bias that has this weight, run it on `x`, and backward.

    Returns
    -------
    dict
        ``"y"``: the result; ``"x"``: the gradient of x; ``"input"``: x as it is afterwards; ``"calls"``: how often fn was
        called; ``"parameters"``: how many are found; ``"training"``: whether fn is in training after `eval()`.
    """
    calls = []

    class Counted(nn.Linear):
        def forward(self, x):
            calls.append(x)
            return super().forward(x)

    fn = Counted(*weight.shape, bias=False)
    fn.weight.data = tensors([weight])[0]
    module, (leaf,) = _module(answer, {"fn": fn}), tensors([x])
    y = _output(module, leaf)
    y.backward(*tensors([out_grad]))
    found = {"y": y.numpy(), "x": gradients([leaf])[0], "input": leaf.numpy(), "calls": len(calls)}
    module.eval()
    return found | {"parameters": len(module.parameters()), "training": fn.training}


def network(
    answer: Callable, sizes: list, norm: str, numbers: list, x: np.ndarray,
    training: bool = True, drop_prob: float = 0.1, seed: int = 0,
) -> dict:  # fmt: skip
    """Build a network, give each parameter the numbers of its shape, and run it on `x`.

    Parameters
    ----------
    sizes : list of int
        The first arguments.
    norm : str
        Which of `nn`'s classes to normalise with; if empty, none is named.
    numbers : list of numpy.ndarray
        One array for each shape that a parameter may have.
    seed : int
        For `init.seed`, just before x goes in; dropout draws one number for each element then.

    Returns
    -------
    dict
        ``"y"``: the result; ``"buffers"``: the names of the running averages.
    """
    model, by_shape = _network(answer, sizes, norm, drop_prob), {array.shape: array for array in numbers}
    for name, parameter in model.named_parameters():
        if parameter.shape not in by_shape:
            raise MessageError(
                f"a network whose {name} has the shape {parameter.shape}; no part should have it"
            )
        parameter.data = tensors([by_shape[parameter.shape]])[0]
    model.train(training)
    init.seed(seed)
    before, compatibility.dropout_draws_each = (
        compatibility.dropout_draws_each,
        True,
    )  # the tests know these numbers
    try:
        y = _output(model, *tensors([x]))
    finally:
        compatibility.dropout_draws_each = before
    return {"y": y.numpy(), "buffers": [name for name, _ in model.named_buffers()]}


def shapes(answer: Callable, sizes: list, norm: str) -> list:
    """Build a network; return the shapes of its parameters, sorted."""
    return sorted(list(parameter.shape) for parameter in _network(answer, sizes, norm).parameters())


# --- losses and optimisers ------------------------------------------------------------------------------------


def loss_of(answer: Callable, settings: dict, logits: np.ndarray, labels: np.ndarray) -> dict:
    """Make a loss and call it twice on Tensors of `logits` and `labels`.

    Returns
    -------
    dict
        ``"loss"`` and ``"again"``: both values; ``"gradient"``: that of the logits; ``"logits"`` and ``"labels"``: what they
        are afterwards.
    """
    loss = _module(answer, settings)
    scores, classes = tensors([logits])[0], autograd.Tensor(labels, dtype=labels.dtype, requires_grad=False)
    found = {}
    for name in ("loss", "again"):
        value = StudentsCode(loss)(scores, classes)
        if not isinstance(value, autograd.Tensor):
            raise MessageError(f"{kind(value)}; wanted a Tensor, which remembers how it was computed")
        if value.size != 1:
            raise MessageError(f"a Tensor of shape {value.shape}; wanted one with a single element")
        value.backward()
        found |= {name: value.item(), "gradient": gradients([scores])[0]}
    return found | {"logits": scores.numpy(), "labels": classes.numpy()}


def steps(answer: Callable, settings: dict, starts: list, grads: list, later: dict | None = None) -> dict:
    """Make parameters and an optimiser of them, and let it step.

    Parameters
    ----------
    starts : list of numpy.ndarray
        What each parameter begins with.
    grads : list of list of numpy.ndarray or None
        For each step the gradient of each parameter.
    later : dict of int to dict, optional
        Settings that change before the step of that number, counted from 0.

    Returns
    -------
    dict
        ``"values"``: for each step what each parameter is afterwards; ``"gradients"``: those of the last step, afterwards;
        ``"with a graph"``: the numbers of parameters that remember how they came about.
    """
    params = [nn.Parameter(tensor, dtype=tensor.dtype) for tensor in tensors(starts)]
    optimiser, values = answer(params, **settings), []
    for number, row in enumerate(grads):
        for name, value in (later or {}).get(number, {}).items():
            setattr(optimiser, name, value)
        for p, g in zip(params, row, strict=True):
            p.grad = None if g is None else tensors([g])[0].detach()
        StudentsCode(optimiser.step)()
        values.append([p.numpy() for p in params])
    graph = [k for k, p in enumerate(params) if p.op is not None or not p.requires_grad]
    return {"values": values, "gradients": gradients(params), "with a graph": graph}


# --- data ---------------------------------------------------------------------------------------------------


def transformed(answer: Callable, settings: dict, images: list, seed: int = 0) -> list:
    """Make a transform and put each image through it, after `init.seed(seed)`; return what came."""
    transform = answer(**settings)
    init.seed(seed)
    found = [StudentsCode(transform)(image) for image in images]
    for image in found:
        if not isinstance(image, np.ndarray):
            raise MessageError(f"{kind(image)}; wanted a NumPy array")
    return [image.copy() for image in found]


def inputs_afterwards(answer: Callable, settings: dict, images: list) -> list:
    """Put each image through a transform; return the images that went in, as they are afterwards."""
    transformed(answer, settings, images)
    return images


def epochs(answer: Callable, settings: dict, fields: list, epochs: int = 1, seed: int = 0) -> dict:
    """Make a data set of some fields and a loader of it, after `init.seed(seed)`, and let it go through its epochs.

    Parameters
    ----------
    fields : list of numpy.ndarray
        Row i of each belongs to example i.

    Returns
    -------
    dict
        ``"batches"``: for each epoch its batches, lists of arrays; ``"length"``: that of the loader; ``"kinds"``,
        ``"dtypes"``, ``"requires_grad"``: of the first batch and its fields; ``"reads"``: how many examples had been read
        when each batch came; ``"asked"``: which ones.
    """
    asked: list = []

    class Examples:
        def __len__(self):
            return len(fields[0])

        def __getitem__(self, i):
            if not -len(self) <= i < len(self):
                raise IndexError(f"there are {len(self)} examples, and example {i} was asked for")
            asked.append(int(i))
            return tuple(field[i] for field in fields)

    loader = answer(Examples(), **settings)
    init.seed(seed)
    found: dict = {"batches": [], "reads": [], "kinds": []}
    for _ in range(epochs):
        batches = []
        for batch in loader:
            found["reads"].append(len(asked))
            tensors = list(batch)
            if not found["kinds"]:
                found["kinds"] = [type(value).__name__ for value in (batch, *tensors)]
                found["requires_grad"] = [bool(getattr(value, "requires_grad", False)) for value in tensors]
                found["dtypes"] = [str(getattr(value, "dtype", kind(value))) for value in tensors]
            batches.append([value.numpy() if hasattr(value, "numpy") else value for value in tensors])
        found["batches"].append(batches)
    return found | {"length": len(loader), "asked": asked}


# --- parts of the above -------------------------------------------------------------------------------------


def _module(answer: Callable, settings: dict, sizes: list = ()) -> nn.Module:
    layer = answer(*sizes, **settings)
    if not isinstance(layer, nn.Module):
        raise MessageError(f"{kind(layer)}; wanted an nn.Module")
    return layer


def _network(answer: Callable, sizes: list, norm: str, drop_prob: float = 0.1) -> nn.Module:
    settings = {"norm": getattr(nn, norm)} if norm else {}
    return _module(answer, settings | {"drop_prob": drop_prob}, sizes)


def _made(answer: Callable, settings: dict, values: dict, training: bool) -> nn.Module:
    layer = _module(answer, settings)
    _give(layer, values)
    return layer.train(training)


def _give(layer: nn.Module, values: dict) -> None:
    for name, array in values.items():
        getattr(layer, name).data = tensors([array])[0]


def _output(layer: nn.Module, x: autograd.Tensor) -> autograd.Tensor:
    y = StudentsCode(layer)(x)  # a class of yours may have its forward from the library
    if not isinstance(y, autograd.Tensor):
        raise MessageError(f"{kind(y)}; wanted a Tensor")
    return y
