"""Homework 5's adapters: how its tests put attention, layers, positions, a GPT and its cache to work.

A test says which numbers the parameters shall have and what goes in; what stands here makes an object of your class,
puts the numbers there, lets it run, and returns arrays. Nothing here judges. (`needle_edu/course/adapters.py` says what
an adapter is.)
"""

from collections.abc import Callable

import numpy as np

from needle_edu import autograd, init, ndarray as nd, nn, optim, training
from needle_edu.backend import compatibility
from needle_edu.course.adapters import gradients, kind, tensors
from needle_edu.course.messages import MessageError
from needle_edu.course.withheld import StudentsCode

# --- softmax and its gradient -------------------------------------------------------------------------------


def masked(answer: Callable, scores: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Call a function of arrays with scores and a mask; return what came."""
    result = answer(nd.array(scores, dtype=scores.dtype), nd.array(mask, dtype="bool"))
    if not isinstance(result, nd.NDArray):
        raise MessageError(f"{kind(result)}; wanted an NDArray")
    return result.numpy()


def masked_inputs(answer: Callable, scores: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `masked`; return scores and mask as they are afterwards."""
    given = nd.array(scores, dtype=scores.dtype), nd.array(mask, dtype="bool")
    answer(*given)
    return given[0].numpy(), given[1].numpy()


def gradient_of_one(answer: Callable, out_grad: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
    """Softmax with the answer as its gradient, backward; then the gradient of the gradient's first number."""
    from needle_edu import ops
    from needle_edu.autograd import registry

    def gradient(self, out_grad, node):
        return answer(out_grad, node)

    (leaf,) = tensors([scores])
    own = type("StudentOp", (registry.slot("softmax").original,), {"gradient": gradient})
    with autograd.override("softmax", own):
        ops.softmax(leaf).backward(*tensors([out_grad]), create_graph=True)
        first, leaf.grad = leaf.grad, None
        if first is None or not first.requires_grad:
            return None
        first[0].backward()
    return gradients([leaf])[0]


# --- attention and heads ------------------------------------------------------------------------------------


def attention(
    answer: Callable, settings: dict, q: np.ndarray, k: np.ndarray, v: np.ndarray, lengths: list | None = None
) -> dict:
    """Make a `MultiHeadAttention` and run it; return the averages ``"y"`` and the ``"weights"``."""
    y, weights = _pair(_module(answer, settings), tensors([q, k, v]), lengths)
    return {"y": y.numpy(), "weights": weights.numpy()}


def attention_gradients(
    answer: Callable, settings: dict, arrays: list, out_grad: np.ndarray, lengths: list | None = None
) -> dict:
    """Run a `MultiHeadAttention` on queries, keys and values, and backward from the adjoint of the averages.

    Returns
    -------
    dict
        The averages ``"y"``, the ``"gradients"`` of the three, and the three as they are afterwards, ``"inputs"``.
    """
    leaves = tensors(arrays)
    y, _ = _pair(_module(answer, settings), leaves, lengths)
    result = y.numpy()
    _backward(y, out_grad)
    return {"y": result, "gradients": gradients(leaves), "inputs": [leaf.numpy() for leaf in leaves]}


def on_tensor(answer: Callable, x: np.ndarray, *rest, out_grad: np.ndarray | None = None) -> dict:
    """Call a function on a Tensor of `x`, and go backward if there is an adjoint.

    Returns
    -------
    dict
        The result ``"y"``, the ``"gradient"`` of x, and x afterwards, ``"input"``.
    """
    (leaf,) = tensors([x])
    y = _tensor(answer(leaf, *rest))
    result = y.numpy()
    if out_grad is not None:
        _backward(y, out_grad)
    return {"y": result, "gradient": gradients([leaf])[0], "input": leaf.numpy()}


# --- layers and positions -----------------------------------------------------------------------------------


def parameters(answer: Callable, settings: dict, seed: int = 0) -> dict:
    """Make a module after `init.seed(seed)`; return its parameters by name, in the order an optimiser finds them."""
    init.seed(seed)
    return {name: tensor.numpy() for name, tensor in _module(answer, settings).named_parameters()}


def second_of_two(answer: Callable, settings: dict) -> tuple[dict, dict]:
    """Make two modules, add 1 to each parameter of the first; return those of the second before and after."""
    first, second = _module(answer, settings), _module(answer, settings)
    before = {name: tensor.numpy() for name, tensor in second.named_parameters()}
    for tensor in first.parameters():
        tensor.data = tensor.data + 1
    return before, {name: tensor.numpy() for name, tensor in second.named_parameters()}


def outputs(
    answer: Callable, settings: dict, values: dict, inputs: list, out_grad: np.ndarray | None = None,
    training: bool = False, seed: int = 0,
) -> dict:  # fmt: skip
    """Make a module, give each parameter its numbers, and run it on the inputs; backward if there is an adjoint.

    Parameters
    ----------
    values : dict of str to numpy.ndarray
        What the parameters of these names shall hold.
    training : bool
        Whether the module is in training or in evaluation.
    seed : int
        For `init.seed`, just before the inputs go in; dropout draws one number for each element then.

    Returns
    -------
    dict
        The result ``"y"``; the ``"inputs"`` as they are afterwards; the gradients of the first one, ``"x"``, and of the
        ``"parameters"``, by name.
    """
    module, leaves = _module(answer, settings), tensors(inputs)
    _give(module, values)
    module.train(training)
    init.seed(seed)
    before, compatibility.dropout_draws_each = compatibility.dropout_draws_each, True  # the tests know these numbers
    try:
        y = _tensor(StudentsCode(module)(*leaves))
    finally:
        compatibility.dropout_draws_each = before
    result = y.numpy()
    if out_grad is not None:
        _backward(y, out_grad)
    named = dict(module.named_parameters())
    found = dict(zip(named, gradients([*named.values()]), strict=True))
    inputs = [leaf.numpy() for leaf in leaves]
    return {"y": result, "inputs": inputs, "x": gradients(leaves)[0], "parameters": found}


def on_pieces(answer: Callable, settings: dict, pieces: list, starts: list | None = None) -> list:
    """Make a module and call it on each piece, with its ``start`` where there are some; return what came."""
    module = _module(answer, settings)
    if starts is None:
        return [_tensor(StudentsCode(module)(x)).numpy() for x in tensors(pieces)]
    return [_tensor(StudentsCode(module)(x, start)).numpy() for x, start in zip(tensors(pieces), starts, strict=True)]


# --- the GPT, and what it writes ----------------------------------------------------------------------------


def scores(answer: Callable, settings: dict, values: dict, tokens: np.ndarray, start: int = 0) -> np.ndarray:
    """Make a language model, give each parameter its numbers, and return its scores for some tokens."""
    model = _module(answer, settings)
    _give(model, values)
    return _tensor(StudentsCode(model)(_tokens(tokens), *([start] if start else []))).numpy()


def without_gradient(answer: Callable, settings: dict, tokens: np.ndarray) -> list:
    """Run a language model, and backward from the sum of its squared scores; the parameters that got no gradient."""
    model = _module(answer, settings)
    y = _tensor(StudentsCode(model)(_tokens(tokens)))
    if y.requires_grad:
        (y * y).sum().backward()
    return [name for name, tensor in model.named_parameters() if tensor.grad is None]


def learns(answer: Callable, settings: dict, asked: np.ndarray, steps: int) -> np.ndarray:
    """Train a language model to write digits backwards, then let it write.

    A sequence is some digits, a token that says "now", and the digits once more, backwards.

    Parameters
    ----------
    asked : numpy.ndarray
        Digits, one sequence a row; they are new to the model.
    steps : int
        Steps of training, with the library's loop, Adam and softmax loss.

    Returns
    -------
    numpy.ndarray
        What the model writes for each row, always the token with the best score.
    """
    length, now = asked.shape[1], settings["tokens"] - 1

    class Backwards(training.Application):
        name, summary, epochs, batch_size, lr, watch = "backwards", "digits, backwards", 1, 64, 0.01, "loss"

        def __init__(self, settings_of_the_loop):
            super().__init__(settings_of_the_loop)
            self.model = _module(answer, settings)
            self.optimizer = optim.Adam(self.model.parameters(), lr=self.settings.lr)
            self.loss = nn.SoftmaxLoss()

        def batches(self):
            return range(steps)

        def step(self, batch):
            digits = np.random.randint(0, now, size=(64, length))
            whole = np.concatenate([digits, np.full((64, 1), now), digits[:, ::-1]], axis=1)
            found = _tensor(StudentsCode(self.model)(_tokens(whole[:, :-1])))[:, length:]
            loss = self.loss(found.reshape((-1, now + 1)), _tokens(whole[:, length + 1 :].reshape(-1)))
            self.optimizer.lr = self.settings.lr * (1 - batch / steps)
            self.optimizer.reset_grad()
            loss.backward()
            self.optimizer.step()
            return {"loss": loss.item()}

    model = training.run(Backwards, progress=False).application.model.eval()
    tokens = np.concatenate([asked, np.full((len(asked), 1), now)], axis=1)
    for _ in range(length):
        best = StudentsCode(model)(_tokens(tokens)).numpy()[:, -1].argmax(axis=1)
        tokens = np.concatenate([tokens, best[:, None]], axis=1)
    return tokens[:, length + 1 :]


def drawn(answer: Callable, p: np.ndarray, count: int, seed: int) -> list:
    """Call a function of probabilities so many times, after `init.seed(seed)`; return what came."""
    init.seed(seed)
    return [answer(p) for _ in range(count)]


def array_afterwards(answer: Callable, array: np.ndarray, **settings) -> np.ndarray:
    """Call a function of an array; return the array as it is afterwards."""
    answer(array, **settings)
    return array


# --- the cache ----------------------------------------------------------------------------------------------


def pieces(answer: Callable, sizes: list, values: dict, given: list, reset_before: list = ()) -> dict:
    """Put a cache around an `AttentionLayer` of the library, and feed it one piece after the other.

    Parameters
    ----------
    sizes : list of int
        The layer's first arguments.
    values : dict of str to numpy.ndarray
        The numbers of its parameters.
    reset_before : list of int
        The numbers of the pieces before which `reset` is called.

    Returns
    -------
    dict
        After each piece: the ``"outputs"``, the ``"lengths"``, and how many ``"rows"`` went through the map of the
        keys; the ``"inputs"`` as they are afterwards.
    """
    layer, rows = _counting_layer(sizes, values)
    cache = _module(answer, {"layer": layer})
    found: dict = {"outputs": [], "lengths": [], "rows": []}
    leaves = tensors(given)
    for number, x in enumerate(leaves):
        if number in reset_before:
            cache.reset()
        rows.clear()
        found["outputs"].append(_tensor(StudentsCode(cache)(x)).numpy())
        found["lengths"].append(cache.length)
        found["rows"].append(sum(rows))
    return found | {"inputs": [x.numpy() for x in leaves]}


def two_in_turn(answer: Callable, sizes: list, values: dict, first: list, second: list) -> dict:
    """Put two caches around one `AttentionLayer`, and feed them in turn; return what each gave, and its parameters."""
    layer, _ = _counting_layer(sizes, values)
    caches = [_module(answer, {"layer": layer}) for _ in range(2)]
    found: dict = {"first": [], "second": []}
    for pair in zip(tensors(first), tensors(second), strict=True):
        for name, cache, x in zip(found, caches, pair, strict=True):
            found[name].append(_tensor(StudentsCode(cache)(x)).numpy())
    return found | {"parameters": [name for name, _ in caches[0].named_parameters()]}


def _counting_layer(sizes: list, values: dict) -> tuple[nn.AttentionLayer, list]:
    """The library's, causal, with these numbers; and a list of how many rows went through the map of the keys."""
    rows: list = []

    class Counted(nn.Linear):
        def forward(self, x):
            rows.append(x.shape[1])
            return super().forward(x)

    features, num_head, dim_head = sizes
    layer = nn.AttentionLayer(features, num_head, dim_head, causal=True)
    layer.k_projection = Counted(features, num_head * dim_head, bias=False)
    _give(layer, values)
    return layer, rows


# --- parts of the above -------------------------------------------------------------------------------------


def _module(answer: Callable, settings: dict) -> nn.Module:
    layer = answer(**settings)
    if not isinstance(layer, nn.Module):
        raise MessageError(f"{kind(layer)}; wanted an nn.Module")
    return layer


def _pair(layer: nn.Module, inputs: list, lengths: list | None) -> tuple:
    found = StudentsCode(layer)(*inputs, **({} if lengths is None else {"lengths": lengths}))
    if type(found) not in (tuple, list) or len(found) != 2:
        raise MessageError(f"{kind(found)}; wanted two Tensors, the averages and the weights")
    return tuple(_tensor(one) for one in found)


def _tensor(value) -> autograd.Tensor:
    if not isinstance(value, autograd.Tensor):
        raise MessageError(f"{kind(value)}; wanted a Tensor")
    return value


def _tokens(array: np.ndarray) -> autograd.Tensor:
    return autograd.Tensor(array, dtype="int64", requires_grad=False)


def _give(module: nn.Module, values: dict) -> None:
    if any(array.dtype == "float64" for array in values.values()):
        module.to(dtype="float64")
    named = dict(module.named_parameters())
    for name, array in values.items():
        if name not in named:
            raise MessageError(f"a module without the parameter {name}")
        if named[name].shape != array.shape:
            raise MessageError(f"a module whose {name} has the shape {named[name].shape}; wanted {array.shape}")
        named[name].data = tensors([array])[0]


def _backward(y: autograd.Tensor, out_grad: np.ndarray) -> None:
    if y.shape == out_grad.shape and y.requires_grad:  # otherwise there is no gradient, and the test says so
        y.backward(*tensors([out_grad]))
