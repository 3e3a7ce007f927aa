"""What `ndl.<Tab>` shows: the names that are meant to be used, and nothing else."""

import importlib
import inspect
import re
import subprocess
import sys
import types

import pytest

import needle_edu

# Everything that is called `ndl.something.<Tab>`, and what lies one floor further in where that is documented.
LISTED = [name for name in dir(needle_edu) if inspect.ismodule(getattr(needle_edu, name))]
ROOMS = ["", *(f".{name}" for name in LISTED), ".data.datasets"]


def test_no_room_is_left_out():
    assert {
        "autograd",
        "backend",
        "checkpoints",
        "cli",
        "course",
        "data",
        "init",
        "ladder",
        "ndarray",
        "nn",
    } <= set(LISTED)


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_that_is_listed_exists_and_says_what_it_is(room):
    module = importlib.import_module("needle_edu" + room)
    names = dir(module)
    assert names == sorted(set(names)) and len(names) >= 1
    for name in names:
        thing = getattr(module, name)
        if isinstance(thing, types.ModuleType) or callable(thing):
            assert inspect.getdoc(thing), name
        if isinstance(thing, types.ModuleType):
            assert thing.__name__.startswith("needle_edu."), f"{name} is not ours"
    private = [name for name in names if name.startswith("_")]
    assert private == (["__version__"] if room == "" else [])


def test_what_the_first_floor_offers_is_listed():
    import needle_edu as ndl

    assert {"Tensor", "exp", "no_grad", "override", "restore", "nn", "viz", "check", "install_as"} <= set(
        dir(ndl)
    )
    assert not {"Any", "importlib", "types", "typing", "backend_selection", "aliasing"} & set(dir(ndl))
    import needle_edu.viz  # noqa: F401

    assert "render" not in dir(ndl.viz) and "LAZY_MODE" in dir(ndl.autograd)


def test_a_type_checker_finds_the_package_from_another_folder(tmp_path):
    """An editable installation by an import hook is invisible to it: everything would be Any, in silence."""
    wanted = {
        "x": "needle_edu.autograd.tensor.Tensor",
        "x.shape": "tuple[int, ...]",
        "x.grad": "needle_edu.autograd.tensor.Tensor | None",
        "model": "needle_edu.nn.linear.Linear",
        "model(x)": "needle_edu.autograd.tensor.Tensor",
        "ndl.exp(2 * x)": "needle_edu.autograd.tensor.Tensor",
        "1 - nd.array([1.0])[0]": "needle_edu.ndarray.array.NDArray",
    }
    program = "import needle_edu as ndl\nfrom needle_edu import ndarray as nd\n"
    program += "x = ndl.Tensor([1.0])\nmodel = ndl.nn.Linear(1, 2)\n"
    (tmp_path / "mine.py").write_text(program + "".join(f"reveal_type({text})\n" for text in wanted))
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "mine.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    said = re.findall(r'Revealed type is "(.*)"', result.stdout)
    assert dict(zip(wanted, said, strict=True)) == wanted, result.stdout + result.stderr
