"""Automatic differentiation: values, operations, and the chain rule.

To begin with: scalar.py, an engine on single numbers, on one page. Reading order: value.py (a node of the graph),
op.py (an operation and its vector-Jacobian products), tensor.py, topo.py, engine.py (backward), and what the engine
calls: unbroadcast.py, adjoints.py, gradients.py, version_check.py. Around them stand registry.py (every op by name;
where your own goes in), replaceable.py (the functions that students write), modes.py (no_grad), recomputing.py
(`checkpoint`), events.py (what the stepper listens to) and checks.py (is this gradient right?). The ops themselves
are in `needle_edu.ops`.

Three live globals, as in the course: ``autograd.TENSOR_COUNTER`` (number of live values),
``autograd.LAZY_MODE`` and ``autograd.CREATE_GRAPH``; assigning to them takes effect. Needle's `autograd` offers the
array class and the devices too; so does this one.
"""

import sys
import types

from needle_edu.backend_selection import (
    Device,
    NDArray,
    all_devices,
    array_api,
    cpu,
    cpu_numpy,
    cuda,
    cuda_sim,
    default_device,
)

from . import events, registry, state
from .checks import grad_check
from .engine import compute_gradient_of_variables
from .events import value_id
from .modes import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .op import BinaryOp, Op, TensorOp, TensorTupleOp, UnaryOp
from .recomputing import checkpoint
from .registry import override, restore
from .replaceable import sum_node_list
from .scalar import Scalar
from .tensor import Tensor
from .tensor_tuple import TensorTuple
from .topo import find_topo_sort
from .value import Value


class _Autograd(types.ModuleType):
    """This module, with three names that live in state.py (a plain module can't forward an assignment)."""

    @property
    def LAZY_MODE(self) -> bool:  # noqa: N802
        return state.LAZY_MODE

    @LAZY_MODE.setter
    def LAZY_MODE(self, on: bool) -> None:  # noqa: N802
        state.set_lazy_mode(on)

    @property
    def CREATE_GRAPH(self) -> bool:  # noqa: N802
        return state.CREATE_GRAPH

    @CREATE_GRAPH.setter
    def CREATE_GRAPH(self, on: bool) -> None:  # noqa: N802
        state.set_create_graph(on)

    @property
    def TENSOR_COUNTER(self) -> int:  # noqa: N802
        return state.count_values(Value)

    @TENSOR_COUNTER.setter
    def TENSOR_COUNTER(self, number: int) -> None:  # noqa: N802
        state.shift_counter(Value, number)


sys.modules[__name__].__class__ = _Autograd

__all__ = [
    "BinaryOp",
    "Device",
    "NDArray",
    "Op",
    "Scalar",
    "Tensor",
    "TensorOp",
    "TensorTuple",
    "TensorTupleOp",
    "UnaryOp",
    "Value",
    "all_devices",
    "array_api",
    "checkpoint",
    "compute_gradient_of_variables",
    "cpu",
    "cpu_numpy",
    "cuda",
    "cuda_sim",
    "default_device",
    "enable_grad",
    "events",
    "find_topo_sort",
    "grad_check",
    "is_grad_enabled",
    "no_grad",
    "override",
    "registry",
    "restore",
    "set_grad_enabled",
    "sum_node_list",
    "value_id",
]


def __dir__() -> list[str]:
    return sorted([*__all__, "CREATE_GRAPH", "LAZY_MODE", "TENSOR_COUNTER"])
