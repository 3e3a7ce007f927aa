"""In the style of the course's homework 3 tests (NDArray), with `from needle import backend_ndarray as nd`.

Run through `python -m needle_edu.as_needle -m pytest`, see ../test_as_needle.py.
"""

import sys

sys.path.append("./python")

import itertools

import mugrade
import needle as ndl
import numpy as np
import pytest
from needle import backend_ndarray as nd

_DEVICES = [
    nd.cpu(),
    pytest.param(nd.cuda(), marks=pytest.mark.skipif(not nd.cuda().enabled(), reason="No GPU")),
]


def compare_strides(a_np, a_nd):
    size = a_np.itemsize
    assert tuple(x // size for x in a_np.strides) == a_nd.strides


def check_same_memory(original, view):
    assert original._handle.ptr() == view._handle.ptr()


@pytest.mark.parametrize("device", _DEVICES, ids=["cpu", "cuda"])
class TestOnDevice:
    @pytest.mark.parametrize("params", [
        {"shape": (4, 4), "axes": (1, 0)},
        {"shape": (4, 1, 4), "axes": (1, 2, 0)},
        {"shape": (1, 2, 3, 4), "axes": (3, 1, 0, 2)},
    ])  # fmt: skip
    def test_permute(self, device, params):
        a = np.random.randn(*params["shape"])
        A = nd.array(a, device=device)
        lhs, rhs = np.transpose(a, params["axes"]), A.permute(params["axes"])
        np.testing.assert_allclose(rhs.numpy(), lhs, rtol=1e-5, atol=1e-5)
        compare_strides(lhs, rhs)
        check_same_memory(A, rhs)

    @pytest.mark.parametrize(("shape", "new"), [((8, 16), (2, 4, 16)), ((4, 3), (12,)), ((2, 3, 4), (6, 4))])
    def test_reshape(self, device, shape, new):
        a = np.random.randn(*shape)
        A = nd.array(a, device=device)
        np.testing.assert_allclose(A.reshape(new).numpy(), a.reshape(new), rtol=1e-5)
        compare_strides(a.reshape(new), A.reshape(new))
        check_same_memory(A, A.reshape(new))

    @pytest.mark.parametrize(
        ("old", "new"), [((1, 2, 3), (5, 2, 3)), ((5, 1, 4), (5, 6, 4)), ((3, 1), (3, 7))]
    )
    def test_broadcast_to(self, device, old, new):
        a = np.random.randn(*old)
        A = nd.array(a, device=device)
        np.testing.assert_allclose(A.broadcast_to(new).numpy(), np.broadcast_to(a, new), rtol=1e-5)
        compare_strides(np.broadcast_to(a, new), A.broadcast_to(new))
        check_same_memory(A, A.broadcast_to(new))

    @pytest.mark.parametrize("fn", [
        lambda X: X[3:4, 3:4], lambda X: X[1:8:2, 2:3], lambda X: X[2:4, :],
        lambda X: X[5:6, 1:5], lambda X: X[-3:, ::2],
    ])  # fmt: skip
    def test_getitem(self, device, fn):
        a = np.random.randn(8, 8)
        A = nd.array(a, device=device)
        np.testing.assert_allclose(fn(A).numpy(), fn(a), rtol=1e-5)
        compare_strides(fn(a), fn(A))
        check_same_memory(A, fn(A))

    def test_getitem_of_a_permuted_array(self, device):
        a = np.random.randn(4, 5, 6)
        A = nd.array(a, device=device)
        np.testing.assert_allclose(
            A.permute((2, 0, 1))[1:5:2, :, 3:].numpy(), a.transpose(2, 0, 1)[1:5:2, :, 3:], rtol=1e-5
        )

    def test_an_integer_index_keeps_its_axis(self, device):
        a = np.random.randn(4, 5, 6)
        A = nd.array(a, device=device)
        np.testing.assert_allclose(
            A.permute((2, 0, 1))[1:5:2, :, 3].numpy(), a.transpose(2, 0, 1)[1:5:2, :, 3:4], rtol=1e-5
        )

    def test_setitem(self, device):
        a, b = np.random.randn(4, 5, 6), np.random.randn(7, 7, 7)
        A, B = nd.array(a, device=device), nd.array(b, device=device)
        before = A._handle.ptr()
        A[1:2, 1:5:2, 0:3] = B[3:4, 2:4, 1:4]
        a[1:2, 1:5:2, 0:3] = b[3:4, 2:4, 1:4]
        assert before == A._handle.ptr()
        compare_strides(a, A)
        np.testing.assert_allclose(A.numpy(), a, rtol=1e-5)
        A[0:2, :, 2] = 7
        a[0:2, :, 2] = 7
        np.testing.assert_allclose(A.numpy(), a, rtol=1e-5)

    @pytest.mark.parametrize("shape", [(1, 1, 1), (4, 5, 6)])
    def test_elementwise(self, device, shape):
        a, b = np.random.randn(*shape), np.random.randn(*shape)
        A, B = nd.array(a, device=device), nd.array(b, device=device)
        for f in [
            lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x / y, lambda x, y: x - y,
            lambda x, y: x == y, lambda x, y: x >= y, lambda x, y: x != y, lambda x, y: x < y,
        ]:  # fmt: skip
            np.testing.assert_allclose(f(A, B).numpy(), f(a, b), rtol=1e-4, atol=1e-5)
        for f in [
            lambda x: x + 0.5,
            lambda x: x * 3,
            lambda x: x / 2,
            lambda x: 1 - x,
            lambda x: -x,
            lambda x: x > 0.2,
        ]:
            np.testing.assert_allclose(f(A).numpy(), f(a), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(A.maximum(B).numpy(), np.maximum(a, b), rtol=1e-5)
        np.testing.assert_allclose(nd.maximum(A, 0.1).numpy(), np.maximum(a, 0.1), rtol=1e-5)
        np.testing.assert_allclose(A.exp().numpy(), np.exp(a), rtol=1e-5)
        np.testing.assert_allclose(A.tanh().numpy(), np.tanh(a), rtol=1e-5)
        positive = np.abs(a) + 0.1
        np.testing.assert_allclose(
            nd.array(positive, device=device).log().numpy(), np.log(positive), rtol=1e-4, atol=1e-5
        )
        np.testing.assert_allclose(
            (nd.array(positive, device=device) ** 0.5).numpy(), positive**0.5, rtol=1e-5
        )

    @pytest.mark.parametrize(("dims", "axis"), [((10,), 0), ((4, 5, 6), 0), ((4, 5, 6), 1), ((4, 5, 6), 2)])
    def test_reductions(self, device, dims, axis):
        a = np.random.randn(*dims)
        A = nd.array(a, device=device)
        for keep in (True, False):
            np.testing.assert_allclose(
                A.sum(axis=axis, keepdims=keep).numpy(), a.sum(axis=axis, keepdims=keep), rtol=1e-4, atol=1e-5
            )
            np.testing.assert_allclose(
                A.max(axis=axis, keepdims=keep).numpy(), a.max(axis=axis, keepdims=keep), rtol=1e-5
            )
        assert A.sum().shape == (1,)
        np.testing.assert_allclose(A.sum().numpy(), [a.sum()], rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize(("m", "n", "p"), [(8, 8, 8), (7, 8, 3), (73, 71, 72), (128, 64, 129), (1, 5, 1)])
    def test_matmul(self, device, m, n, p):
        a, b = np.random.randn(m, n), np.random.randn(n, p)
        A, B = nd.array(a, device=device), nd.array(b, device=device)
        np.testing.assert_allclose((A @ B).numpy(), a @ b, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(
            (B.permute((1, 0)) @ A.permute((1, 0))).numpy(), b.T @ a.T, rtol=1e-4, atol=1e-4
        )

    def test_flip(self, device):
        a = np.random.randn(2, 3, 4)
        A = nd.array(a, device=device)
        np.testing.assert_allclose(nd.flip(A, (1,)).numpy(), np.flip(a, (1,)), rtol=1e-5)
        np.testing.assert_allclose(A.flip((0, 2)).numpy(), np.flip(a, (0, 2)), rtol=1e-5)


def test_compact_and_as_strided():
    a = np.arange(24.0).reshape(4, 6)
    A = nd.array(a)
    assert A.is_compact() and not A.permute((1, 0)).is_compact()
    C = A.permute((1, 0)).compact()
    assert C.is_compact() and C.strides == (4, 1)
    np.testing.assert_allclose(C.numpy(), a.T)
    np.testing.assert_allclose(A.as_strided((2, 3), (12, 2)).numpy(), [[0, 2, 4], [12, 14, 16]])
    assert nd.NDArray.compact_strides((2, 3, 4)) == (12, 4, 1)


def test_make_and_fill():
    A = nd.empty((2, 3))
    A.fill(4)
    assert A.numpy().tolist() == [[4.0] * 3] * 2 and A.dtype == "float32"
    B = nd.NDArray.make((3,), strides=(1,), device=A.device, handle=A._handle, offset=3)
    B[:] = 9
    assert A.numpy().tolist() == [[4.0] * 3, [9.0] * 3]
    assert nd.full((2,), 3.0).numpy().tolist() == [3.0, 3.0]


def test_devices():
    assert nd.cpu() == nd.cpu() and str(nd.cpu()) == "cpu()" and nd.cpu().enabled()
    assert nd.default_device() in nd.all_devices()
    assert np.array(nd.cpu().zeros(2, 2)).tolist() == [[0, 0], [0, 0]]
    assert nd.cpu_numpy().enabled()
    with pytest.raises(AttributeError):
        nd.cpu().no_such_kernel  # noqa: B018


@pytest.mark.parametrize(
    ("device", "op"), list(itertools.product([nd.cpu(), nd.cpu_numpy()], ["ewise_add", "ewise_mul"]))
)
def test_kernel_module(device, op):
    x, y, out = device.Array(6), device.Array(6), device.Array(6)
    a = np.arange(6, dtype=np.float32)
    device.from_numpy(a, x)
    device.fill(y, 3.0)
    getattr(device, op)(x, y, out)
    wanted = a + 3 if op == "ewise_add" else a * 3
    np.testing.assert_allclose(device.to_numpy(out, (6,), (1,), 0), wanted)
    np.testing.assert_allclose(device.to_numpy(out, (3, 2), (1, 3), 0), wanted.reshape(2, 3).T)
    assert out.size == 6 and isinstance(out.ptr(), int)


def test_kernel_module_matmul():
    device = nd.cpu()
    a, b = np.random.randn(5, 7).astype(np.float32), np.random.randn(7, 4).astype(np.float32)
    A, B, C = device.Array(35), device.Array(28), device.Array(20)
    device.from_numpy(a, A)
    device.from_numpy(b, B)
    device.matmul(A, B, C, 5, 7, 4)
    np.testing.assert_allclose(device.to_numpy(C, (5, 4), (4, 1), 0), a @ b, rtol=1e-4, atol=1e-5)
    mugrade.submit(ndl.Tensor([1.0]).numpy())
