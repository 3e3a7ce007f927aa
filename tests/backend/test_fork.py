"""A child forked while other threads compute does not wait for what they held: those threads do not exist in it.

Locks of the C library (the memory pool, the threads' team) and of the runtime must be free in the child, which computes
in one thread.
"""

import os
import signal
import sys
import threading
import warnings

import numpy as np
import pytest

from needle_edu import ndarray as nd
from needle_edu.backend import cpu, devices, get_num_threads, set_num_threads, standard_devices

CHILDREN = 50
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def compute() -> bool:
    """Products, elementwise work and memory from the pool, large enough for threads; whether the numbers are right."""
    a = nd.array(np.arange(40_000).reshape(200, 200) % 7, device=cpu())
    x = a.numpy().astype("f8")
    product = nd.matmul(a, a.T) + nd.exp(a * 0)
    big = nd.ones((600, 600), device=cpu()) + 1
    return np.array_equal(product.numpy(), x @ x.T + 1) and big.sum().item() == 720_000


def in_child(work) -> int:
    """Fork, run `work` in the child for at most 20 seconds, and return its exit status: 0 if `work` returned True."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of exactly what is tried here
        child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)  # instead of hanging
            status = 0 if work() else 2
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1]


def beside_busy_threads(busy, work, count: int = CHILDREN) -> list[int]:
    """Fork `count` children one after another while three threads run `busy` in a circle."""
    stop = threading.Event()

    def circle():
        while not stop.is_set():
            busy()

    threads = [threading.Thread(target=circle) for _ in range(3)]
    before, interval = get_num_threads(), sys.getswitchinterval()
    set_num_threads(2)
    sys.setswitchinterval(1e-4)
    try:
        for thread in threads:
            thread.start()
        return [in_child(work) for _ in range(count)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        set_num_threads(before)
        sys.setswitchinterval(interval)


def test_children_forked_beside_busy_kernels_compute():
    x = nd.ones((160, 160), device=cpu())
    y = nd.ones((300, 300), device=cpu())
    assert beside_busy_threads(lambda: (nd.matmul(x, x), y + y), compute) == [0] * CHILDREN


def test_a_child_forked_while_another_thread_opens_a_runtime():
    """That thread holds the lock of the devices, for half a minute if it compiles."""
    held, release = threading.Event(), threading.Event()

    def open_slowly():
        held.set()
        release.wait(60)
        return standard_devices._open_reference()

    thread = threading.Thread(target=lambda: devices.Device("slow", open_slowly).kernels)
    thread.start()
    try:
        assert held.wait(30)

        def work() -> bool:
            device = devices.Device("fresh", standard_devices._open_reference)
            with device.override("add", device.kernels.subtract):
                return device.kernels.add is device.kernels.subtract

        assert in_child(work) == 0
    finally:
        release.set()
        thread.join()
