"""Calls that work of all that is no op and no layer: optimisers, initialisers, arrays, methods, data. See calls.py."""

import inspect

import numpy as np
from calls import SIZES, WHOLE_CALLS, first_that_works, matrix, tensor, whole_numbers, with_arguments

from needle_edu import cpu, cuda_sim, data, distributed, init, metrics, models, ndarray as nd, nn, optim
from needle_edu.backend import cudasim


def weights():
    return [nn.Parameter([[1.0, 2.0], [3.0, 4.0]])]


def sgd():
    return optim.SGD(weights(), lr=0.1)


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
    "index_to_position": ((1, 2), (3, 1)), "ordinal_to_index": (5, (2, 3)), "broadcast_index": ((1, 2), (3,)),
    "position_to_indices": (5, (2, 3), (3, 1)), "broadcast_shapes": ((2, 1), (3,)),
    "from_dlpack": (np.ones(3, "float32"),), "broadcast_arrays": (X, X), "broadcast_to": (X, (1, 2, 3)),
    "concat": ([X, X],), "concatenate": ([X, X],), "stack": ([X, X],), "cross_entropy": (X, index(0, 1)),
    "cross_entropy_backward": (nd.ones(1), X, index(0, 1)), "nll_loss": (X, index(0, 1)),
    "soft_cross_entropy": (X, X), "soft_cross_entropy_backward": (nd.ones(1), X, X),
    "nll_loss_backward": (nd.ones(1), index(0, 1), (2, 3)), "dilate": (X, (0,), 1), "dropout": (X, 0.5, 3),
    "full_like": (X, 1.0),
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
    "backward", "register_hook", "register_post_accumulate_grad_hook", "make_from_op", "make_const", "item", "tolist",
    "numpy", "dot", "realize_cached_data",
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
    "halves": lambda: (10,), "diagonal": lambda: (10,), "stripes": lambda: (10,),
    "RandomCrop": lambda: (3,), "RandomFlipHorizontal": lambda: (0.5,), "digits": lambda: (),
    "collate_padded": lambda: ([(np.ones(2), 1), (np.ones(3), 2)],), "BucketBatchSampler": lambda: ([3, 1, 2], 2),
    "DigitsDataset": lambda: ("train",), "collate_ndarray": lambda: ([(np.ones(2), 1), (np.ones(2), 2)],),
}  # fmt: skip


SIZES_OF_A_MODEL = {"layers": 1, "heads": 2, "dim": 8}
MODELS = {
    "Bert": lambda: (models.Bert, (20, 8), SIZES_OF_A_MODEL), "GPT": lambda: (models.GPT, (20, 8), SIZES_OF_A_MODEL),
    "Llama": lambda: (models.Llama, (20, 8), SIZES_OF_A_MODEL), "ViT": lambda: (models.ViT, (6, 3), SIZES_OF_A_MODEL),
    "BertClassifier": lambda: (models.BertClassifier, (small_bert(), 3), {}),
    "BertForMaskedLM": lambda: (models.BertForMaskedLM, (small_bert(),), {}),
    "KVCache": lambda: (models.KVCache, (1, 2, 3, 4, 5), {}),
}  # fmt: skip


def small_bert():
    return models.Bert(20, 8, **SIZES_OF_A_MODEL)


def of_models():
    """Name → (class, arguments, keywords)."""
    return {name: make() for name, make in MODELS.items()}


def other():
    """Name → (callable, arguments): data, metrics, and what clips gradients."""
    found = {name: (getattr(data, name), arguments()) for name, arguments in DATA.items()}
    scores = tensor(3, 3), whole_numbers(0, 1, 2)
    found["accuracy"], found["perplexity"] = (metrics.accuracy, scores), (metrics.perplexity, scores)
    for name in nn.utils.__all__:
        if name.startswith("clip_grad"):
            found[name] = getattr(nn.utils, name), (weights(), 1.0)
    return with_arguments(found)


def in_processes():
    """Name → (callable, arguments) of `needle_edu.distributed`."""
    alone, network = distributed.Alone(), distributed.SimulatedNetwork(2)
    line = distributed.cost.Cost(1e-4, 1e9, 0.1)
    found = {
        "SimulatedNetwork": (distributed.SimulatedNetwork, (2, 1e-3, 1e9)),
        "DistributedSampler": (distributed.DistributedSampler, ([1, 2, 3], 0, 2)),
        "DistributedDataParallel": (distributed.DistributedDataParallel, (nn.Linear(2, 1), 100)),
        "draw_messages": (distributed.draw_messages, (network,)),
        "init": (distributed.init, (5.0,)),
        "Cost": (distributed.cost.Cost, (1e-4, 1e9, 0.1)),
        "parts": (distributed.cost.parts, ("ring", 4, 1000.0)),
        "sum": (line.sum, ("ring", 4, 1000.0)),
        "step": (line.step, ("ring", 4, 1000.0)),
        "speedup": (line.speedup, ("ring", 4, 1000.0)),
        "table": (line.table, (1000.0, (2, 4))),
        "measure": (distributed.cost.measure, (alone, (8,))),
        "fit": (distributed.cost.fit, ([("ring", 2, 8, 0.1), ("ring", 2, 80, 0.2)],)),
        "train_with_server": (distributed.train_with_server, (_maker, _sgd, 1, 2, False, "simulated")),
        "all_reduce": (alone.all_reduce, (np.ones(3),)),
        "broadcast": (alone.broadcast, (np.ones(3), 0)),
    }
    for way in ("ring", "tree", "star"):
        found[f"{way}_all_reduce"] = getattr(distributed, f"{way}_all_reduce"), (alone, np.ones(3))
    return with_arguments(found)


KERNEL = """__global__ void k(float *a) { a[0] = 1; }
extern "C" void run(float *a) { k<<<1, 1>>>(a); }
"""


def on_the_simulator():
    """Name → (callable, arguments) of `needle_edu.backend.cudasim`; none without g++."""
    if not cuda_sim().enabled():
        return {}
    simulator = cudasim.open_simulator()
    found = {
        "lint": (cudasim.lint, (KERNEL,)),
        "cuda_cell": (cudasim.cuda_cell, (KERNEL,)),
        "compile": (simulator.compile, (KERNEL, "plain", "a.cu", "// behind")),
        "array": (simulator.array, (np.ones(3, "float32"),)),
        "empty": (simulator.empty, ((2, 3), "float32")),
        "settings": (_entered(simulator.settings), ("reverse", 3, 1.0, 1)),
        "cuda_check": (_entered(cudasim.cuda_check), ("reverse", 3, 1.0)),
        "use_kernels": (_entered(cudasim.use_kernels), (cuda_sim(),)),
    }
    return with_arguments(found)


def _entered(block):
    """The function that enters a context manager and leaves it, with its signature."""

    def entered(*arguments, **keywords):
        with block(*arguments, **keywords):
            pass

    entered.__signature__ = inspect.signature(block)
    return entered


def _maker(rank, size):
    model = nn.Linear(1, 1)
    return model, lambda: model(tensor(2, 1)).sum()


def _sgd(parameters):
    return optim.SGD(parameters, lr=0.1)
