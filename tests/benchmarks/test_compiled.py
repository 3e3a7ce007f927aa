"""Compiled functions against JAX's jit and PyTorch eager with fused Adam.

JAX is wanted for these alone: `pip install jax==0.10.2`. Its models are written out below with the same formulas.
"""

import numpy as np
import pytest

from tests import twins

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


def mlp_in_jax(jax, x, y):
    """An Adam step of 784-400-100-10 as JAX compiles it, parameters and averages given away each time."""
    jnp, tree = jax.numpy, jax.tree_util.tree_map
    rng = np.random.default_rng(0)
    sizes = [(784, 400), (400, 100), (100, 10)]
    parameters = [
        (jnp.array(rng.normal(size=size) / size[0] ** 0.5, dtype="float32"), jnp.zeros(size[1]))
        for size in sizes
    ]

    def loss(parameters, x, y):
        for k, (w, b) in enumerate(parameters):
            x = x @ w + b if k == 0 else jax.nn.relu(x) @ w + b
        return -jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1).mean()

    def step(state, x, y):
        p, m, v, t = state
        value, g = jax.value_and_grad(loss)(p, x, y)
        t = t + 1
        m = tree(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = tree(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        p = tree(
            lambda p, m, v: p - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), p, m, v
        )
        return (p, m, v, t), value

    compiled = jax.jit(step, donate_argnums=0)
    state = [(parameters, tree(jnp.zeros_like, parameters), tree(jnp.zeros_like, parameters), jnp.float32(0))]
    x, y = jnp.array(x), jnp.array(y)

    def one():
        state[0], value = compiled(state[0], x, y)
        return value.block_until_ready()

    return one


def steps(torch, ndl, make, shape, batch):
    """Our step, compiled, and PyTorch's with its fused Adam."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((batch, *shape), dtype=np.float32), rng.integers(0, 10, batch)

    def step(lib, wrap=lambda one: one, **options):
        one = wrap(twins.classifier_step(lib, make(lib), **options))
        given = twins.constant(lib, x), twins.constant(lib, y)
        return lambda: one(*given)

    return {
        "needle_edu": step(ndl, ndl.compile),
        "PyTorch, fused Adam": step(torch, fused=True),
    }


def test_mlp_step(arena, fight, jax):
    """One Adam step of 784-400-100-10 on a batch of 32."""
    torch, ndl = arena
    rng = np.random.default_rng(0)
    contenders = steps(torch, ndl, twins.CLASSIFIERS["MLP"], (784,), 32)
    x, y = rng.standard_normal((32, 784), dtype=np.float32), rng.integers(0, 10, 32)
    contenders["JAX"] = mlp_in_jax(jax, x, y)
    fight("compiled MLP 784-400-100-10, batch 32, Adam", contenders, limit=0.75, **AFTER_BLAS)


def test_lenet_step(arena, fight):
    """One Adam step of LeNet on a batch of 128, beside PyTorch."""
    torch, ndl = arena
    contenders = steps(torch, ndl, twins.CLASSIFIERS["LeNet"], twins.IMAGES["LeNet"], 128)
    fight("compiled LeNet, batch 128, Adam", contenders, limit=0.4, **AFTER_BLAS, block_s=0.1)


def test_time_to_compile(arena, benchmark, tmp_path, monkeypatch):
    """Capture, passes, C compiler and a run of LeNet's step: Max is cold, Min is with the library in the cache."""
    _, ndl = arena
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path))
    x, y = np.zeros((8, *twins.IMAGES["LeNet"]), np.float32), np.zeros(8, np.int64)

    def first_call():
        step = ndl.compile(twins.classifier_step(ndl, twins.CLASSIFIERS["LeNet"](ndl)))
        step(twins.constant(ndl, x), twins.constant(ndl, y))

    benchmark.pedantic(first_call, rounds=4, iterations=1)
