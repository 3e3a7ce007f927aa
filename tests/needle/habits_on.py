"""A plugin for pytest: every test runs with all habits of the name `needle`, see docs/needle.md.

`make habits` runs the op suite so: `python -m pytest -p tests.needle.habits_on tests/autograd/test_ops.py`. The habits
come after the test files are read, for those are written in our own.
"""

from needle_edu.aliasing import set_habits


def pytest_collection_finish(session):
    set_habits(True)


def pytest_unconfigure(config):
    set_habits(False)
