"""Every op and its gradients on `cuda_sim()`: our CUDA kernels on the simulator give what the C kernels give, but for
the last bits, since sums are made in another order there."""

import numpy as np
import pytest
from autograd_helpers import cases
from test_hidden_device import forward_and_gradients

from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import cpu, cuda_sim

ALL = cases()
pytestmark = [
    pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays have no device"),
    pytest.mark.skipif(not cuda_sim().enabled(), reason=cuda_sim().reason),
]


@pytest.mark.parametrize(("cls", "attrs", "inputs"), [c[1:] for c in ALL], ids=[c[0] for c in ALL])
def test_an_op_and_its_gradients_on_the_simulator(cls, attrs, inputs):
    there, here = (forward_and_gradients(device, cls, attrs, inputs) for device in (cuda_sim(), cpu()))
    assert len(there) == len(here) > 0
    for a, b in zip(there, here, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
