"""Wrong types, sizes, names, numbers and devices, in every argument of everything public.

Each answer is one of the package's own errors (or a TypeError, ValueError, MemoryError), begins with the name of what
was called, and is never an error from the inside (AttributeError, KeyError, ZeroDivisionError …); and what is no
number, no switch, no array and no name of an option is never taken in silence.
"""

import inspect
import math
import re

import calls
import numpy as np
import pytest

import needle_edu
from needle_edu import Tensor, cpu, cpu_numpy, init, ndarray as nd, nn, ops, optim
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import DeviceError, NeedleError

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays give NumPy's errors"),
]


class Alien:
    def __repr__(self):
        return "<an alien>"


ALIEN, HUGE = Alien(), 10**400
NEVER = [ALIEN, "nonsense", {}, 1j]  # no argument is any of these, but where it is listed below
SWITCHES = ["no", 2, 0.5, [], ALIEN, {}]
WHOLE = [0.5, math.nan, [0.5], "2", ALIEN, {}, 1j, 10**30]
NUMBERS = [math.nan, "0.1", [], ALIEN, {}, 1j, HUGE]
TUPLES = [(0.5, 0.5), (math.nan, 1), (ALIEN,), "nonsense", ALIEN, 1j]
ARRAYS = [ALIEN, "nonsense", {}, np.array(["a"]), np.array([ALIEN]), [[1], [1, 2]], np.array([1j])]

FROM_INSIDE = (
    IndexError,
    AttributeError,
    ZeroDivisionError,
    KeyError,
    AssertionError,
    OverflowError,
    RecursionError,
)
PYTHONS_OWN = re.compile(
    r"object is not iterable|has no len|unhashable type|not supported between|has no attribute|not subscriptable|"
    r"ufunc|could not be converted|must be real number|an integer is required|argument of type|cdata|bad operand|"
    r"\(\) argument after|cannot be interpreted"
)

# What an argument rightly takes, though others of its kind do not.
ANY_NUMBER = {
    "fill_value", "value", "constant_value", "scalar", "c", "c0", "c1", "min", "max", "correction", "p", "ord", "slope",
    "alpha", "start", "stop", "step", "rtol", "s", "t", "u", "threshold", "atol", "factor", "norm_type",
}  # fmt: skip
TAKEN = {
    ("Identity", "x"), ("Softplus", "x"), ("get_item", "index"), ("getitem", "index"), ("make_tuple", "args"),
    ("equal", "a"), ("equal", "b"), ("not_equal", "a"), ("not_equal", "b"),  # as Python's == and !=
    ("DataLoader", "dataset"),  # whatever has a length and can be indexed
    ("DataLoader", "batch_size"), ("DataLoader", "sampler"), ("DataLoader", "batch_sampler"),
    ("ModuleDict", "modules"), ("ParameterDict", "parameters"), ("fill_", "value"),
    ("NDArrayDataset", "transforms"), ("DigitsDataset", "transforms"),
}  # fmt: skip


def spoiled(value, parameter):
    """Wrong values for an argument, by the kind of the right one."""
    if isinstance(value, bool):
        return SWITCHES
    if isinstance(value, int):
        return WHOLE
    if isinstance(value, float):
        return NUMBERS
    if isinstance(value, (Tensor, nd.NDArray, np.ndarray)):
        return ARRAYS
    if isinstance(value, str):
        return [ALIEN, "nonsense", 1j, 3.5]
    if isinstance(value, tuple) and value and all(isinstance(entry, int) for entry in value):
        return TUPLES
    return NEVER


def named(name, text):
    """Whether a message says who speaks: the function itself, or the op or method that does its work."""
    return text.lower().startswith(name.lower()) or bool(SPEAKER.match(text))


def all_names():
    names = {
        *ops.__all__,
        *nn.__all__,
        *nd.__all__,
        *init.__all__,
        *optim.__all__,
        *needle_edu.autograd.registry.ops(),
    }
    names |= {name for cls in (Tensor, nd.NDArray) for name in dir(cls)} | {
        "kaiming",
        "Tensor",
        "NDArray",
        "digits",
        "a shape",
        "an index",
        "BatchSampler",
        "arrays",
        "assignment",
    }
    return names


SPEAKER = re.compile(
    rf"({'|'.join(sorted(map(re.escape, all_names()), key=len, reverse=True))})\b.{{0,40}}?(:|\(| is| has)|"
    r"wanted a device|.* is not a dtype|.* arrays are not supported|no memory for|Unable to allocate"
)


def complaints(name, function, arguments, keywords=None):
    """What is wrong with the answers of a function to wrong arguments, a line for each."""
    signature = inspect.signature(function)
    found = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        bound = signature.bind(*arguments, **(keywords or {}))
        bound.apply_defaults()
        value = bound.arguments[parameter.name]
        for wrong in spoiled(value, parameter):
            several = parameter.kind is parameter.VAR_POSITIONAL
            bound.arguments[parameter.name] = (wrong,) if several else wrong
            said = answer(name, function, bound)
            if said == "silence" and may_be_taken(name, parameter.name, wrong):
                continue
            if said:
                found.append(
                    f"{name}({parameter.name}={'10**400' if wrong is HUGE else repr(wrong)}): {said}"
                )
    return found


def may_be_taken(name, parameter, wrong):
    if (name, parameter) in TAKEN:
        return True
    if wrong == HUGE and parameter in ("temperature", "delta", "beta"):
        return True  # refused when it meets an array
    return parameter in ANY_NUMBER and isinstance(wrong, (int, float))


def answer(name, function, bound):
    """What is wrong with one answer; None if nothing is."""
    try:
        function(*bound.args, **bound.kwargs)
    except (NeedleError, TypeError, ValueError, MemoryError, OSError) as error:
        text = str(error)
        if isinstance(error, FROM_INSIDE) and not isinstance(error, NeedleError):
            return f"{type(error).__name__} from the inside: {text}"
        if PYTHONS_OWN.search(text) or not named(name, text):
            return f"does not say who speaks: {text}"
        return None
    except Exception as error:  # whatever else comes out
        return f"{type(error).__name__} from the inside: {error}"
    return "silence"


CONTAINERS = {"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}  # nothing passes through them
OPERATIONS = calls.operations()
LAYERS = calls.layers()
ROOMS = {
    "optim": calls.optimisers(), "init": calls.initialisers(), "ndarray": calls.arrays(), "data": calls.other(),
    "NDArray": calls.methods(calls.matrix), "Tensor": calls.methods(lambda: calls.tensor(2, 3)),
}  # fmt: skip


def test_every_public_name_has_a_call():
    """What takes none of the usual arguments needs a line in calls.py."""
    assert calls.WITHOUT == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_ops(name):
    assert complaints(name, *OPERATIONS[name]) == []


@pytest.mark.parametrize("name", LAYERS)
def test_layers_when_they_are_made(name):
    assert complaints(name, *LAYERS[name]) == []


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in CONTAINERS])
def test_layers_when_they_are_called(name):
    cls, arguments = LAYERS[name]
    layer = cls(*arguments)
    given = calls.inputs_of_a_layer(layer)
    assert given is not None, f"no usual input fits {layer!r}; add one to calls.py"
    forward = lambda *args: layer(*args)  # noqa: E731
    forward.__signature__ = inspect.signature(layer.forward)
    assert complaints(name, forward, given) == []


@pytest.mark.parametrize(
    "room, name", [(room, name) for room, functions in ROOMS.items() for name in functions]
)
def test_everything_else(room, name):
    assert complaints(name, *ROOMS[room][name]) == []


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
    "getitem",
    "get_item",
}  # indices, and what is compared by `isclose`, are brought along


def test_wrong_answers_are_noticed():
    """The tests above can fail: each of these functions answers in a way that no function of the package may."""

    def silent(number=1.0):
        return number

    def unnamed(number=1.0):
        raise ValueError("this will not do")

    def from_inside(number=1.0):
        return {}["number"]

    def pythons_own(number=1.0):
        return len(number)

    for function, said in (
        (silent, "silence"),
        (unnamed, "who"),
        (from_inside, "KeyError"),
        (pythons_own, "who"),
    ):
        found = complaints("function", function, ())
        assert len(found) >= len(NUMBERS) - 1 and all(said in line for line in found[:1]), function
