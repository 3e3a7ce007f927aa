"""What pyproject.toml cannot say: the wheel carries csrc/ and notebooks/, and the C kernels when a compiler is there.

`pip install .` compiles the kernels into the wheel. Without a compiler, or when compiling fails, the wheel is
pure Python: needle_edu then runs on its NumPy reference and says so once.

Homework goes into the wheel as students get it, without solutions and hidden tests. The source distribution is the
sources, and has them.
"""

import importlib
import os
import shutil
import sys
import types
from pathlib import Path

from setuptools import Distribution, find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel

ROOT = Path(__file__).parent
DATA = {"needle_edu.csrc": "csrc", "needle_edu.notebooks": "notebooks"}
SKIP = ("__pycache__", ".", "my-")  # beginnings of names; somebody's own work is kept in notebooks/my-*


def data_files(folder: str) -> list[str]:
    """All files below `folder`, relative to it; of a homework only `homework_files`."""
    top = ROOT / folder
    found = (p.relative_to(top) for p in sorted(top.rglob("*")) if p.is_file())
    found = (p for p in found if not any(part.startswith(SKIP) for part in p.parts))
    return [
        p.as_posix()
        for p in found
        if p.parts[0] != "homework" or p.name in ("README.md", *homework_files(p.parts[1]))
    ]


def homework_files(name: str) -> list[str]:
    """What belongs to a homework: its notebook, and what may lie beside it (needle_edu/course/homework_files.py)."""
    return [f"{name}.ipynb", f"{name}_adapters.py", f"{name}.toml"]


def release_homeworks(target: Path) -> None:
    """Write the students' copies of the homeworks below `target`, over the sources that were copied there."""
    # Without the packages' own __init__: they would need NumPy, which may be missing.
    names = {"needle_edu": "", "needle_edu.backend": "backend", "needle_edu.course": "course"}
    for name, folder in names.items():
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [str(ROOT / "needle_edu" / folder)]
    try:
        notebook = importlib.import_module("needle_edu.course.notebook")
        student = importlib.import_module("needle_edu.course.student")
        for source in sorted((ROOT / "notebooks" / "homework").glob("*/*.ipynb")):
            copy = target / source.parent.name / source.name
            if copy.exists():
                copy.write_text(
                    student.to_text(student.student_version(notebook.read_tree(source))), encoding="utf-8"
                )
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "needle_edu"]:
            del sys.modules[name]


def wants_kernels() -> bool:
    """Whether this machine can compile the kernels and nobody asked to leave them out."""
    compilers = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
    found = any(shutil.which(name.split()[0]) for name in compilers if name.strip())
    return found and os.environ.get("NEEDLE_EDU_NATIVE") != "0"


class BuildWithKernels(build_py):
    """Copy the package without the homeworks' solutions, then compile the kernels next to it (never fatal)."""

    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return  # a checkout is the sources, and compiles on first use, into the cache
        release_homeworks(Path(self.build_lib) / "needle_edu" / "notebooks" / "homework")
        if not wants_kernels():
            return
        # The builder alone, under another name: importing needle_edu would need NumPy, which may be missing.
        builder = types.ModuleType("needle_edu_builder")
        builder.__path__ = [str(ROOT / "needle_edu" / "backend")]
        sys.modules[builder.__name__] = builder
        try:
            cpu_library = importlib.import_module("needle_edu_builder.build.cpu_library")
            cpu_library.prebuild(Path(self.build_lib) / "needle_edu" / "backend" / "_lib")
        except Exception as error:  # a missing or failing compiler must not fail the installation
            print(f"needle_edu: the C kernels were not compiled ({error}); the NumPy reference will be used.")


class PlainEditable(editable_wheel):
    """`pip install -e .` puts the checkout's path into a .pth file.

    Setuptools would install an import hook instead, since csrc/ and notebooks/ stand beside the package; type checkers
    read paths, but know nothing of hooks.
    """

    def finalize_options(self):
        self.mode = self.mode or "compat"
        super().finalize_options()


class KernelDistribution(Distribution):
    """Tags the wheel for this platform when a compiler will put kernels into it."""

    def has_ext_modules(self):
        return wants_kernels()


setup(
    packages=find_packages(include=["needle_edu", "needle_edu.*"]) + list(DATA),
    package_dir=DATA,
    include_package_data=False,  # what goes in is named here; MANIFEST.in speaks of the source distribution
    package_data={
        **{package: data_files(folder) for package, folder in DATA.items()},
        "needle_edu": [
            "py.typed",
            "**/*.pyi",
            "**/*.js",
            "**/*.css",
            "**/*.json",
            "**/*.npz",
            "**/*.gz",
            "**/*.md",
            "**/*.html",
        ],
    },
    cmdclass={"build_py": BuildWithKernels, "editable_wheel": PlainEditable},
    distclass=KernelDistribution,
)
