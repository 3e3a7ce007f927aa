"""The devices that the tests of this folder run on."""

import pytest

from .oracle import computing_on, places


def pytest_generate_tests(metafunc):
    if "device" in metafunc.fixturenames:
        metafunc.parametrize("device", places(), indirect=True)


@pytest.fixture
def device(request):
    """Each device and instruction set in turn."""
    with computing_on(request.param) as device:
        if request.node.get_closest_marker("shares_memory") and device.host_view is None:
            pytest.skip(f"{device!r} shares no memory with NumPy")
        yield device
