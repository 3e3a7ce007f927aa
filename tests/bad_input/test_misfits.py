"""Tensors of other shapes, dtypes and devices: refused by the name of the op or layer, or computed."""

import inspect
import re

import calls
import numpy as np
import pytest
from answers import answer

from needle_edu import Tensor, cpu, cpu_numpy
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import DeviceError

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays give NumPy's errors"),
]


CONTAINERS = {"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}  # nothing passes through them
OPERATIONS, LAYERS = calls.operations(), calls.layers()
MISFITS = [(), (0,), (5,), (7, 7), (1, 7, 7), (0, 3), (2, 7, 7, 7), (2, 1, 2, 7, 7)]


def misfits(x):
    """Tensors of other shapes and other dtypes than `x`."""
    ones = [np.ones(shape, "float32") for shape in MISFITS]
    other = [np.ones(x.shape, dtype) for dtype in ("int64", "bool", "float64")]
    return [Tensor(a, requires_grad=False) for a in (*ones, *other)]


def check_misfits(name, call, given):
    """A tensor that does not fit is refused by name, or the result is a tensor: nothing else comes out."""
    found = []
    for place, x in enumerate(given):
        for wrong in misfits(x) if isinstance(x, Tensor) else ():
            bound = inspect.signature(lambda *args: None).bind(*given[:place], wrong, *given[place + 1 :])
            said = answer(name, call, bound)
            if said not in (None, "silence"):
                found.append(f"{name}, argument {place} of shape {wrong.shape}, {wrong.dtype}: {said}")
    assert found == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_ops_and_tensors_that_do_not_fit(name):
    function, arguments, keywords = OPERATIONS[name]
    if isinstance(arguments[0], list):
        check_misfits(name, lambda *given: function(list(given), *arguments[1:], **keywords), arguments[0])
    else:
        check_misfits(name, lambda *given: function(*given, **keywords), arguments)


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in CONTAINERS])
def test_layers_and_tensors_that_do_not_fit(name):
    cls, arguments = LAYERS[name]
    layer = cls(*arguments)
    check_misfits(name, layer, calls.inputs_of_a_layer(layer) or ())


def takes_several(name):
    _, arguments, _ = OPERATIONS[name]
    found = arguments[0] if arguments and isinstance(arguments[0], list) else arguments
    return sum(isinstance(x, Tensor) for x in found) > 1


@pytest.mark.parametrize("name", [name for name in OPERATIONS if takes_several(name)])
def test_tensors_of_two_devices(name):
    function, arguments, keywords = OPERATIONS[name]
    in_a_list = isinstance(arguments[0], list)
    given = list(arguments[0] if in_a_list else arguments)
    places = [place for place, x in enumerate(given) if isinstance(x, Tensor)]
    moved = next(x for x in (cpu_numpy(), cpu()) if x is not given[places[-1]].device)
    given[places[-1]] = Tensor(given[places[-1]].numpy(), device=moved, requires_grad=False)
    try:
        function(*([given] if in_a_list else given), **keywords)
    except DeviceError as error:
        assert re.match(r"\w+: .*live on", str(error)), error
    else:
        assert name in ON_ANY_DEVICE


ON_ANY_DEVICE = {
    "masked_select",
    "isclose",
    "allclose",
    "index_select",
    "max_unpool1d",
    "max_unpool2d",
    "gather",
    "tuple_get_item",
    "make_tuple",
    "take",
    "take_along_axis",
    "embedding",
    "embedding_bag",
    "getitem",
    "get_item",
}  # indices, and what is compared by `isclose`, are brought along
