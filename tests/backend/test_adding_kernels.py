"""The steps of docs/kernels.md, "Adding a kernel", done with a copy of csrc: what they add is built and computes.

The text is the program: each numbered step names a file and shows what goes into it, and nothing else is written here.
So the steps stay complete, and a new kernel costs no more files than they say.
"""

import importlib.util
import platform
import re
import shutil
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from needle_edu.backend import BuildError, paths
from needle_edu.backend.build import builder, cpu_library, declarations
from needle_edu.backend.cpu_runtime import CpuRuntime
from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.errors import EDTYPE
from needle_edu.backend.reference import ReferenceRuntime
from needle_edu.backend.reference.plan import KERNELS

ROOT = Path(__file__).parents[2]
STEP = re.compile(r"^\d\. `([\w./]+)`.*?\n   ```\w+\n(.*?)\n   ```$", re.MULTILINE | re.DOTALL)
# Where a line goes in a file that is there: before the last of these.
BEFORE = {
    "needle_kernels.h": "#endif\n",
    "families.h": "  X(unary, ROWS",
    "elementwise_kernels.h": "  X(binary, TWO, add",
    "binary.c": "ROW_TABLE(",
}


def steps() -> list[tuple[str, str]]:
    """Return (file, text) for each step, of the elementwise kernel and of the family."""
    chapter = (ROOT / "docs" / "kernels.md").read_text().partition("## Adding a kernel")[2]
    return [
        (file, textwrap.dedent(text.replace("\n   ", "\n")[3:]) + "\n")
        for file, text in STEP.findall(chapter)
    ]


def add_to(file: Path, text: str) -> None:
    if file.exists():
        head, line, tail = file.read_text().rpartition(BEFORE[file.name])
        assert line, f"{file.name} has no line {BEFORE[file.name]!r} any more"
        text = f"{head}{text}{line}{tail}"
    file.write_text(text)


@pytest.fixture(scope="module")
def runtimes(tmp_path_factory):
    """The C library with both kernels, and the reference with them."""
    folder = tmp_path_factory.mktemp("adding")
    csrc = folder / "csrc"
    shutil.copytree(paths.csrc_dir(), csrc)
    for file, text in steps():
        if file.startswith("csrc/"):
            add_to(folder / file, text)
    before = dict(KERNELS)
    try:
        library = builder.shared_library(
            "libneedle_adding",
            cpu_library.cpu_sources(csrc, platform.machine()),
            include=(csrc / "include", csrc / "cpu"),
            flags=("-O1", *builder.FLAGS[1:], '-DND_API=__attribute__((visibility("default")))'),
            folder=folder,
        )
    except BuildError as error:
        if builder.find_compiler() is None:
            pytest.skip(f"the steps end in a build: {error}")
        raise
    import cffi

    ffi = cffi.FFI()
    ffi.cdef(declarations.for_cffi((csrc / "include" / "needle_kernels.h").read_text()))
    for number, (file, text) in enumerate(steps()):
        if file.startswith("needle_edu/"):
            run_in_reference(folder / f"step_{number}.py", file, text)
    yield CpuRuntime(ffi, ffi.dlopen(str(library))), ReferenceRuntime()
    KERNELS.clear()
    KERNELS.update(before)


def run_in_reference(copy: Path, file: str, text: str) -> None:
    """Run what a step adds to the reference as the module that it belongs to, or is."""
    copy.write_text(text)
    name = file.removesuffix(".py").replace("/", ".")
    if name in sys.modules:
        exec(compile(text, copy, "exec"), vars(sys.modules[name]))
        return
    spec = importlib.util.spec_from_file_location(name, copy)
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_the_steps_are_those_of_the_table():
    """Five files of C for a family, three for an elementwise kernel: as docs/kernels.md counts them."""
    files = [file for file, _ in steps()]
    elementwise, family = files[:4], files[4:]
    assert [sum(file.startswith("csrc/") for file in part) for part in (elementwise, family)] == [3, 5], files
    assert all((ROOT / file).is_file() for file in elementwise)
    assert [file for file in family if (ROOT / file).is_file()] == [
        "csrc/include/needle_kernels.h",
        "csrc/cpu/families.h",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name, inputs", [("hypot", 2), ("hypot3", 3)])
def test_an_added_kernel_computes_in_every_instruction_set(runtimes, rng, name, inputs):
    c, reference = runtimes
    assert "base" in c.available_isas()
    # Rows of 37 with gaps, one reversed, one broadcast along the rows.
    layouts = [(0, (40, 1)), (36, (37, -1)), (1, (37, 1)), (2, (0, 3))][: inputs + 1]
    for code in (0, 1):
        memories = [rng.standard_normal(5 * 120).astype(DTYPES[code]) for _ in layouts]
        offsets, strides = zip(*layouts, strict=True)
        rows = np.arange(5)[:, None], np.arange(37)
        places = [offset + rows[0] * s[0] + rows[1] * s[1] for offset, s in layouts]
        squares = sum(
            memory[place].astype("f8") ** 2 for memory, place in zip(memories[1:], places[1:], strict=True)
        )
        wanted = memories[0].copy()
        wanted[places[0]] = np.sqrt(squares)
        for runtime in (c, reference):
            for isa in runtime.available_isas():
                runtime.set_isa(isa)
                copies = [memory.copy() for memory in memories]
                plan = runtime.lower(2, [code] * len(layouts), (5, 37), offsets, strides)
                kernel = getattr(c.lib, f"nd_{name}") if runtime is c else KERNELS[name]
                assert kernel(plan, *(runtime.adopt(memory).ptr for memory in copies)) == 0
                np.testing.assert_allclose(copies[0], wanted, rtol=1e-6, err_msg=f"{name} {isa} {code}")
    integers = c.lower(2, [2] * len(layouts), (5, 37), offsets, strides)
    pointers = [c.adopt(memory).ptr for memory in memories]
    assert getattr(c.lib, f"nd_{name}")(integers, *pointers) == EDTYPE
