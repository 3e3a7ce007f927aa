"""Homework 4's adapters: how its tests put operations, layers, cells and a language model to work.

A test says which numbers go in and which numbers the parameters shall have; what stands here puts your function into the
framework, or makes an object of your class, lets it run, and returns arrays. Nothing here judges.
(`needle_edu/course/adapters.py` says what an adapter is.)
"""

from collections.abc import Callable

import numpy as np

from needle_edu import autograd, init, nn, ops, optim
from needle_edu.course.adapters import copies, gradients, kind, tensors
from needle_edu.course.messages import MessageError
from needle_edu.course.withheld import StudentsCode

# --- operations ---------------------------------------------------------------------------------------------


def in_op(answer: Callable, name: str, settings: dict, *arrays: np.ndarray) -> np.ndarray:
    """Run the op `name` with the answer as its `compute`, which gets the arrays, and then the settings."""
    return _run(answer, name, settings, tensors(arrays)).numpy()


def in_op_on_view(
    answer: Callable, name: str, settings: dict, x: np.ndarray, order: tuple, starts: tuple, *more: np.ndarray
) -> np.ndarray:
    """As `in_op`, where the first array is a view: axes in another `order`, then on each axis all from a start on."""
    view = ops.permute(tensors([x])[0], order)[tuple(slice(start, None) for start in starts)]
    return _run(answer, name, settings, [view, *tensors(more)]).numpy()


def op_twice(answer: Callable, name: str, settings: dict, x: np.ndarray) -> tuple:
    """Run an op, and run it again on what came; return both results, and x as it is afterwards."""
    (leaf,) = tensors([x])
    once = _run(answer, name, settings, [leaf])
    return once.numpy(), _run(answer, name, settings, [once]).numpy(), leaf.numpy()


def op_runs_on(answer: Callable, name: str, settings: dict, *arrays: np.ndarray) -> tuple:
    """Run an op twice on the same arrays; return both results, and the arrays as they are afterwards."""
    leaves = tensors(arrays)
    results = [_run(answer, name, settings, leaves).numpy() for _ in range(2)]
    return (*results, *copies(leaves))


def op_gradients(answer: Callable, name: str, settings: dict, out_grad: np.ndarray, *arrays: np.ndarray) -> list:
    """Run the op `name` forward as the framework does, backward with the answer as its `gradient`."""
    return op_gradients_twice(answer, name, settings, out_grad, *arrays)[0]


def op_gradients_twice(
    answer: Callable, name: str, settings: dict, out_grad: np.ndarray, *arrays: np.ndarray
) -> tuple:
    """Run an op once forward, and twice backward with the answer as its `gradient`.

    Returns
    -------
    first, second : list of numpy.ndarray
        The gradients.
    kept : list of numpy.ndarray
        `out_grad` and the inputs, as they are afterwards.
    """
    leaves, (adjoint,) = tensors(arrays), tensors([out_grad])
    with autograd.override(name, _with_gradient(name, answer)):
        y = _function(name, settings)(*leaves)
        y.backward(adjoint)
        first = gradients(leaves)
        y.backward(adjoint)
    return first, gradients(leaves), copies([adjoint, *leaves])


def op_second_gradients(
    answer: Callable, name: str, settings: dict, out_grad: np.ndarray, a: np.ndarray, b: np.ndarray,
    of_a: np.ndarray, of_b: np.ndarray,
) -> tuple:  # fmt: skip
    """Differentiate the gradients of an op of two inputs, which the answer computes.

    Returns
    -------
    numpy.ndarray or None
        The gradient of b that the gradient of a has, from the adjoint `of_a`; None if it is no graph.
    numpy.ndarray or None
        The gradient of a that the gradient of b has, from the adjoint `of_b`.
    """
    found = []
    with autograd.override(name, _with_gradient(name, answer)):
        for first, adjoint, other in [(0, of_a, 1), (1, of_b, 0)]:
            leaves = tensors([a, b])
            _function(name, settings)(*leaves).backward(*tensors([out_grad]), create_graph=True)
            once, leaves[other].grad = leaves[first].grad, None
            if once.requires_grad:
                once.backward(*tensors([adjoint]))
            found += gradients([leaves[other]])
    return tuple(found)


# --- layers and cells -----------------------------------------------------------------------------------------


def parameters(answer: Callable, settings: dict, seed: int = 0) -> dict:
    """Make a layer after `init.seed(seed)`; return its parameters by name, in the order an optimiser finds them."""
    init.seed(seed)
    return {name: tensor.numpy() for name, tensor in _module(answer, settings).named_parameters()}


def shapes(answer: Callable, settings: dict) -> list:
    """Make a module; return the shapes of its parameters, sorted, and how many buffers it has."""
    module = _module(answer, settings)
    return [sorted(list(p.shape) for p in module.parameters()), len(list(module.named_buffers()))]


def forward(answer: Callable, settings: dict, values: dict, x: np.ndarray) -> np.ndarray:
    """Make a layer, give the attributes of these names their `values`, and run it on x."""
    return run(answer, settings, values, x)[0]


def run(
    answer: Callable, settings: dict, values: dict, x: np.ndarray, *state: np.ndarray, parts: int = 1, out_grads: list = (),
) -> tuple:  # fmt: skip
    """Make a layer or a cell, give the attributes of these names their `values`, and run it once.

    Parameters
    ----------
    *state : numpy.ndarray
        Of a cell: h, or h and c; nothing for None.
    parts : int
        How many Tensors it returns: two for a pair (h, c).
    out_grads : list of numpy.ndarray
        The adjoints of what it returns, if gradients are wanted.

    Returns
    -------
    tuple
        What it returned, part by part; and a dict of gradients: of ``"x"``, ``"h"``, ``"c"`` and each parameter.
    """
    made, (leaf, *given) = _module(answer, settings), tensors([x, *state])
    _give(made, values)
    results = _parts(StudentsCode(made)(leaf, *_state(parts, given)), parts)
    arrays = copies(results)
    _backward(results, out_grads)
    named = dict(made.named_parameters())
    names = ["x", *["h", "c"][: len(given)], *named]
    return *arrays, dict(zip(names, gradients([leaf, *given, *named.values()]), strict=True))


def run_changing(
    answer: Callable, settings: dict, values: list, x: np.ndarray, *state: np.ndarray, parts: int = 1
) -> tuple:
    """Run one layer or cell on the same input, once with each dict of `values`.

    Returns
    -------
    list of numpy.ndarray
        What it returned each time, the first part.
    list of numpy.ndarray
        x and the state, as they are afterwards.
    """
    made, found, (leaf, *given) = _module(answer, settings), [], tensors([x, *state])
    for now in values:
        _give(made, now)
        found.append(_parts(StudentsCode(made)(leaf, *_state(parts, given)), parts)[0].numpy())
    return found, copies([leaf, *given])


def numbered(answer: Callable, settings: dict, numbers: list, x: np.ndarray, training: bool) -> np.ndarray:
    """Make a module, give each parameter the numbers of its shape, and run it on x in training or in evaluation.

    Parameters
    ----------
    numbers : list of numpy.ndarray
        One array for each shape that a parameter may have.
    """
    module = _module(answer, settings)
    _number(module, numbers)
    return _tensor(StudentsCode(module.train(training))(*tensors([x]))).numpy()


# --- recurrent networks ---------------------------------------------------------------------------------------


def through_time(
    answer: Callable, settings: dict, list_name: str, cells: list, x: np.ndarray, state: list = (), parts: int = 1,
    out_grads: list = (),
) -> tuple:  # fmt: skip
    """Make a recurrent network, give each cell in its list its values, and read a sequence; then read it again.

    Parameters
    ----------
    list_name : str
        Of the attribute that holds the cells.
    cells : list of dict
        For each cell the values of its attributes.
    state : list of numpy.ndarray
        h0, or h0 and c0; empty for None.
    out_grads : list of numpy.ndarray
        The adjoints of the output, and perhaps of the states at the end.

    Returns
    -------
    tuple
        The output; the parts of the states at the end; a dict of gradients, of ``"x"``, ``"h0"``, ``"c0"`` and each
        parameter, such as ``"0.W_ih"``; and a dict of what is there after a second call: its output ``"y"``, and ``"x"``,
        ``"h0"``, ``"c0"``.
    """
    network, (leaf, *given) = _module(answer, settings), tensors([x, *state])
    for made, values in zip(getattr(network, list_name), cells, strict=False):
        _give(made, values)
    results = _read(network, parts, leaf, given)
    arrays = copies(results)
    _backward(results, out_grads)
    named = {name.removeprefix(f"{list_name}."): p for name, p in network.named_parameters()}
    names = ["x", *["h0", "c0"][: len(given)]]
    found = dict(zip([*names, *named], gradients([leaf, *given, *named.values()]), strict=True))
    again = {"y": _read(network, parts, leaf, given)[0].numpy()}
    return *arrays, found, again | dict(zip(names, copies([leaf, *given]), strict=True))


# --- a language model -----------------------------------------------------------------------------------------


def scores(answer: Callable, settings: dict, numbers: list, x: np.ndarray, state: list = ()) -> tuple:
    """Make a language model, give each parameter the numbers of its shape, and read words.

    Returns
    -------
    tuple
        The scores; h and c at the end; the names of parameters that get no gradient from the scores.
    """
    model, (words, *given) = _module(answer, settings), tensors([x, *state])
    _number(model, numbers)
    results = _read(model, 2, words.detach(), given)
    arrays = copies(results)
    _backward(results[:1], [np.ones_like(arrays[0])])
    return *arrays, [name for name, parameter in model.named_parameters() if parameter.grad is None]


def guesses(
    answer: Callable, batches: np.ndarray, seq_len: int, seed: int = 0, lr: float | None = None, epochs: int = 1
) -> dict:
    """Let the answer, an `epoch`, run on a small model of five words, and look on.

    Parameters
    ----------
    lr : float, optional
        Of an SGD; without it there is no optimiser.

    Returns
    -------
    dict
        ``"losses"``: what each epoch returned; ``"rows"``: how many rows each piece has; ``"steps"``: how many there were;
        ``"parameters"``: at first, and after each step; ``"begins with none"`` and ``"begins with a history"``: the numbers
        of the pieces whose state was None, or remembered how it came about; ``"batches"``: the text, afterwards.
    """
    found: dict = {"losses": [], "rows": [], "begins with none": [], "begins with a history": []}

    class Watched(Guesser):
        def forward(self, x, h=None):
            if h is None:
                found["begins with none"].append(len(found["rows"]))
            elif any(part.op is not None for part in h):
                found["begins with a history"].append(len(found["rows"]))
            found["rows"].append(x.shape[0])
            return super().forward(x, h)

    class Steps(optim.SGD):
        def step(self):
            super().step()
            found["parameters"].append(now())

    def now():
        return {name: parameter.numpy() for name, parameter in model.named_parameters()}

    init.seed(seed)
    model, text = Watched(5, 3), batches.copy()
    found["parameters"] = [now()]
    optimiser = [] if lr is None else [Steps(model.parameters(), lr=lr)]
    for _ in range(epochs):
        loss = answer(model, text, seq_len, *optimiser)
        if not isinstance(loss, (float, np.floating)):
            raise MessageError(f"{kind(loss)}; wanted a float")
        found["losses"].append(float(loss))
    return found | {"steps": len(found["parameters"]) - 1, "batches": text}


class Guesser(nn.Module):
    """A small recurrent model with a pair (h, c) as its state; where it begins is learnt too.

    With the row W[x] of each word: h' = tanh(W[x] + h R + c), c' = (c + h') / 2, and the scores are h' V.
    """

    def __init__(self, words: int, size: int):
        super().__init__()
        shapes = {"W": (words, size), "R": (size, size), "V": (size, words), "start": (1, size)}
        for name, shape in shapes.items():
            setattr(self, name, nn.Parameter(init.randn(*shape, dtype="float64")))

    def forward(self, x, h=None):
        batch, size = x.shape[1], self.R.shape[0]
        zeros = init.zeros(batch, size, dtype="float64")
        h, c = (self.start + zeros, zeros) if h is None else h
        rows = []
        for words in x.numpy().astype(int):
            h = ops.tanh(self.W[words] + h @ self.R + c)
            c = (c + h) / 2
            rows.append(h @ self.V)
        return ops.concat(tuple(rows), 0), (h, c)


# --- parts of the above -------------------------------------------------------------------------------------


def _function(name: str, settings: dict) -> Callable:
    return lambda *operands: getattr(ops, name)(*operands, **settings)


def _run(answer: Callable, name: str, settings: dict, operands: list) -> autograd.Tensor:
    def compute(self, *arrays):
        result = answer(*arrays, *[getattr(self, setting) for setting in settings])
        if not isinstance(result, type(arrays[0])):
            raise MessageError(f"{kind(result)}; wanted an NDArray")
        return result

    with autograd.override(name, _variant(name, compute=compute)):
        return _function(name, settings)(*operands)


def _with_gradient(name: str, answer: Callable) -> type:
    def gradient(self, out_grad, node):
        result = answer(out_grad, node)
        if not isinstance(result, (tuple, list)) or len(result) != len(node.inputs):
            raise MessageError(f"{kind(result)}; wanted a tuple of {len(node.inputs)} Tensors")
        return tuple(_tensor(part, " in the tuple") for part in result)

    return _variant(name, gradient=gradient)


def _variant(name: str, **methods: Callable) -> type:
    return type("StudentOp", (autograd.registry.slot(name).original,), methods)


def _module(answer: Callable, settings: dict) -> nn.Module:
    layer = answer(**settings)
    if not isinstance(layer, nn.Module):
        raise MessageError(f"{kind(layer)}; wanted an nn.Module")
    return layer


def _give(layer: nn.Module, values: dict) -> None:
    for name, array in values.items():
        getattr(layer, name).data = tensors([array])[0]


def _number(module: nn.Module, numbers: list) -> None:
    """Give each parameter the numbers of its shape."""
    by_shape = {array.shape: array for array in numbers}
    for name, parameter in module.named_parameters():
        if parameter.shape not in by_shape:
            raise MessageError(f"a module whose {name} has the shape {parameter.shape}; no part should have it")
        parameter.data = tensors([by_shape[parameter.shape]])[0]


def _tensor(value: object, where: str = "") -> autograd.Tensor:
    if not isinstance(value, autograd.Tensor):
        raise MessageError(f"{kind(value)}{where}; wanted a Tensor")
    return value


def _state(parts: int, given: list) -> list:
    """The argument that says the state, if any."""
    return [given[0] if parts == 1 else tuple(given)] if given else []


def _parts(result: object, parts: int) -> list:
    """A Tensor, or the Tensors of a pair, as a list."""
    if parts == 1:
        return [_tensor(result)]
    if not isinstance(result, (tuple, list)) or len(result) != parts:
        raise MessageError(f"{kind(result)} as a state; wanted a pair (h, c)")
    return [_tensor(part, " in a state") for part in result]


def _read(network: nn.Module, parts: int, x: autograd.Tensor, given: list) -> list:
    """Read a sequence: the output, and the parts of the states at the end."""
    result = StudentsCode(network)(x, *_state(parts, given))
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        raise MessageError(f"{kind(result)}; wanted two things, the output and the states at the end")
    return [_tensor(result[0], " as its output"), *_parts(result[1], parts)]


def _backward(results: list, out_grads: list) -> None:
    """Walk backwards from several results at once, each with its adjoint."""
    if out_grads:
        pairs = zip(results, tensors(out_grads), strict=False)
        losses = [(result * adjoint.detach()).sum() for result, adjoint in pairs]
        ops.stack(losses, 0).sum().backward()
