"""Every application makes its first steps on `cuda_sim()`, our CUDA kernels without a graphics card, and loses there
what it loses on the processor."""

import importlib.util

import numpy as np
import pytest

from needle_edu import nn, training
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import cpu, cuda_sim

pytestmark = [
    pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays have no device"),
    pytest.mark.skipif(not cuda_sim().enabled(), reason=cuda_sim().reason),
]


def first_steps(name, device, folder):
    """Return what was measured in three steps, a number a step for each name."""
    result = training.run(name, small=True, steps=3, progress=False, device=device, out=folder)
    learnt = [
        p for one in vars(result.application).values() if isinstance(one, nn.Module) for p in one.parameters()
    ]
    assert learnt and all(parameter.device is device for parameter in learnt)
    return result.history.steps


@pytest.mark.parametrize("name", training.APPLICATIONS)
def test_an_application_takes_the_same_steps_there(name, tmp_path):
    if name == "dqn" and not importlib.util.find_spec("gymnasium"):
        pytest.skip("gymnasium is not installed: pip install 'needle_edu[rl]'")
    there, here = (first_steps(name, device, tmp_path / device.name) for device in (cuda_sim(), cpu()))
    assert there.keys() == here.keys()
    for key, wanted in here.items():
        np.testing.assert_allclose(there[key], wanted, rtol=1e-4, atol=1e-5, err_msg=key)
