"""Single layers, forward and backward, and Adam alone, against PyTorch eager at the sizes of training."""

import numpy as np
import pytest

from tests import twins


def backward(lib, layer, x, *more):
    """A call of it is forward and backward of `layer`; where its result is not one number, for an adjoint of ones."""
    given = lib.from_numpy(x) if lib.__name__ == "torch" else lib.Tensor(x)
    given.requires_grad = True
    shape = tuple(layer(given, *more).shape)
    adjoint = [] if shape in ((), (1,)) else [twins.constant(lib, np.ones(shape, "float32"))]

    def run():
        given.grad = None
        layer(given, *more).backward(*adjoint)

    return run


def both(arena, make, x, *more):
    torch, ndl = arena
    return {
        who: backward(lib, make(lib), x, *[twins.constant(lib, a) for a in more])
        for who, lib in (("needle_edu", ndl), ("PyTorch", torch))
    }


def normal(*shape):
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


@pytest.mark.parametrize(("batch", "classes"), [(128, 10), (128, 1000), (640, 10000)])
def test_cross_entropy(arena, fight, batch, classes):
    y = np.random.default_rng(0).integers(0, classes, batch)
    fight(
        f"softmax cross-entropy {batch}x{classes}, forward + backward",
        both(arena, lambda lib: lib.nn.CrossEntropyLoss(), normal(batch, classes), y),
        limit=0.7,
    )


@pytest.mark.parametrize("shape", [(128, 16, 8, 8), (128, 32, 28, 28)], ids=str)
def test_batch_norm(arena, fight, shape):
    name = "BatchNorm {}x{}x{}x{}, forward + backward".format(*shape)
    fight(name, both(arena, lambda lib: lib.nn.BatchNorm2d(shape[1]), normal(*shape)), limit=0.7)


@pytest.mark.parametrize("shape", [(128, 6, 28, 28), (128, 16, 10, 10)], ids=str)
def test_max_pool(arena, fight, shape):
    name = "max-pool 2, {}x{}x{}x{}, forward + backward".format(*shape)
    fight(name, both(arena, lambda lib: lib.nn.MaxPool2d(2), normal(*shape)), limit=0.7)


@pytest.mark.parametrize("shape", [(640, 256), (5760, 64)], ids=str)
def test_layer_norm(arena, fight, shape):
    name = "layer norm {}x{}, forward + backward".format(*shape)
    fight(name, both(arena, lambda lib: lib.nn.LayerNorm(shape[1]), normal(*shape)), limit=0.7)


def test_adam(arena, fight):
    """One step over 1 M parameters in four tensors, whose gradients are there."""
    torch, ndl = arena

    def step(lib, **options):
        values = [normal(500, 500) for _ in range(4)]
        if lib is torch:
            params = [torch.tensor(v, requires_grad=True) for v in values]
        else:
            params = [ndl.nn.Parameter(ndl.Tensor(v)) for v in values]
        for p in params:
            p.grad = twins.constant(lib, normal(500, 500))
        return lib.optim.Adam(params, **options).step

    fight(
        "Adam over 1 M parameters",
        {"needle_edu": step(ndl), "PyTorch": step(torch), "PyTorch, fused Adam": step(torch, fused=True)},
        limit=0.7,
    )
