"""Every kernel, of the tests and of ours, is CUDA to nvcc, for an old card and for a new one. Without nvcc this is
skipped, and the summary says so."""

import shutil
import subprocess
from pathlib import Path

import pytest

from needle_edu.backend.paths import csrc_dir

KERNELS = Path(__file__).parent / "kernels"
NVCC = shutil.which("nvcc")
OLD, NEW = "75", "100"
LIBRARY = sorted((csrc_dir() / "cuda").glob("*.cu"))
LADDERS = sorted((csrc_dir() / "cuda").glob("*/*.cu"))


def compile_command(nvcc, source, out, cards):
    """How a file is compiled for some cards, every warning an error; nobody runs the result."""
    return [
        nvcc,
        "-std=c++17",
        *(f"-gencode=arch=compute_{card},code=sm_{card}" for card in cards),
        "--extended-lambda",
        "-Werror",
        "all-warnings",
        *("-Xcicc", "-O0", "-Xptxas", "-O0"),  # a quarter of the time
        f"-I{csrc_dir() / 'include'}",
        "-c",
        str(source),
        "-o",
        str(out),
    ]


@pytest.mark.skipif(
    NVCC is None, reason="nvcc is not on PATH: nobody has held these .cu files against CUDA itself"
)
@pytest.mark.parametrize(
    ("source", "card"),
    [
        *((path, OLD) for path in LIBRARY),
        *(pytest.param(path, NEW, marks=pytest.mark.slow) for path in LIBRARY),
        *(
            pytest.param(path, card, marks=pytest.mark.slow)
            for path in (*sorted(KERNELS.glob("*.cu")), *LADDERS)
            for card in (OLD, NEW)
        ),
    ],
    ids=lambda part: getattr(part, "name", part),
)
def test_nvcc_compiles_it(source, card, tmp_path):
    if source.parent.name == "tf32" and card == OLD:
        card = "80"  # those before have no TF32
    command = compile_command(NVCC, source, tmp_path / "out.o", [card])
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
