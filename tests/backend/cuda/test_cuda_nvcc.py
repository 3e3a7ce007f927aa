"""Every kernel, of the tests and of ours, is CUDA to nvcc, for an old card and for a new one. Without nvcc this is
skipped, and the summary says so."""

import shutil
import subprocess
from pathlib import Path

import pytest

from needle_edu.backend.paths import csrc_dir

KERNELS = Path(__file__).parent / "kernels"
NVCC = shutil.which("nvcc")
CARDS = ("75", "100")  # one compilation for both: what they share is done once


@pytest.mark.skipif(
    NVCC is None, reason="nvcc is not on PATH: nobody has held these .cu files against CUDA itself"
)
@pytest.mark.parametrize(
    "source",
    [*sorted((csrc_dir() / "cuda").glob("*.cu")), *sorted(KERNELS.glob("*.cu"))],
    ids=lambda path: path.name,
)
def test_nvcc_compiles_it(source, tmp_path):
    flags = [
        "-std=c++17",
        *(f"-gencode=arch=compute_{card},code=sm_{card}" for card in CARDS),
        "--extended-lambda",
        "-Werror",
        "all-warnings",
        *("-Xcicc", "-O0", "-Xptxas", "-O0"),  # the code is thrown away
        f"-I{csrc_dir() / 'include'}",
    ]
    done = subprocess.run(
        [NVCC, *flags, "-c", str(source), "-o", str(tmp_path / "out.o")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
