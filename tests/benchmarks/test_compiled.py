"""Compiled functions against JAX's jit and PyTorch eager with fused Adam.

JAX is wanted for these alone: `pip install jax==0.10.2`. in_jax.py has its models.
"""

import numpy as np
import pytest

from tests import twins

from . import in_jax
from .duel import AFTER_BLAS


@pytest.fixture
def jax():
    return pytest.importorskip("jax", reason="JAX IS ABSENT: pip install jax==0.10.2 to compare with it")


def test_gradient_of_a_small_chain(arena, fight, jax):
    """Gradient of tanh(x x) + x, summed, on 4x4: what a call costs."""
    torch, ndl = arena
    start = np.random.default_rng(0).standard_normal((4, 4), dtype=np.float32)
    ours, theirs, jaxs = ndl.Tensor(start), torch.tensor(start, requires_grad=True), jax.numpy.array(start)

    @ndl.compile
    def needle(x):
        ((x * x).tanh() + x).sum().backward()
        return x.grad

    def pytorch():
        theirs.grad = None
        ((theirs * theirs).tanh() + theirs).sum().backward()

    gradient = jax.jit(jax.grad(lambda x: (jax.numpy.tanh(x * x) + x).sum()))
    contenders = {
        "needle_edu": lambda: needle(ours),
        "JAX": lambda: gradient(jaxs).block_until_ready(),
        "PyTorch": pytorch,
    }
    fight("compiled gradient of 4 ops on 4x4", contenders, limit=0.35)


def test_chain_of_eight(arena, fight, jax):
    """Eight elementwise ops, a tanh and a root among them, on a million floats."""
    torch, ndl = arena
    start = np.random.default_rng(0).random(1_000_000, dtype=np.float32)
    ours, theirs, jaxs = ndl.Tensor(start), torch.tensor(start), jax.numpy.array(start)

    def chain(x, tanh, sqrt):
        return (sqrt(tanh(x * 2 + 1) * x + 0.5) - 0.25) * 3

    needle = ndl.compile(lambda x: chain(x, ndl.Tensor.tanh, ndl.Tensor.sqrt))
    compiled = jax.jit(lambda x: chain(x, jax.numpy.tanh, jax.numpy.sqrt))
    contenders = {
        "needle_edu": lambda: needle(ours),
        "JAX": lambda: compiled(jaxs).block_until_ready(),
        "PyTorch": lambda: chain(theirs, torch.tanh, torch.sqrt),
    }
    fight("compiled chain of 8 ops on 1M floats", contenders, limit=0.8)


def steps(torch, ndl, make, x, y):
    """Our step, compiled, and PyTorch's with its fused Adam."""

    def step(lib, wrap=lambda one: one, **options):
        one = wrap(twins.classifier_step(lib, make(lib), **options))
        given = twins.constant(lib, x), twins.constant(lib, y)
        return lambda: one(*given)

    return {
        "needle_edu": step(ndl, ndl.compile),
        "PyTorch, fused Adam": step(torch, fused=True),
    }


def images(shape, batch):
    rng = np.random.default_rng(0)
    return rng.standard_normal((batch, *shape), dtype=np.float32), rng.integers(0, 10, batch)


def in_torch_compile(torch, make, x, y):
    """PyTorch's step as `torch.compile` makes it, or None: it writes C++, and takes seconds to do so."""
    step = torch.compile(twins.classifier_step(torch, make(torch), fused=True))
    given = twins.constant(torch, x), twins.constant(torch, y)
    try:
        step(*given)
    except Exception as error:  # without a C++ compiler, say
        print(f"torch.compile does not work here: {type(error).__name__}: {str(error)[:200]}")
        return None
    return lambda: step(*given)


def test_mlp_step(arena, fight, jax):
    """One Adam step of 784-400-100-10 on a batch of 32."""
    torch, ndl = arena
    x, y = images((784,), 32)
    contenders = steps(torch, ndl, twins.mlp, x, y)
    contenders["JAX"] = in_jax.adam_step(jax, *in_jax.mlp(jax), x, y)
    if by_torch := in_torch_compile(torch, twins.mlp, x, y):
        contenders["torch.compile"] = by_torch
    fight("compiled MLP 784-400-100-10, batch 32, Adam", contenders, limit=0.75, **AFTER_BLAS)


def test_lenet_step(arena, fight):
    """One Adam step of LeNet on a batch of 128, beside PyTorch."""
    torch, ndl = arena
    contenders = steps(torch, ndl, twins.lenet, *images(twins.IMAGES["LeNet"], 128))
    fight("compiled LeNet, batch 128, Adam", contenders, limit=0.4, **AFTER_BLAS, block_s=0.1)


def test_lenet_step_beside_jax(arena, fight, jax):
    """The same beside JAX, which promises less."""
    torch, ndl = arena
    x, y = images(twins.IMAGES["LeNet"], 128)
    contenders = {"needle_edu": steps(torch, ndl, twins.lenet, x, y)["needle_edu"]}
    contenders["JAX"] = in_jax.adam_step(jax, *in_jax.lenet(jax), x, y)
    fight("compiled LeNet, batch 128, Adam, beside JAX", contenders, limit=1.0, **AFTER_BLAS, block_s=0.1)


def test_transformer_step(arena, fight, jax):
    """One Adam step of one Transformer layer without dropout, on 128 sentences of 45 words, 64 features."""
    torch, ndl = arena
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5000, (128, 45)), rng.integers(0, 2, 128)
    contenders = steps(torch, ndl, lambda lib: twins.sentence_transformer(lib, 0.0), x, y)
    contenders["JAX"] = in_jax.adam_step(jax, *in_jax.sentence_transformer(jax), x, y)
    fight("compiled Transformer layer 128x45x64, Adam", contenders, limit=1.0, **AFTER_BLAS, block_s=0.2)


def test_time_to_compile(arena, benchmark, tmp_path, monkeypatch):
    """Capture, passes, C compiler and a run of LeNet's step: Max is cold, Min is with the library in the cache."""
    _, ndl = arena
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path))
    x, y = np.zeros((8, *twins.IMAGES["LeNet"]), np.float32), np.zeros(8, np.int64)

    def first_call():
        step = ndl.compile(twins.classifier_step(ndl, twins.CLASSIFIERS["LeNet"](ndl)))
        step(twins.constant(ndl, x), twins.constant(ndl, y))

    benchmark.pedantic(first_call, rounds=4, iterations=1)
