"""NEEDLE_BACKEND=np: the same tests, on plain NumPy arrays, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.autograd.arrays import BACKEND

HERE = Path(__file__).parent


@pytest.mark.skipif(BACKEND == "np", reason="this is np mode already")
@pytest.mark.parametrize("every", [25, pytest.param(1, marks=pytest.mark.slow)])
def test_again_in_np_mode(every):
    """Every 25th test, or all of them."""
    command = [sys.executable, "-m", "pytest", "-q", str(HERE), "-m", "not slow", "-p", "no:xdist"]
    command += [f"--every={every}"]
    run = subprocess.run(
        command,
        env={**os.environ, "NEEDLE_BACKEND": "np"},
        cwd=HERE.parent.parent,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
