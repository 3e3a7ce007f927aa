"""Lets the tests of this folder import autograd_helpers.py, and leaves no mode switched on behind a test."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
collect_ignore = [] if find_spec("torch") else ["comparisons.py", "counterparts.py"]  # both import it


@pytest.fixture(autouse=True)
def modes_as_before():
    from needle_edu.autograd import state

    yield
    assert state.hook is None, "a test left an event hook behind"
    assert state.LAZY_MODE is False, "a test left lazy mode on"
    assert state.grad_enabled() and not state.threads_without_grad, "a test left recording off"
