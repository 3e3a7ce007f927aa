"""What is generated from the registry is up to date, and complete."""

import builtins
import inspect

import pytest

import needle_edu
import needle_edu.ops as ops
from needle_edu.autograd import Tensor, registry
from needle_edu.ops import generate


@pytest.mark.parametrize("path", generate.FILES, ids=lambda path: path.name)
def test_generated_files_are_up_to_date(path):
    if not path.parent.is_dir():
        pytest.skip("an installed package has no docs folder")
    assert path.read_text(encoding="utf-8") == generate.FILES[path](), (
        "run: python -m needle_edu.ops.generate"
    )


def test_the_stub_lists_every_method_of_tensor():
    stub = generate.tensor_stub()
    for name, thing in vars(Tensor).items():
        if inspect.isfunction(thing) and not name.startswith("_"):
            assert f"    def {name}(self" in stub, name
    for name, slot in registry.ops().items():
        if getattr(slot.cls, "method", False):
            assert hasattr(Tensor, name)
            assert f"    def {name}(self" in stub


def test_the_table_lists_every_op():
    table = generate.op_table()
    for name, slot in registry.ops().items():
        assert f"`{name}(" in table
        assert f"`{slot.cls.__name__}`" in table


def test_all_is_complete():
    for name, slot in registry.ops().items():
        assert (name in ops.__all__) != hasattr(builtins, name) and name in dir(ops)
        assert slot.cls.__name__ in ops.__all__
        assert getattr(ops, name).__doc__


NEEDLE = [
    "add", "add_scalar", "multiply", "mul_scalar", "power", "power_scalar", "divide", "divide_scalar",
    "transpose", "reshape", "broadcast_to", "summation", "matmul", "negate", "log", "exp", "relu", "tanh",
    "logsoftmax", "logsumexp", "stack", "split", "flip", "dilate", "undilate", "make_tuple",
    "tuple_get_item", "fused_add_scalars", "EWiseAdd", "AddScalar", "EWiseMul", "MulScalar", "EWisePow",
    "PowerScalar", "EWiseDiv", "DivScalar", "Transpose", "Reshape", "BroadcastTo", "Summation", "MatMul",
    "Negate", "Log", "Exp", "ReLU", "Tanh", "LogSoftmax", "LogSumExp", "Stack", "Split", "Flip", "Dilate",
    "UnDilate", "MakeTensorTuple", "TupleGetItem", "FusedAddScalars",
]  # fmt: skip


@pytest.mark.parametrize("name", NEEDLE)
def test_needle_s_names_exist(name):
    assert hasattr(ops, name)


def test_a_star_import_leaves_python_s_own_functions_alone():
    """They are there all the same, as attributes of `ops` and of the package."""
    names = {}
    exec("from needle_edu.ops import *", names)
    hidden = {name for name in dir(ops) if hasattr(builtins, name)}
    assert hidden == {"abs", "all", "any", "max", "min", "round"} and not hidden & names.keys()
    exec("from needle_edu import *", names)
    assert not hidden & names.keys()
    for name in hidden:
        assert getattr(needle_edu, name) is getattr(ops, name) and name in dir(needle_edu)
