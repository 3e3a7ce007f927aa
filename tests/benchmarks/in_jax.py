"""The networks of the benchmarks in JAX: the same formulas as in ours, and an Adam step that `jax.jit` compiles.

Parameters and averages are given away at each step (`donate_argnums`), as JAX's own examples do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def adam_step(jax: Any, forward: Callable, parameters: Any, x: Any, y: Any) -> Callable[[], Any]:
    """A function that makes one Adam step of a classifier and waits for its loss."""
    jnp, tree = jax.numpy, jax.tree_util.tree_map

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return -jnp.take_along_axis(jax.nn.log_softmax(forward(parameters, x)), y[:, None], 1).mean()

    def step(state: Any, x: Any, y: Any) -> Any:
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

    def one() -> Any:
        state[0], value = compiled(state[0], x, y)
        return value.block_until_ready()

    return one


def _weights(jax: Any, *shapes: tuple[int, ...]) -> list:
    """For each shape a weight, scaled by the inputs of an output, and a bias."""
    rng = np.random.default_rng(0)
    made = []
    for shape in shapes:  # (in, out) of a linear map, (out, in, k, k) of a convolution
        fan_in, outputs = (shape[0], shape[1]) if len(shape) == 2 else (int(np.prod(shape[1:])), shape[0])
        weight = rng.normal(size=shape) / fan_in**0.5
        made.append((jax.numpy.array(weight, dtype="float32"), jax.numpy.zeros(outputs)))
    return made


def mlp(jax: Any) -> tuple[Callable, list]:
    """784-400-100-10 with rectifiers: the function, and its parameters."""

    def forward(parameters: list, x: Any) -> Any:
        for k, (w, b) in enumerate(parameters):
            x = (x if k == 0 else jax.nn.relu(x)) @ w + b
        return x

    return forward, _weights(jax, (784, 400), (400, 100), (100, 10))


def lenet(jax: Any) -> tuple[Callable, list]:
    """LeNet-5 with rectifiers and max-pooling, as `tests.twins.lenet`."""
    lax = jax.lax

    def forward(parameters: list, x: Any) -> Any:
        for (w, b), padding in zip(parameters[:2], (2, 0), strict=True):
            x = lax.conv_general_dilated(x, w, (1, 1), [(padding, padding)] * 2) + b[:, None, None]
            x = lax.reduce_window(
                jax.nn.relu(x), -jax.numpy.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID"
            )
        x = x.reshape(x.shape[0], -1)
        for k, (w, b) in enumerate(parameters[2:]):
            x = (x if k == 0 else jax.nn.relu(x)) @ w + b
        return x

    return forward, _weights(jax, (6, 1, 5, 5), (16, 6, 5, 5), (400, 120), (120, 84), (84, 10))


def sentence_transformer(jax: Any, heads: int = 8) -> tuple[Callable, dict]:
    """A table, one encoder layer without dropout, the mean, a map, as `tests.twins.sentence_transformer`."""
    jnp = jax.numpy

    def normalised(x: Any, scale: Any, shift: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        return centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * scale + shift

    def forward(p: dict, tokens: Any) -> Any:
        x = p["table"][tokens]
        n, t, size = x.shape
        (w_in, b_in), (w_out, b_out), (w_1, b_1), (w_2, b_2), (w, b) = p["maps"]
        parts = (x @ w_in + b_in).reshape(n, t, 3, heads, size // heads).transpose(2, 0, 3, 1, 4)
        q, k, v = parts[0], parts[1], parts[2]
        weights = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2) / (size // heads) ** 0.5)
        attended = (weights @ v).transpose(0, 2, 1, 3).reshape(n, t, size)
        x = normalised(x + attended @ w_out + b_out, *p["norms"][0])
        x = normalised(x + jax.nn.relu(x @ w_1 + b_1) @ w_2 + b_2, *p["norms"][1])
        return x.mean(1) @ w + b

    table = np.random.default_rng(1).normal(size=(5000, 64))
    return forward, {
        "table": jnp.array(table, dtype="float32"),
        "maps": _weights(jax, (64, 192), (64, 64), (64, 256), (256, 64), (64, 2)),
        "norms": [(jnp.ones(64), jnp.zeros(64)), (jnp.ones(64), jnp.zeros(64))],
    }
