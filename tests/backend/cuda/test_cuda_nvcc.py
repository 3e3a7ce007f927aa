"""Every kernel, of the tests and of ours, is CUDA to nvcc, for an old card and for a new one; ours, if slow tests run,
for those between them, too. Without nvcc this is skipped, and the summary says so."""

import shutil
import subprocess
from pathlib import Path

import pytest

from needle_edu.backend.paths import csrc_dir

KERNELS = Path(__file__).parent / "kernels"
STUDENT = KERNELS.parent / "student"
NVCC = shutil.which("nvcc")
CARDS = ("75", "100")  # one compilation for both: what they share is done once
BETWEEN = ("80", "86", "89", "90")


def compile_command(nvcc, source, out, cards=CARDS):
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


needs_nvcc = pytest.mark.skipif(
    NVCC is None, reason="nvcc is not on PATH: nobody has held these .cu files against CUDA itself"
)


@needs_nvcc
@pytest.mark.parametrize(
    "source",
    [
        *sorted((csrc_dir() / "cuda").glob("*.cu")),
        *(
            pytest.param(path, marks=pytest.mark.slow)
            for path in (
                *sorted(KERNELS.glob("*.cu")),
                # the others need pybind11
                *(STUDENT / f"{name}.cu" for name in ("styles", "rarer_forms", "groups_and_names")),
                *sorted((csrc_dir() / "cuda").glob("*/*.cu")),
            )
        ),
    ],
    ids=lambda path: path.name,
)
def test_nvcc_compiles_it(source, tmp_path):
    cards = ("80", "100") if source.parent.name == "tf32" else CARDS  # cards before that have no TF32
    command = compile_command(NVCC, source, tmp_path / "out.o", cards)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs_nvcc
@pytest.mark.slow
@pytest.mark.parametrize("source", sorted((csrc_dir() / "cuda").glob("*.cu")), ids=lambda path: path.name)
def test_nvcc_compiles_it_for_the_cards_between(source, tmp_path):
    command = compile_command(NVCC, source, tmp_path / "out.o", BETWEEN)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
