"""A forked child: of all threads only the one that forked goes on, and nothing waits for the others."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import cpu, no_grad, override
from needle_edu.autograd import engine, gradients as written, state

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork"),
    # Python 3.12 and later warn of what is tried here.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
SECONDS = 20  # a child that has not ended by then hangs


def in_a_child(work) -> int:
    """Run `work` in a forked child; its exit status, or the signal that ended it, negative."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(SECONDS)
            work()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def gradients(accumulate=True):
    x = tensor([1.0, 2.0])
    for _ in range(3):
        (x * x + x).sum().backward(accumulate=accumulate)
    np.testing.assert_allclose(x.grad.numpy(), 3 * (2 * x.numpy() + 1))


def by_a_student():
    with override("compute_gradient_of_variables", lambda output, g: engine.propagate(output, g, True)):
        x = tensor([1.0, 2.0])
        (x * x).sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), 2 * x.numpy())


@pytest.fixture
def busy_threads():
    """Threads that are nearly always within a backward pass, one of them a student's."""
    stop = threading.Event()
    shared = tensor(np.ones(64))

    def work():
        while not stop.is_set():
            with no_grad():
                pass
            (shared * shared).sum().backward(accumulate=True)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()


def test_a_child_forked_while_others_are_in_backward_goes_on(busy_threads):
    def work():
        gradients()
        by_a_student()
        assert state.grad_enabled() and not state.threads_without_grad

    for _ in range(50):
        assert in_a_child(work) == 0


def test_no_lock_that_another_thread_holds_is_waited_for():
    """The same with certainty: a thread holds every lock of the library just when the fork comes."""
    from needle_edu.backend import devices, standard_devices

    held, done = threading.Event(), threading.Event()

    def hold():
        with written.lock, devices._lock:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()

    def work():
        gradients()
        by_a_student()
        devices.Device("another", standard_devices._open_reference).runtime
        with cpu().override("add_dense", cpu().kernels.add_dense):
            pass

    try:
        start = time.monotonic()
        assert in_a_child(work) == 0, f"the child ended after {time.monotonic() - start:.0f} s"
    finally:
        done.set()
        thread.join()
