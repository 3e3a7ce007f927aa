"""Needle's own names: what homework files and array libraries written for the course rely on."""

import subprocess
import sys

import numpy as np
import pytest

from needle_edu import backend_ndarray
from needle_edu.backend import all_devices, cpu, cuda
from needle_edu.backend_ndarray import NDArray, array, compact_strides, empty, from_numpy, full

from .oracle import same


def test_the_module_has_needles_names():
    for name in ("NDArray", "array", "empty", "full", "broadcast_to", "reshape", "maximum", "log", "exp", "tanh", "sum",
                 "flip", "BackendDevice", "cpu", "cuda", "cpu_numpy", "default_device", "all_devices"):  # fmt: skip
        assert callable(getattr(backend_ndarray, name)), name
    assert backend_ndarray.ndarray.NDArray is NDArray


def test_devices_print_compare_and_create(device):
    assert repr(cpu()) == "cpu()" and repr(cuda()) == "cuda()"
    assert cpu() == cpu() and cpu() != cuda() and cuda() in all_devices()
    np.random.seed(3)
    expected = np.random.randn(2, 3).astype("float32")
    np.random.seed(3)
    same(device.randn(2, 3), expected)
    assert device.rand(2, dtype="float64").dtype == "float64"
    same(device.full((2,), 3), np.array([3, 3], "float32"))
    same(device.ones((1, 2)), np.ones((1, 2), "float32"))
    same(device.zeros((2,), dtype="int32"), np.zeros(2, "int32"))
    assert device.empty((2, 2)).shape == (2, 2)
    same(device.one_hot(3, np.array([[2, 0]])), np.eye(3, dtype="float32")[[[2, 0]]])


def test_ndarray_of_anything_copies():
    a = array([[1, 2], [3, 4]])
    b = NDArray(a)
    a[0, 0] = 9
    same(b, np.array([[1, 2], [3, 4]], "float32"))
    assert NDArray(array([1], dtype="int64")).dtype == "int64"
    assert NDArray(np.arange(3)).dtype == from_numpy(np.arange(3)).dtype == "float32"


def test_ndarray_can_be_subclassed():
    class Labelled(NDArray):
        def __init__(self, data, label):
            super().__init__(data)
            self.label = label

    a = Labelled([1, 2], "x")
    assert a.label == "x" and isinstance(a, NDArray)
    same(a + a, np.array([2, 4], "float32"))
    same(2 * a - array([1, 1]), np.array([1, 3], "float32"))
    same(a @ a, np.array(5, "float32"))
    same(a[::-1], np.array([2, 1], "float32"))


def test_make_sees_the_memory_of_a_handle(device):
    a = array(np.arange(12).reshape(3, 4), device=device)
    b = NDArray.make((4, 2), strides=(1, 4), device=device, handle=a._handle, offset=4)
    same(b, np.arange(12, dtype="float32").reshape(3, 4)[1:].T)
    assert b._handle.ptr() == a._handle.ptr() == a.T._handle.ptr()
    assert a._handle.ptr() != empty((3, 4), device=device)._handle.ptr()
    assert NDArray.make((2, 3), device=device).is_compact()


def test_compact_strides_and_process_slice():
    assert compact_strides((2, 3, 4)) == (12, 4, 1)
    assert array(np.zeros((4, 5))).process_slice(slice(-3, None), 1) == slice(2, 5, 1)


def test_flip_pad_sum_max_as_the_homework_calls_them(device):
    x = np.arange(6, dtype="float32").reshape(2, 3)
    a = array(x, device=device)
    same(a.flip((0, 1)), x[::-1, ::-1])
    same(a.pad(((1, 0), (0, 2))), np.pad(x, ((1, 0), (0, 2))))
    same(a.sum(axis=1, keepdims=True), x.sum(1, keepdims=True))
    same(a.max(axis=(0,)), x.max(0))
    same(a.sum(), x.sum().reshape(1))
    same(a.sum(keepdims=True), x.sum(keepdims=True))
    assert full((2,), 3, device=device).numpy().tolist() == [3, 3]


# ---- the kernel module: a device seen as the functions a student writes ---------------------------------------


def handle(device, x):
    x = np.asarray(x, "float32")
    memory = device.Array(x.size)
    device.from_numpy(x, memory)
    return memory


def read(device, memory, *shape):
    return device.to_numpy(memory, shape, compact_strides(shape), 0)


X, Y = np.array([[1, -2, 3], [4, 2, -6]], "float32"), np.array([[1, 5, 3], [-4, 2, 6]], "float32")
EWISE = {
    "ewise_add": X + Y, "ewise_mul": X * Y, "ewise_div": X / Y, "ewise_maximum": np.maximum(X, Y),
    "ewise_eq": X == Y, "ewise_ge": X >= Y, "ewise_exp": np.exp(X), "ewise_tanh": np.tanh(X),
}  # fmt: skip
SCALAR = {
    "scalar_add": X + 2, "scalar_mul": X * 2, "scalar_div": X / 2, "scalar_power": X**2,
    "scalar_maximum": np.maximum(X, 2), "scalar_eq": X == 2, "scalar_ge": X >= 2,
}  # fmt: skip


@pytest.mark.parametrize("name", EWISE)
def test_ewise_kernels(name, device):
    operands = [handle(device, X)] if name[6:] in ("exp", "tanh") else [handle(device, X), handle(device, Y)]
    out = device.Array(6)
    getattr(device, name)(*operands, out)
    np.testing.assert_allclose(read(device, out, 2, 3), EWISE[name].astype("float32"), rtol=1e-6)


@pytest.mark.parametrize("name", SCALAR)
def test_scalar_kernels(name, device):
    out = device.Array(6)
    getattr(device, name)(handle(device, X), 2.0, out)
    np.testing.assert_array_equal(read(device, out, 2, 3), SCALAR[name].astype("float32"))


def test_moving_kernels(device):
    a, out = handle(device, X), device.Array(6)
    device.compact(a, out, (3, 2), (1, 3), 0)
    np.testing.assert_array_equal(read(device, out, 3, 2), X.T)
    device.fill(out, 7)
    device.ewise_setitem(handle(device, [1, 2]), out, (2,), (3,), 1)
    np.testing.assert_array_equal(read(device, out, 2, 3), [[7, 1, 7], [7, 2, 7]])
    device.scalar_setitem(2, -1, out, (2,), (1,), 4)
    np.testing.assert_array_equal(read(device, out, 2, 3), [[7, 1, 7], [7, -1, -1]])
    np.testing.assert_array_equal(device.to_numpy(out, (2, 2), (3, 2), 0), [[7, 7], [7, -1]])


def test_reductions_and_products(device):
    out = device.Array(2)
    device.reduce_sum(handle(device, X), out, 3)
    np.testing.assert_array_equal(read(device, out, 2), X.sum(1))
    device.reduce_max(handle(device, X), out, 3)
    np.testing.assert_array_equal(read(device, out, 2), X.max(1))
    product = device.Array(4)
    device.matmul(handle(device, X), handle(device, Y.reshape(3, 2)), product, 2, 3, 2)
    np.testing.assert_array_equal(read(device, product, 2, 2), X @ Y.reshape(3, 2))


def test_matmul_tiled(device):
    t = device.__tile_size__
    m, n, p = 2 * t, 3 * t, t
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-3, 4, shape).astype("float32") for shape in ((m, n), (n, p)))
    out = device.Array(m * p)
    device.matmul_tiled(handle(device, tiles(a, t)), handle(device, tiles(b, t)), out, m, n, p)
    np.testing.assert_array_equal(read(device, out, m // t, p // t, t, t), tiles(a @ b, t))
    assert device.__device_name__ == device.name


def tiles(x, t):
    return x.reshape(x.shape[0] // t, t, x.shape[1] // t, t).swapaxes(1, 2)


# ---- NEEDLE_BACKEND -------------------------------------------------------------------------------------------


def ask(backend, code):
    script = f"import os; os.environ['NEEDLE_BACKEND'] = {backend!r}\n{code}"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)


def test_numpy_can_be_selected():
    code = (
        "from needle_edu import backend_selection as s; import numpy as np\n"
        "assert s.array_api is np and s.NDArray is np.ndarray and s.BACKEND == 'np'\n"
        "x = s.cpu().zeros((2, 3), dtype='float64'); assert type(x) is np.ndarray and x.dtype == 'float64'\n"
        "assert s.cpu().one_hot(3, [1]).tolist() == [[0, 1, 0]]; s.cuda()"
    )
    done = ask("np", code)
    assert not done.returncode, done.stderr


def test_an_unknown_backend_is_refused():
    done = ask("jax", "import needle_edu.backend_selection")
    assert done.returncode and "NEEDLE_BACKEND is 'jax'; wanted 'nd'" in done.stderr
