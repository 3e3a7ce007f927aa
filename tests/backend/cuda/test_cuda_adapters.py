"""A student's kernels in the backend: products, sums and copies of tensors are theirs inside the block, whatever
strides the operands have, and ours again behind it."""

import numpy as np
import pytest

from needle_edu import Tensor, cpu, cuda_sim, ndarray as nd
from needle_edu.backend.cudasim import cuda_cell, cuda_check, use_kernels

TEXT = """
__global__ void product(const float *a, const float *b, float *out, int m, int n, int p) {
  const int i = blockIdx.y * 8 + threadIdx.y, j = blockIdx.x * 8 + threadIdx.x;
  if (i >= m || j >= p) return;
  float sum = 0;
  for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * p + j];
  out[i * p + j] = sum + 1000;                       // a mark: whose product this is
}
__global__ void total(const float *a, float *out, int reduce_size, int rows, bool largest) {
  const int row = blockIdx.x * 32 + threadIdx.x;
  if (row >= rows) return;
  float result = a[row * reduce_size];
  for (int k = 1; k < reduce_size; k++) {
    const float next = a[row * reduce_size + k];
    result = largest ? (next > result ? next : result) : result + next;
  }
  out[row] = result + 1000;
}
struct Numbers { int data[8]; };
__global__ void gather(const float *a, float *out, int size, Numbers shape, Numbers strides, int ndim, int offset) {
  int i = blockIdx.x * 32 + threadIdx.x;
  if (i >= size) return;
  int rest = i, at = offset;
  for (int d = ndim - 1; d >= 0; d--) {
    at += rest % shape.data[d] * strides.data[d];
    rest /= shape.data[d];
  }
  out[i] = a[at] + 1000;
}
extern "C" void compact(const float *a, float *out, const int *shape, const int *strides, int ndim, int offset) {
  Numbers s = {}, t = {};
  int size = 1;
  for (int d = 0; d < ndim; d++) s.data[d] = shape[d], t.data[d] = strides[d], size *= shape[d];
  gather<<<(size + 31) / 32, 32>>>(a, out, size, s, t, ndim, offset);
}
"""


@pytest.fixture(scope="module")
def own(simulator):
    return cuda_cell(TEXT)


@pytest.fixture(scope="module")
def launches(own):
    """The functions that launch the student's kernels."""

    def matmul(a, b, out, m, n, p):
        assert a.shape == (m, n) and b.shape == (n, p) and out.shape == (m, p)
        own["product"][((p + 7) // 8, (m + 7) // 8), (8, 8)](a, b, out, m, n, p)

    def reduce(largest):
        def function(a, out, reduce_size):
            rows = int(np.prod(out.shape, dtype=int))
            own["total"][(rows + 31) // 32, 32](a, out, reduce_size, rows, largest)

        return function

    return {
        "matmul": matmul,
        "reduce_sum": reduce(False),
        "reduce_max": reduce(True),
        "compact": lambda a, out, shape, strides, offset: own["compact"](
            a, out, shape, strides, len(shape), offset
        ),
    }


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 9, shape).astype("float32")


def on(array):
    return nd.array(array, device=cuda_sim())


A, B = numbers(5, 11), numbers(11, 7, seed=1)
BATCH = numbers(2, 3, 5, 11)
PRODUCTS = {
    "compact": (lambda: on(A) @ on(B), A @ B),
    "transposed": (lambda: on(A.T.copy()).T @ on(B.T.copy()).T, A @ B),
    "sliced": (lambda: on(A)[1:, ::2] @ on(B)[::2, 1:4], A[1:, ::2] @ B[::2, 1:4]),
    "negative": (lambda: on(A)[::-1] @ on(B), A[::-1] @ B),
    "batch": (lambda: on(BATCH) @ on(B), BATCH @ B),
    "one row": (lambda: on(A[:1]) @ on(B), A[:1] @ B),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(launches, name):
    compute, wanted = PRODUCTS[name]
    with use_kernels(matmul=launches["matmul"]):
        got = compute().numpy()
    np.testing.assert_array_equal(got, wanted + 1000)
    np.testing.assert_array_equal(compute().numpy(), wanted)  # ours again


@pytest.mark.parametrize("axis", [0, 1, 2, (0, 2), (1, 2), None])
def test_reductions(launches, axis):
    array = numbers(3, 4, 50)
    with use_kernels(reduce_sum=launches["reduce_sum"], reduce_max=launches["reduce_max"]):
        got = on(array).sum(axis=axis).numpy(), on(array).max(axis=axis).numpy()
        of_a_view = on(array)[:, ::-2, 3:].sum(axis=axis).numpy()
    for result, wanted in zip(got, (array.sum(axis), array.max(axis)), strict=True):
        np.testing.assert_array_equal(result.reshape(np.shape(wanted)), wanted + 1000)
    wanted = array[:, ::-2, 3:].sum(axis)
    np.testing.assert_array_equal(of_a_view.reshape(np.shape(wanted)), wanted + 1000)


def test_compact(launches):
    a = on(BATCH)
    with use_kernels(compact=launches["compact"]):
        got = [
            a.permute((3, 0, 2, 1)).compact(),
            a[:, 1:, ::-2].compact(),
            a[1, 2].broadcast_to((4, 5, 11)).compact(),
        ]
        wanted = [BATCH.transpose(3, 0, 2, 1), BATCH[:, 1:, ::-2], np.broadcast_to(BATCH[1, 2], (4, 5, 11))]
        target = on(np.zeros((4, 4), "f"))
        target[::2, ::2] = on(np.ones((2, 2), "f"))
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_array_equal(one.numpy(), other + 1000)
    assert target.numpy().sum() == 4, "an assignment stays ours"


def test_what_is_not_float32_or_empty_stays_ours(launches):
    integers = nd.array(A, dtype="int32", device=cuda_sim())
    with use_kernels(**launches):
        np.testing.assert_array_equal(
            (integers @ integers.permute((1, 0)).compact()).numpy(), A.astype(int) @ A.T.astype(int)
        )
        assert (on(A[:0]) @ on(B)).shape == (0, 7)


def test_gradients_and_the_checker_go_through_them(launches):
    x, w = Tensor(A, device=cuda_sim()), Tensor(B, device=cuda_sim())
    with use_kernels(matmul=launches["matmul"]), cuda_check() as report:
        y = x @ w
        y.backward(Tensor(np.ones((5, 7), "f"), device=cuda_sim()))
    assert report.clean and report.launches == {"product": 3}
    np.testing.assert_array_equal(w.grad.numpy(), A.T @ np.ones((5, 7)) + 1000)


def test_what_is_refused(launches):
    with pytest.raises(TypeError, match="^use_kernels: matmul is a function that launches a kernel, got 3"):
        use_kernels(matmul=3)
    with pytest.raises(
        TypeError, match=r"^use_kernels: wanted a simulated card such as cuda_sim\(\), got cpu\(\)"
    ):
        use_kernels(cpu())
    with pytest.raises(ZeroDivisionError), use_kernels(matmul=lambda *_: 1 / 0):
        on(A) @ on(B)
    assert not cuda_sim().has_overrides()
    with use_kernels(matmul=lambda *_: 1 / 0):
        assert cuda_sim().has_overrides()


def test_a_result_that_has_strides_is_put_in_its_place(launches):
    """No operation makes such a plan today; the header allows it."""
    device, a, b, out = cuda_sim(), on(A[:2, :2]), on(B[:2, :3]), on(np.zeros((4, 6), "f"))
    strides = ((12, 2, 0), (2, 0, 1), (0, 1, 3))  # out[::2, ::2], a, b over (i, j, k)
    plan = device.lower(3, (0, 0, 0), (2, 3, 2), (0, 0, 0), strides)
    with use_kernels(matmul=launches["matmul"]):
        assert device.kernels.matmul(plan, out.storage.ptr, a.storage.ptr, b.storage.ptr) == 0
    wanted = np.zeros((4, 6))
    wanted[::2, ::2] = A[:2, :2] @ B[:2, :3] + 1000
    np.testing.assert_array_equal(out.numpy(), wanted)
