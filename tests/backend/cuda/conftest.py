"""The simulator and the programs of kernels/, each compiled once; without g++ the tests skip and say so."""

import sys
from functools import cache
from pathlib import Path

import pytest

from needle_edu.backend import BuildError
from needle_edu.backend.cudasim import build, open_simulator

KERNELS = Path(__file__).parent / "kernels"
sys.path.insert(0, str(Path(__file__).parent))  # for cuda_mutants.py


@pytest.fixture(scope="session")
def simulator():
    """The simulated device."""
    try:
        build.find_gxx()
    except BuildError as error:
        pytest.skip(str(error))
    return open_simulator()


@pytest.fixture(scope="session")
def compiled(simulator):
    """A function: the program of a file of kernels/ in a flavour."""

    @cache
    def program(name, flavour="plain"):
        return simulator.compile(KERNELS / name, flavour)

    return program


@pytest.fixture(params=["forward", "reverse", "lockstep", "seeded"])
def order(request, simulator):
    """The test runs once in each order of threads."""
    with simulator.settings(order=request.param, seed=3):
        yield request.param
