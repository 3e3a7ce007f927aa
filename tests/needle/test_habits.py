"""What the name `needle` changes for the process, switch by switch; and that nothing of it leaks into our own name.

In-process: the switches go on for one test and off again. The import names are looked at in processes of their own.
"""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from needle_edu import Tensor, autograd, init, ndarray as nd, nn, ops
from needle_edu.aliasing import LAYOUT, set_habits
from needle_edu.backend import DTypeError, IndexOutOfRange, ShapeError, compatibility
from needle_edu.backend_selection import BACKEND

np_mode = BACKEND == "np"


@pytest.fixture
def needle():
    set_habits(True)
    yield
    set_habits(False)


INDICES = [1, -1, np.int64(2), (1, 2), (slice(None), 1), (-1, slice(0, 2)), (..., 0), (0, None, 1), ()]


def kept(key, array):
    """NumPy's answer to Needle's rule: integers as slices of one."""
    items = key if isinstance(key, tuple) else (key,)
    whole = [slice(i, i + 1 or None) if isinstance(i, (int, np.integer)) else i for i in items]
    return array[tuple(whole)]


@pytest.mark.parametrize("key", INDICES)
def test_an_integer_keeps_its_axis_in_arrays_and_tensors(needle, key):
    numbers = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    a, wanted = nd.array(numbers), kept(key, numbers)
    np.testing.assert_array_equal(a[key].numpy(), wanted)
    t = Tensor(numbers)
    got = t[key]
    np.testing.assert_array_equal(got.numpy(), numbers[key] if np_mode else wanted)
    got.sum().backward()
    mask = np.zeros_like(numbers)
    mask[key] = 1
    np.testing.assert_array_equal(t.grad.numpy(), mask)


def test_natively_an_integer_drops_its_axis():
    assert nd.zeros((3, 4))[1, :].shape == Tensor(np.zeros((3, 4)))[1].shape == (4,)


def test_kept_axes_are_views_are_checked_and_can_be_assigned_to(needle):
    a = nd.zeros((3, 4))
    row = a[1, :]
    row[...] = 5
    a[0, :] = nd.ones((4,))
    a[2, :] = nd.full((1, 4), 2)
    np.testing.assert_array_equal(a.numpy(), [[1] * 4, [5] * 4, [2] * 4])
    with pytest.raises(IndexOutOfRange, match="index 3 is out of range for axis 0 with size 3"):
        a[3]
    assert a[[0, 1], 2].shape == (2,) and a[a > 4].shape == (4,)  # beside arrays: NumPy's rule


def test_iteration_gives_rows_under_both_names(needle):
    assert (
        [row.shape for row in nd.zeros((2, 3))]
        == [row.shape for row in Tensor(np.zeros((2, 3)))]
        == [(3,)] * 2
    )
    assert len(list(nd.zeros(2))) == 2


def test_the_ops_index_by_their_own_path(needle):
    x = Tensor(np.arange(6.0).reshape(2, 3))
    assert ops.getitem(x, 1).shape == (3,)
    assert [part.shape for part in ops.split(x, 0)] == [(3,), (3,)]


def test_the_native_op_suite_passes_with_all_of_them_on():
    """Every tenth test; `make habits` runs all of them, and more of the ops' tests."""
    root = Path(__file__).parents[2]
    command = ["-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-p", "tests.needle.habits_on"]
    done = subprocess.run(
        [sys.executable, *command, "--every=10", "tests/autograd/test_ops.py"],
        cwd=root, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_every_tensor_is_true_only_under_the_name_needle():
    for value in ([0.0], [1.0, 2.0], []):
        set_habits(True)
        try:
            assert bool(Tensor(value)) is True
        finally:
            set_habits(False)
    assert not Tensor([0.0])
    with pytest.raises(ShapeError, match="neither true nor false"):
        bool(Tensor([1.0, 2.0]))


def test_unknown_keywords_are_ignored_with_one_warning(needle):
    compatibility._warned.clear()
    with pytest.warns(UserWarning, match="unexpected keyword argument 'required_grad'; it is ignored"):
        assert Tensor([1.0], required_grad=False).requires_grad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.Parameter([1.0], required_grad=False)


def test_natively_they_are_refused():
    with pytest.raises(TypeError, match=r"Tensor\(\) got an unexpected keyword argument 'required_grad'"):
        Tensor([1.0], required_grad=False)


def test_all_go_on_and_off_together():
    before = autograd.CREATE_GRAPH, *switches()
    set_habits(True)
    on = autograd.CREATE_GRAPH, *switches()
    set_habits(False)
    assert before == (autograd.CREATE_GRAPH, *switches()) == (False,) * 6 and on == (True,) * 6


def switches():
    c = compatibility
    return (
        c.integers_keep_axis,
        c.tensors_are_true,
        c.keywords_are_swallowed,
        c.bools_are_numbers,
        c.dropout_draws_each,
    )


def test_array_api_has_needles_names():
    a = nd.array(np.arange(24.0).reshape(2, 3, 4))
    np.testing.assert_array_equal(nd.summation(a, axis=1).numpy(), a.numpy().sum(1))
    assert nd.summation(a, axis=(0, 2), keepdims=True).shape == (1, 3, 1)
    np.testing.assert_array_equal(nd.permute(a, (2, 0, 1)).numpy(), a.numpy().transpose(2, 0, 1))
    assert nd.prod((2, 3)) == 6 and type(nd.prod((2, 3))) is int and nd.prod(()) == 1
    assert nd.prod(a, axis=0).shape == (3, 4)
    with pytest.raises(DTypeError, match="permute: wanted an NDArray, got str"):
        nd.permute("abc", (0,))


WRONG_AXES = [
    ("summation", 5), ("amax", 2), ("amin", -3), ("prod", 2), ("split", 7), ("concatenate", 9), ("summation", "x"),
    ("amax", (0, 0)), ("permute", (0, 5)),
]  # fmt: skip


@pytest.mark.parametrize("name, axis", WRONG_AXES)
def test_a_wrong_axis_is_told_under_the_name_that_was_called(name, axis):
    a = nd.zeros((2, 3))
    with pytest.raises(ShapeError, match=f"^{name}: "):
        getattr(nd, name)([a, a] if name == "concatenate" else a, axis)
    with pytest.raises(DTypeError, match=f"^{name}: "):
        getattr(nd, name)(object(), 0)


def test_bools_are_numpys_natively():
    m = nd.array([1.0, 0.0]) > 0
    assert (m + m).dtype == "bool" and m.sum().dtype == "int64" and (m * 2).dtype == "int64"
    with pytest.raises(DTypeError, match="negative: not defined for bool"):
        -m
    with pytest.raises(DTypeError, match="subtract: not defined for two bool"):
        m - m


def test_functions_of_arrays_refuse_tensors_in_words():
    for function in (nd.power, nd.maximum, nd.add):
        name = function.__name__
        with pytest.raises(DTypeError, match=f"{name}: wanted an NDArray, got Tensor; .*ops.{name}"):
            function(Tensor([1.0]), 2)
        with pytest.raises(DTypeError, match=f"{name}: wanted an NDArray, got Tensor"):
            function(2, Tensor([1.0]))


LAYOUTS = f"""
import importlib, needle_edu
needle_edu.install_as("needle")
for name, ours in {LAYOUT!r}.items():
    module = importlib.import_module("needle." + name)
    assert module is importlib.import_module("needle_edu." + ours), name
    assert module.__spec__.name == module.__name__ == "needle_edu." + ours, name
from needle.autograd import NDArray, Device, Tensor, all_devices, array_api, cpu, default_device
from needle.nn.nn_basic import Linear, Module, Parameter
from needle.ops.ops_mathematic import *
from needle.ops.ops_logarithmic import logsumexp
from needle.ops import ops_tuple
from needle.init.init_basic import rand
from needle.init.init_initializers import xavier_uniform
from needle.data.data_basic import DataLoader
from needle.data.datasets.mnist_dataset import MNISTDataset
assert NDArray is needle_edu.NDArray and relu is needle_edu.ops.relu and cpu() in all_devices()
try:
    import needle.nn.nn_nothing
except ModuleNotFoundError:
    print("found")
"""


def test_the_courses_module_names_are_found():
    done = subprocess.run([sys.executable, "-c", LAYOUTS], capture_output=True, text=True, timeout=120)
    assert done.stdout == "found\n", done.stderr


def test_arrays_have_needles_names_too():
    numbers = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    a = nd.array(numbers)
    np.testing.assert_array_equal(nd.concatenate([a, a], 1).numpy(), np.concatenate([numbers, numbers], 1))
    for axis in (0, 1, -1):
        parts = nd.split(a, axis)
        wanted = np.moveaxis(numbers, axis, 0)
        assert len(parts) == len(wanted)
        for part, row in zip(parts, wanted, strict=True):
            np.testing.assert_array_equal(part.numpy(), row)
    wide = np.zeros((4, 9), np.float32)
    wide[::2, ::3] = numbers
    np.testing.assert_array_equal(a.dilate((0,), 1).dilate((1, 7), 2).numpy(), wide)
    assert a.dilate((0,), 0).shape == (2, 3) and nd.zeros((0, 2)).dilate((0, 1), 1).shape == (0, 4)
    np.testing.assert_allclose(a.sin().numpy(), np.sin(numbers), rtol=1e-6)
    np.testing.assert_allclose(a.cos().numpy(), np.cos(numbers), rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(a.swapaxes(0, -1).numpy(), numbers.T)
    assert (a[:, 1:]._offset, a._device) == (1, a.device)
    assert (a.swapaxes(0, 1)._shape, a.swapaxes(0, 1)._strides) == ((3, 2), (1, 3))
    with pytest.raises(ValueError, match="dilate: dilation is a whole number of at least 0, got -1"):
        a.dilate((0,), -1)
    with pytest.raises(DTypeError, match="split: wanted an NDArray, got str"):
        nd.split("ab")


@pytest.mark.parametrize("sections, axis", [(3, 1), (3, -1), (2, 0), ([1], 1), ((1, 1), 1), ([1, 3], None)])
def test_split_into_sections_is_numpys(sections, axis):
    numbers = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    parts = nd.split(nd.array(numbers), sections, *(() if axis is None else (axis,)))
    wanted = np.split(numbers, sections, **({} if axis is None else {"axis": axis}))
    for part, expected in zip(parts, wanted, strict=True):
        np.testing.assert_array_equal(part.numpy(), expected)


def test_sections_that_do_not_fit_are_said():
    with pytest.raises(ShapeError, match=r"split: axis 1 of shape \(2, 3\) has no 2 equal parts"):
        nd.split(nd.zeros((2, 3)), 2, axis=1)
    with pytest.raises(ValueError, match="split: sections is a whole number of at least 1, got 0"):
        nd.split(nd.zeros((2, 3)), 0, axis=1)


def test_split_under_needles_rules_too(needle):
    assert [part.shape for part in nd.split(nd.zeros((2, 3)), 1)] == [(2,)] * 3


def test_uniform_and_normal_are_rand_and_randn():
    for name, original, options in (
        ("uniform", "rand", {"low": -1, "high": 2}),
        ("normal", "randn", {"std": 3}),
    ):
        np.random.seed(1)
        ours = getattr(init, name)(2, 3, **options).numpy()
        np.random.seed(1)
        np.testing.assert_array_equal(ours, getattr(init, original)(2, 3, **options).numpy())


def test_ops_under_other_names(rng):
    x = Tensor(rng.normal(size=(3, 4)))
    np.testing.assert_array_equal(ops.clamp(x, 0, 1).numpy(), np.clip(x.numpy(), 0, 1))
    np.testing.assert_array_equal(ops.get_item(x, (1, slice(None))).numpy(), x.numpy()[1])


def test_keywords_that_needles_programs_use():
    numbers = np.arange(6.0, dtype=np.float32).reshape(2, 3)
    np.testing.assert_array_equal(nd.flip(nd.array(numbers), axes=(1,)).numpy(), numbers[:, ::-1])
    x = Tensor(numbers)
    y = x.reshape(shape=(3, -1))
    np.testing.assert_array_equal(y.numpy(), numbers.reshape(3, 2))
    (y * y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), 2 * numbers)
    assert x.reshape(3, 2).shape == x.reshape((3, 2)).shape == (3, 2)


def test_devices_have_their_kernel_modules_at_once():
    program = "import needle_edu; needle_edu.install_as('needle'); print(needle_edu.cpu().Array(3).size)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout == "3\n", done.stderr
