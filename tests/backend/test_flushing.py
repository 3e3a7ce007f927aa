"""Numbers below the smallest normal one: a process may take them for 0, and then all threads of a kernel must."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import backend, ndarray as nd
from needle_edu.cli import doctor

torch = pytest.importorskip("torch", reason="torch.set_flush_denormal changes the mode of this process")

MANY = 1 << 20  # elements: enough for two threads


@pytest.fixture
def flushing():
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor cannot take denormal numbers for 0")
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def two_threads():
    before = backend.get_num_threads()
    backend.set_num_threads(2)
    (nd.ones(MANY) + 1.0).numpy()  # now there is a worker, which began in the ordinary mode
    yield
    backend.set_num_threads(before)


def tiny():
    """An array of denormal numbers, made without arithmetic, and its product with 1."""
    a = nd.asarray(np.full(MANY, 1 << 16, dtype=np.uint32).view(np.float32))
    return a, (a * 1.0).numpy().view(np.uint32)


def test_denormals_are_kept():
    a, product = tiny()
    np.testing.assert_array_equal(product, a.numpy().view(np.uint32))
    assert doctor.CHECKS["denormals"]().state == doctor.OK


@pytest.mark.skipif(not ndl.cpu().native, reason="NumPy computes")
def test_all_threads_flush_where_the_caller_does(flushing):
    for _ in range(20):
        assert not tiny()[1].any()


def test_doctor_says_that_they_are_flushed(flushing):
    finding = doctor.CHECKS["denormals"]()
    assert finding.state == doctor.ABSENT and "set_flush_denormal" in finding.mend


def test_a_neighbours_number_of_threads_is_its_own():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        assert backend.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
