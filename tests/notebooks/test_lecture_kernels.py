"""The CUDA of the lectures is CUDA: nvcc takes every cell, without a warning, mistakes that it cannot see included."""

import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

LECTURES = Path(__file__).parents[2] / "notebooks" / "lectures"
MAGIC = re.compile(r"^%%cuda\b.*\n")


def cells_of_cuda(file: Path) -> list[str]:
    """The CUDA cells of a notebook, without the magic's line."""
    cells = nbformat.read(file, as_version=4).cells
    return [MAGIC.sub("", cell.source) for cell in cells if MAGIC.match(cell.source)]


WITH_CUDA = [file for file in sorted(LECTURES.glob("*.ipynb")) if cells_of_cuda(file)]


def test_there_are_such_lectures():
    assert [file.name[:2] for file in WITH_CUDA][:2] == ["09", "10"]


@pytest.mark.skipif(
    not shutil.which("nvcc"), reason="nvcc is not on PATH: nobody has held these cells against CUDA itself"
)
@pytest.mark.parametrize("file", WITH_CUDA, ids=lambda file: file.stem)
def test_nvcc_compiles_every_cell(file, tmp_path):
    source = tmp_path / "cells.cu"
    parts = [f"namespace cell_{i} {{\n{text}\n}}\n" for i, text in enumerate(cells_of_cuda(file))]
    source.write_text("#include <cstdio>\n" + "".join(parts))
    flags = [
        "-std=c++17",
        "-arch=sm_75",
        "-Werror",
        "all-warnings",
        "-c",
        str(source),
        "-o",
        str(tmp_path / "cells.o"),
    ]
    done = subprocess.run(["nvcc", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
