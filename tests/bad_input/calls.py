"""A call that works for every public function, layer, optimiser and method: what the tests here then spoil, argument
by argument.

The registry gives the ops. What is not listed below is called with the first of some usual arguments that it takes, so
a new layer or function is tested without a line here; one that takes none of them is named by
`test_every_public_name_has_a_call`.
"""

import importlib
import inspect

import numpy as np

from needle_edu import Tensor, cpu, data, init, metrics, ndarray as nd, nn, ops, optim
from needle_edu.autograd import registry


def tensor(*shape):
    """Numbers from 0.1 to 0.9: probabilities, logits, images."""
    count = int(np.prod(shape))
    return Tensor(np.linspace(0.1, 0.9, count, dtype="float32").reshape(shape), requires_grad=False)


def matrix():
    return nd.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def whole_numbers(*values):
    return Tensor(np.array(values), requires_grad=False)


def weights():
    return [nn.Parameter([[1.0, 2.0], [3.0, 4.0]])]


def sgd():
    return optim.SGD(weights(), lr=0.1)


# ---- ops: those of the registry, and the compositions -------------------------------------------------------------

COMPOSITIONS = {
    "view": ((3, 2),), "unsqueeze": (0,), "swapaxes": (0, 1), "moveaxis": (0, 1), "get_item": (0,), "chunk": (2,),
    "hsplit": (3,), "vsplit": (2,), "topk": (2,), "take": (whole_numbers(0, 1),),
    "take_along_axis": (Tensor(np.zeros((2, 1), dtype="int64"), requires_grad=False),),
}  # fmt: skip
WHOLE_CALLS = {
    "dsplit": lambda: (tensor(2, 2, 4), 2),
    "dot": lambda: (tensor(3), tensor(3)),
    "outer": lambda: (tensor(3), tensor(2)),
    "embedding": lambda: (whole_numbers(0, 1), tensor(3, 2)),
    "one_hot": lambda: (whole_numbers(0, 1), 3),
    "cosine_similarity": lambda: (tensor(2, 3), tensor(2, 3)),
    "pairwise_distance": lambda: (tensor(2, 3), tensor(2, 3)),
    "concatenate": lambda: ([tensor(2, 3), tensor(2, 3)],),
    "cat": lambda: ([tensor(2, 3), tensor(2, 3)],),
    "max_unpool1d": lambda: (tensor(1, 1, 2), whole_numbers([[0, 2]]), 2),
    "max_unpool2d": lambda: (tensor(1, 1, 1, 2), whole_numbers([[[0, 2]]]), 2),
    "lp_pool1d": lambda: (tensor(1, 1, 4), 2.0, 2),
    "lp_pool2d": lambda: (tensor(1, 1, 4, 4), 2.0, 2),
    "expand": lambda: (tensor(1, 3), 2, 3),
    "masked_fill": lambda: (tensor(2, 3), tensor(2, 3) > 0.5, 1.0),
    "masked_select": lambda: (tensor(2, 3), tensor(2, 3) > 0.5),
    "index_select": lambda: (tensor(2, 3), 0, whole_numbers(0, 1)),
    "narrow": lambda: (tensor(2, 3), 1, 0, 2),
    "gather": lambda: (tensor(2, 3), 1, whole_numbers([0], [1])),
    "scatter": lambda: (tensor(2, 3), 1, whole_numbers([0], [1]), tensor(2, 1)),
    "scatter_add": lambda: (tensor(2, 3), 1, whole_numbers([0], [1]), tensor(2, 1)),
    "repeat": lambda: (tensor(2, 3), 2, 1),
    "tile": lambda: (tensor(2, 3), (2, 1)),
    "bincount": lambda: (whole_numbers(0, 1, 1),),
    "isclose": lambda: (tensor(2, 3), tensor(2, 3)),
    "allclose": lambda: (tensor(2, 3), tensor(2, 3)),
    "einsum": lambda: ("ij->ji", tensor(2, 3)),
}


def registered(name):
    attributes, inputs = registry.ops()[name].cls.samples(np.random.default_rng(3))[0]
    inputs = [Tensor(x, requires_grad=False) for x in inputs]
    return [inputs] if getattr(registry.ops()[name].cls, "tuple_input", False) else inputs, attributes


def call_of_an_op(name):
    """(arguments, keywords)"""
    if name in registry.ops():
        return registered(name)
    if name in WHOLE_CALLS:
        return WHOLE_CALLS[name](), {}
    if name in COMPOSITIONS:
        return (tensor(2, 3), *COMPOSITIONS[name]), {}
    shapes = [(shape, *more) for more in ((), (2,)) for shape in images()]
    return first_that_works(getattr(ops, name), shapes), {}


# ---- what a callable takes is found by trying ----------------------------------------------------------------------


def images():
    return [tensor(2, 3), tensor(2, 4), tensor(2, 4, 6), tensor(2, 4, 6, 6), tensor(2, 4, 2, 6, 6)]


WITHOUT = []  # the callables that take none of the arguments tried


def first_that_works(function, candidates):
    """The first arguments that a function takes without an error; None, and a note, if there are none."""
    for arguments in candidates:
        try:
            function(*arguments)
        except Exception:  # noqa: S112  (whatever it is: the next ones are tried)
            continue
        return arguments
    WITHOUT.append(function)
    return None


def with_arguments(found):
    """Without the callables that no arguments were found for."""
    return {name: call for name, call in found.items() if call[1] is not None}


SIZES = [
    (), (4,), (2,), (2, 4), (4, 3, 3), (2, 3, 4), (4, 3, 3, 1), (1, (2, 3)), (1.0,), (0.1, 0.3), ((2, 3),),
]  # fmt: skip
LAYERS = {
    "Sequential": lambda: (nn.Linear(3, 3), nn.ReLU()), "Residual": lambda: (nn.Linear(3, 3),),
    "ModuleList": lambda: ([nn.ReLU()],), "ModuleDict": lambda: ({"a": nn.ReLU()},), "Parameter": lambda: ([1.0],),
    "Unflatten": lambda: (1, (2, 3)), "Reshape": lambda: (6,), "Linear": lambda: (3, 4),
    "Fold": lambda: (4, 2), "MaxUnpool1d": lambda: (2,), "MaxUnpool2d": lambda: (2,),
}  # fmt: skip
NO_LAYERS = {"Module", "Summary", "summary", "utils", "Loss", "Parameter"}  # bases, results, and functions
LABELS = whole_numbers(0, 2)


def layers():
    """Name → (class, arguments of its constructor)."""
    found = {}
    for name in sorted(set(nn.__all__) - NO_LAYERS):
        cls = getattr(nn, name)
        if inspect.isclass(cls):
            given = [LAYERS[name]()] if name in LAYERS else SIZES
            found[name] = cls, first_that_works(cls, given)
    return with_arguments(found)


def inputs_of_a_layer(layer):
    """What its forward takes: an image, class numbers, or two or three of them."""
    image = images()
    pairs = [(x, x) for x in image] + [
        (tensor(2, 3), LABELS),
        (tensor(2, 4), tensor(2, 3)),
        (tensor(2), tensor(2)),
    ]
    threes = [(x, x, x) for x in image] + [(tensor(2, 3), tensor(2, 3), LABELS)]
    rows = [(tensor(1, 4, 9),), (tensor(1, 16, 2, 2),), (tensor(1, 1, 4, 4),)]
    sides = (
        Tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]], requires_grad=False),
        Tensor([1.0, -1.0], requires_grad=False),
    )
    pairs += [(tensor(1, 1, 2), whole_numbers([[0, 2]])), (tensor(1, 1, 1, 2), whole_numbers([[[0, 2]]]))]
    pairs += [(tensor(2, 3), sides[0]), (tensor(2, 3), whole_numbers([0, 1, -1], [2, -1, -1]))]
    threes += [(tensor(2, 3), tensor(2, 3), sides[1]), (tensor(2), tensor(2), sides[1])]
    given = (
        [(x,) for x in image]
        + rows
        + [
            (LABELS,),
            (whole_numbers(0, 1),),
            (tensor(2, 6),),
            (tensor(2, 3, 2),),
            *pairs,
            *threes,
        ]
    )
    return first_that_works(layer, given)


# ---- optimisers, schedulers, initialisers, arrays, data ------------------------------------------------------------

SCHEDULERS = {
    "ChainedScheduler": lambda s: ([optim.StepLR(s, 2)],),
    "SequentialLR": lambda s: (s, [optim.StepLR(s, 2), optim.StepLR(s, 3)], [3]),
    "LambdaLR": lambda s: (s, lambda epoch: 1.0),
    "MultiStepLR": lambda s: (s, [1, 2]),
    "CyclicLR": lambda s: (s, 0.1, 0.3),
    "OneCycleLR": lambda s: (s, 0.3, 10),
    "ExponentialLR": lambda s: (s, 0.9),
    "SWALR": lambda s: (s, 0.1),
}


AFTER_SGD = [*SIZES, (lambda epoch: 1.0,)]


def optimisers():
    """Name → (class, arguments of its constructor)."""
    found = {}
    for name in optim.__all__:
        cls = getattr(optim, name)
        if not inspect.isclass(cls) or name in ("Optimizer", "LRScheduler"):
            continue
        if issubclass(cls, optim.Optimizer):
            found[name] = cls, (weights(),)
        elif name in SCHEDULERS:
            found[name] = cls, SCHEDULERS[name](sgd())
        else:
            found[name] = (
                cls,
                first_that_works(
                    cls, [*((sgd(), *more) for more in AFTER_SGD), (nn.Linear(2, 2),), (weights(),)]
                ),
            )
    return with_arguments(found)


INITIALISERS = {
    "one_hot": lambda: (3, whole_numbers(0, 1)), "calculate_gain": lambda: ("relu",), "seed": lambda: (3,),
    "ones_like": lambda: (tensor(2),), "zeros_like": lambda: (tensor(2),),
}  # fmt: skip


def initialisers():
    """Name → (function, arguments)."""
    return {
        name: (getattr(init, name), INITIALISERS[name]() if name in INITIALISERS else (2, 3))
        for name in init.__all__
        if name != "generator"
    }


def index(*values):
    return nd.array(values, dtype="int64")


X = matrix()
ARRAYS = {
    "arange": (3,), "empty": ((2, 3),), "full": ((2, 3), 1.0), "zeros": ((2, 3),), "ones": ((2, 3),), "eye": (3,),
    "linspace": (0.0, 1.0, 3), "array": ([1.0, 2.0],), "asarray": ([1.0, 2.0],), "astype": (X, "float64"),
    "from_dlpack": (np.ones(3, "float32"),), "broadcast_arrays": (X, X), "broadcast_to": (X, (1, 2, 3)),
    "concat": ([X, X],), "concatenate": ([X, X],), "stack": ([X, X],), "cross_entropy": (X, index(0, 1)),
    "cross_entropy_backward": (nd.ones(1), X, index(0, 1)), "dilate": (X, (0,), 1), "full_like": (X, 1.0),
    "gather": (X, index([0], [1]), 1), "scatter_add": (X, index([0, 1, 0]), X[:1], 0), "index_add": (X, index(0, 1), X),
    "moveaxis": (X, 0, 1), "swapaxes": (X, 0, 1), "pad": (X, ((1, 1), (0, 0))), "permute": (X, (1, 0)),
    "permute_dims": (X, (1, 0)), "prod": (X,), "reshape": (X, (3, 2)), "result_type": (X, X),
    "squeeze": (nd.ones((1, 3)), 0), "take": (X, index(0, 1)), "where": (X > 2, X, X), "matmul": (X, X.T),
    "activation": ("leaky_relu", X, 0.5), "activation_backward": ("leaky_relu", X, X, 0.5),
    "isclose": (X, X), "clip": (X, 0.0, 1.0), "expand_dims": (X, 0),
}  # fmt: skip


def arrays():
    """Name → (function, arguments)."""
    found = {}
    for name in nd.__all__:
        function = getattr(nd, name)
        if not callable(function) or inspect.isclass(function):
            continue
        found[name] = (
            function,
            ARRAYS.get(name) or first_that_works(function, [(X,), (X, X), (X, X, X), (X, 0)]),
        )
    return with_arguments(found)


METHODS = {
    "reshape": ((3, 2),), "view": ((3, 2),), "permute": ((1, 0),), "broadcast_to": ((2, 2, 3),),
    "as_strided": ((3, 2), (1, 3)), "process_slice": (slice(0, 1), 0), "to": (cpu(),), "astype": ("float64",),
    "pad": (((1, 1), (0, 0)),), "dilate": ((0,), 1), "undilate": ((0,), 1), "clip": (0.0, 1.0), "clamp": (0.0, 1.0),
    "swapaxes": (0, 1), "moveaxis": (0, 1), "make": ((2, 3),), "compact_strides": ((2, 3),),
    "take": (index(0, 1),), "chunk": (2,), "topk": (2,),
}  # fmt: skip
NOT_SPOILED = {  # they take anything (a hook, NumPy's keywords), or nothing but are tested in files of their own
    "bincount",  # of whole numbers: tested as a function
    "backward", "register_hook", "make_from_op", "make_const", "item", "tolist", "numpy", "dot", "realize_cached_data",
    "retain_grad", "replace_data",
}  # fmt: skip


def methods(make):
    """Name → (method, arguments) of all public methods of what `make` gives."""
    found = {}
    for name in sorted(name for name in dir(make()) if not name.startswith("_") and name not in NOT_SPOILED):
        method = getattr(make(), name)
        if callable(method):
            if name in WHOLE_CALLS and name != "dot":
                found[name] = method, WHOLE_CALLS[name]()[1:]
                continue
            candidates = [(), (make(),), (0,), (0, 1), (1.0,), (make().T,)]
            found[name] = method, METHODS.get(name) or first_that_works(method, candidates)
    return with_arguments(found)


DATA = {
    "DataLoader": lambda: (data.NDArrayDataset(np.ones((8, 2), "float32"), np.zeros(8)),),
    "NDArrayDataset": lambda: (np.ones((8, 2), "float32"), np.zeros(8)),
    "circles": lambda: (10,), "moons": lambda: (10,), "spiral": lambda: (10,), "xor": lambda: (10,),
    "RandomCrop": lambda: (3,), "RandomFlipHorizontal": lambda: (0.5,), "digits": lambda: (),
    "DigitsDataset": lambda: ("train",), "collate_ndarray": lambda: ([(np.ones(2), 1), (np.ones(2), 2)],),
}  # fmt: skip


def other():
    """Name → (callable, arguments): data, metrics, and what clips gradients."""
    found = {name: (getattr(data, name), arguments()) for name, arguments in DATA.items()}
    scores = tensor(3, 3), whole_numbers(0, 1, 2)
    found["accuracy"] = metrics.accuracy, scores
    for name in nn.utils.__all__:
        if name.startswith("clip_grad"):
            found[name] = getattr(nn.utils, name), (weights(), 1.0)
    return with_arguments(found)


def operations():
    """Name → (function, arguments, keywords) of all ops and compositions."""
    module = importlib.import_module("needle_edu.ops")
    names = [name for name in module.__all__ if inspect.isfunction(getattr(module, name))]
    return with_arguments({name: (getattr(module, name), *call_of_an_op(name)) for name in names})
