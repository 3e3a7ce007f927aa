"""Homework 2's adapters: how its tests put layers, losses, optimisers, transforms and loaders to work.

A test says which numbers the parameters shall have and what goes in; what stands here makes an object of your class, puts
the numbers there, lets it run, and returns arrays. Nothing here judges. (`needle_edu/course/adapters.py` says what an
adapter is.)
"""

from collections.abc import Callable

import numpy as np

from needle_edu import autograd, init, nn
from needle_edu.course.adapters import gradients, kind, tensors
from needle_edu.course.messages import MessageError

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


# --- parts of the above -------------------------------------------------------------------------------------


def _module(answer: Callable, settings: dict) -> nn.Module:
    layer = answer(**settings)
    if not isinstance(layer, nn.Module):
        raise MessageError(f"{kind(layer)}; wanted an nn.Module")
    return layer


def _made(answer: Callable, settings: dict, values: dict, training: bool) -> nn.Module:
    layer = _module(answer, settings)
    _give(layer, values)
    return layer.train(training)


def _give(layer: nn.Module, values: dict) -> None:
    for name, array in values.items():
        getattr(layer, name).data = tensors([array])[0]


def _output(layer: nn.Module, x: autograd.Tensor) -> autograd.Tensor:
    y = layer(x)
    if not isinstance(y, autograd.Tensor):
        raise MessageError(f"{kind(y)}; wanted a Tensor")
    return y
