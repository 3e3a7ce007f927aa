"""For every test and doctest: the package is imported as a whole first, so that the doctests of one folder run alone
as well, and its kernels are compiled, so that no test waits for that under a time limit of its own. `--shuffle NUMBER`
runs the tests in a random order, the same for the same number: none may need what another one left behind; `--every N`
runs only every Nth of them. `--device
NAME` makes another device the default one: `hidden` (tests/backend/hidden_device.py) is one whose memory NumPy cannot
see, for tests of arrays, gradients and training.
"""

import random
import sys
from pathlib import Path

import pytest

import needle_edu
from needle_edu.backend import devices, set_default_device

sys.path.insert(0, str(Path(__file__).parent / "tests" / "backend"))  # for hidden_device.py


def pytest_addoption(parser):
    parser.addoption(
        "--shuffle", type=int, metavar="NUMBER", help="run the tests in the random order of this number"
    )
    parser.addoption("--every", type=int, default=1, metavar="N", help="run only every Nth test")
    parser.addoption(
        "--device", metavar="NAME", help="the default device: cpu, cpu_numpy, cuda_sim or hidden"
    )


def pytest_configure(config):
    name = config.getoption("--device")
    if name is not None:
        import hidden_device  # noqa: F401  (registers it)

        set_default_device(devices.device_named(name))


def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"):  # once, before pytest-xdist starts its workers
        needle_edu.cpu().kernels  # noqa: B018


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    number, every = config.getoption("--shuffle"), config.getoption("--every")
    if every > 1:
        config.hook.pytest_deselected(items=[item for i, item in enumerate(items) if i % every])
        items[:] = items[::every]
    if number is not None:
        random.Random(number).shuffle(items)


def pytest_report_header(config):
    number = config.getoption("--shuffle")
    return None if number is None else f"random order: --shuffle {number} repeats it"
