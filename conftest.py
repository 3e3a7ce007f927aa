"""For every test and doctest: the package is imported as a whole first, so that the doctests of one folder run alone
as well, and its kernels are compiled, so that no test waits for that under a time limit of its own. `--shuffle NUMBER`
runs the tests in a random order, the same for the same number: none may need what another one left behind.
"""

import random

import pytest

import needle_edu


def pytest_addoption(parser):
    parser.addoption(
        "--shuffle", type=int, metavar="NUMBER", help="run the tests in the random order of this number"
    )


def pytest_sessionstart(session):
    if not hasattr(session.config, "workerinput"):  # once, before pytest-xdist starts its workers
        needle_edu.cpu().kernels  # noqa: B018


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    number = config.getoption("--shuffle")
    if number is not None:
        random.Random(number).shuffle(items)


def pytest_report_header(config):
    number = config.getoption("--shuffle")
    return None if number is None else f"random order: --shuffle {number} repeats it"
