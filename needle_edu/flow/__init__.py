"""Declared graphs: first say what is to be computed, then run it, as TensorFlow 1 and tinyflow had it.

`import needle_edu.flow as tf` runs programs written for tinyflow. Nothing is computed while the graph is declared;
`Session.run` computes what is fetched, and nothing else:

>>> import needle_edu.flow as tf
>>> x = tf.placeholder(tf.float32)
>>> w = tf.Variable(tf.ones([2]), name="w")
>>> y = tf.reduce_sum(x * w * w)
>>> (gradient,) = tf.gradients(y, [w])
>>> session = tf.Session()
>>> session.run(tf.initialize_all_variables())
>>> session.run([y, gradient], {x: [3.0, 4.0]})
[array([7.], dtype=float32), array([6., 8.], dtype=float32)]

The first run with a set of fetches and shapes captures them as one program (`needle_edu.graph`), simplifies it, and
compiles it to C; later runs call that. So a declared graph and an eager function end as the same program.
"""

from . import datasets, nn, train
from .functions import (
    argmax,
    equal,
    exp,
    flatten_layer,
    log,
    matmul,
    normal,
    ones,
    ones_like,
    pad,
    pow,
    reduce_mean,
    reduce_sum,
    sqrt,
    tanh,
    zeros,
    zeros_like,
)
from .session import Session
from .symbol import (
    Symbol,
    Variable,
    assign,
    constant,
    gradients,
    group,
    initialize_all_variables,
    placeholder,
)
from .variable_shapes import infer_variable_shapes

float32, float64, int32, int64, bool = "float32", "float64", "int32", "int64", "bool"

__all__ = [
    "Session",
    "Symbol",
    "Variable",
    "argmax",
    "assign",
    "constant",
    "datasets",
    "equal",
    "exp",
    "flatten_layer",
    "gradients",
    "group",
    "infer_variable_shapes",
    "initialize_all_variables",
    "log",
    "matmul",
    "nn",
    "normal",
    "ones",
    "ones_like",
    "pad",
    "placeholder",
    "pow",
    "reduce_mean",
    "reduce_sum",
    "sqrt",
    "tanh",
    "train",
    "zeros",
    "zeros_like",
]


def __dir__() -> list[str]:
    return sorted(__all__)
