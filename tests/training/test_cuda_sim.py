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

# Adam divides a gradient by its own size: where that is nearly 0 its rounding decides the step. So what two orders of
# summation part by grows from step to step; cyclegan's third loss is 3e-5 apart between our instruction sets, too.
NEAR = (1e-5, 3e-5, 2e-4)


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
        for step, near in enumerate(NEAR):
            np.testing.assert_allclose(
                there[key][step], wanted[step], near, 1e-6, err_msg=f"{key}, step {step}"
            )
