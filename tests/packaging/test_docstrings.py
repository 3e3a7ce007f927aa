"""Every public name says what it is, with an example; the examples that pytest does not find by itself run here.

pytest collects the doctests of functions and classes where they are written. What a factory makes (`nd.exp`,
`ops.relu`) it does not see. Exceptions need no example.
"""

import doctest
import importlib
import inspect
import types

import pytest

ROOMS = [
    *("", ".backend", ".ndarray", ".autograd", ".ops", ".init", ".nn", ".optim", ".data", ".metrics"),
    *(
        ".checkpoints",
        ".saving",
        ".ladder",
        ".graph",
        ".models",
        ".distributed",
        ".viz",
        ".course",
        ".training",
    ),
]


def public(room):
    """(name, thing) of all classes and functions that a room offers."""
    module = importlib.import_module("needle_edu" + room)
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    for name in names:
        thing = getattr(module, name)
        ours = getattr(thing, "__module__", "").startswith("needle_edu")
        if callable(thing) and ours and not isinstance(thing, types.ModuleType):
            yield name, thing


def is_exception(thing):
    return inspect.isclass(thing) and issubclass(thing, BaseException)


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_a_docstring_and_an_example(room):
    without = [name for name, thing in public(room) if not inspect.getdoc(thing)]
    assert without == [], "no docstring"
    without = [
        name for name, thing in public(room) if not is_exception(thing) and ">>>" not in (thing.__doc__ or "")
    ]
    assert without == [], "no example in the docstring"


@pytest.mark.parametrize("room", ROOMS)
def test_public_methods_have_a_docstring(room):
    """Those of the rooms' own classes; an op's compute and vjps are said by its formulas."""
    without = []
    for name, cls in public(room):
        if not inspect.isclass(cls) or hasattr(cls, "vjp_formulas"):
            continue
        for method, thing in vars(cls).items():
            function = thing.fget if isinstance(thing, property) else getattr(thing, "__func__", thing)
            if inspect.isfunction(function) and not method.startswith("_") and not function.__doc__:
                without.append(f"{name}.{method}")
    assert without == []


def test_examples_of_the_functions_that_factories_make():
    from needle_edu import ndarray

    runner = doctest.DocTestRunner()
    finder = doctest.DocTestFinder(recurse=False)
    for name, function in public(".ndarray"):
        for test in finder.find(function, name, module=False, globs=dict(vars(ndarray))):
            runner.run(test)
    result = runner.summarize()
    assert result.failed == 0 and result.attempted > 100


@pytest.mark.parametrize("room", [".ndarray", ".autograd", ".backend"])
def test_all_is_complete_and_lists_no_module_s_insides(room):
    module = importlib.import_module("needle_edu" + room)
    for name, thing in vars(module).items():
        ours = getattr(thing, "__module__", "").startswith("needle_edu")
        if ours and callable(thing) and not name.startswith("_") and not isinstance(thing, types.ModuleType):
            assert name in module.__all__ or name in ("set_creators",), name
