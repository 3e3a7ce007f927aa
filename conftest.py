"""For every test and doctest: the package is imported as a whole first, so that the doctests of one folder run alone
as well, and `--shuffle NUMBER` runs all tests in a random order, the same for the same number: no test may need what
another one left behind."""

import random

import pytest

import needle_edu  # noqa: F401


def pytest_addoption(parser):
    parser.addoption(
        "--shuffle", type=int, metavar="NUMBER", help="run the tests in the random order of this number"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    number = config.getoption("--shuffle")
    if number is not None:
        random.Random(number).shuffle(items)


def pytest_report_header(config):
    number = config.getoption("--shuffle")
    return None if number is None else f"random order: --shuffle {number} repeats it"
