"""Wrong types, sizes, names, numbers and devices, in every argument of everything public.

Each answer is one of the package's own errors (or a TypeError, ValueError, MemoryError), begins with the name of what
was called, and is never an error from the inside (AttributeError, KeyError, ZeroDivisionError …); and what is no
number, no switch, no array and no name of an option is never taken in silence.
"""

import inspect

import calls
import pytest
import rooms
from answers import NUMBERS, complaints

from needle_edu.autograd.arrays import BACKEND

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays give NumPy's errors"),
]


CONTAINERS = {"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}  # nothing passes through them
OPERATIONS = calls.operations()
LAYERS = calls.layers()
ROOMS = {
    "optim": rooms.optimisers(), "init": rooms.initialisers(), "ndarray": rooms.arrays(), "data": rooms.other(),
    "models": rooms.of_models(), "distributed": rooms.in_processes(),
    "cudasim": rooms.on_the_simulator(),
    "NDArray": rooms.methods(calls.matrix), "Tensor": rooms.methods(lambda: calls.tensor(2, 3)),
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
