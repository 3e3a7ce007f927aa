"""The devices that the tests of this folder run on."""

import pytest

from .oracle import computing_on, places


@pytest.fixture(params=places())
def device(request):
    """Each device and instruction set in turn."""
    with computing_on(request.param) as device:
        yield device
