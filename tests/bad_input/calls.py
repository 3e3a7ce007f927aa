"""A call that works for every public function, layer, optimiser and method: what the tests here then spoil, argument
by argument.

The registry gives the ops. What is not listed below is called with the first of some usual arguments that it takes, so
a new layer or function is tested without a line here; one that takes none of them is named by
`test_every_public_name_has_a_call`.
"""

import importlib
import inspect

import numpy as np

from needle_edu import Tensor, ndarray as nd, nn, ops
from needle_edu.autograd import registry


def tensor(*shape):
    """Numbers from 0.1 to 0.9: probabilities, logits, images."""
    count = int(np.prod(shape))
    return Tensor(np.linspace(0.1, 0.9, count, dtype="float32").reshape(shape), requires_grad=False)


def matrix():
    return nd.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def whole_numbers(*values):
    return Tensor(np.array(values), requires_grad=False)


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
    "embedding_bag": lambda: (whole_numbers([0, 1], [1, 0]), tensor(3, 2)),
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
    "scaled_dot_product_attention": lambda: (tensor(2, 3, 4), tensor(2, 5, 4), tensor(2, 5, 2), tensor(3, 5)),
    "attention_weights": lambda: (tensor(2, 3, 4), tensor(2, 5, 4), tensor(3, 5)),
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
    "TransformerEncoder": lambda: (nn.TransformerEncoderLayer(4, 2, 4), 2),
    "TransformerEncoderLayer": lambda: (4, 2, 4),
    "TransformerDecoder": lambda: (nn.TransformerDecoderLayer(4, 2, 4), 2),
    "TransformerDecoderLayer": lambda: (4, 2, 4),
    "MultiheadAttention": lambda: (4, 2), "MultiHeadAttention": lambda: (), "AttentionLayer": lambda: (4, 2, 3),
    "TransformerLayer": lambda: (4, 2, 3, 5), "Transformer": lambda: (4, 5, 2), "RotaryPositions": lambda: (9, 4),
    "LearnedPositions": lambda: (9, 4), "SinusoidalPositions": lambda: (9, 4), "SwiGLU": lambda: (4, 5),
    "RMSNorm": lambda: (4,), "Fold": lambda: (4, 2), "MaxUnpool1d": lambda: (2,), "MaxUnpool2d": lambda: (2,),
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
    if isinstance(layer, nn.CTCLoss):
        return tensor(3, 2, 3), whole_numbers([1, 2], [2, 1]), np.array([3, 3]), np.array([1, 2])
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
    sequence = tensor(2, 3, 4)
    threes += [(tensor(2, 2, 3, 4),) * 3, (sequence,) * 3]
    pairs.append((sequence, sequence))
    rows.append((sequence,))
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
            (whole_numbers([0, 1], [1, 0]),),
        ]
    )
    return first_that_works(layer, given)


def operations():
    """Name → (function, arguments, keywords) of all ops and compositions."""
    module = importlib.import_module("needle_edu.ops")
    names = [name for name in module.__all__ if inspect.isfunction(getattr(module, name))]
    return with_arguments({name: (getattr(module, name), *call_of_an_op(name)) for name in names})
