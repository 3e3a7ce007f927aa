"""Wrong values by the kind of the right one, and what is wrong with an answer to them."""

import inspect
import math
import re

import numpy as np

import needle_edu
from needle_edu import Tensor, init, ndarray as nd, nn, ops, optim
from needle_edu.backend import NeedleError


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
    ("DistributedSampler", "data_source"), ("DataLoader", "dataset"),  # whatever has a length and can be indexed
    ("DataLoader", "batch_size"), ("DataLoader", "sampler"), ("DataLoader", "batch_sampler"),
    ("ModuleDict", "modules"), ("ParameterDict", "parameters"), ("fill_", "value"),
    ("Transformer", "h"),  # it has no state, and the course's loops hand one on
    ("NDArrayDataset", "transforms"), ("DigitsDataset", "transforms"),
    ("lint", "text"), ("lint", "name"), ("cuda_cell", "name"), ("compile", "name"),  # any text
    ("array", "array"),  # complex numbers, too
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
        *dir(ops),
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
    r"g\+\+ could not make|"
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
