"""Hypothesis for this folder: few examples, the same at each run; NEEDLE_EDU_EXAMPLES=1000 looks longer."""

import os

import pytest
from hypothesis import settings

from .oracle import computing_on, places

EXAMPLES = int(os.environ.get("NEEDLE_EDU_EXAMPLES", "60"))
settings.register_profile("ndarray", derandomize=True, deadline=None, database=None, max_examples=EXAMPLES)
settings.load_profile("ndarray")


@pytest.fixture(params=places())
def device(request):
    """Each device and instruction set in turn."""
    with computing_on(request.param) as device:
        yield device
