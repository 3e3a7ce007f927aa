"""`needle-edu doctor`: what this machine has, and how to get what is missing.

Every line is found out by trying, not by guessing: the kernels are loaded, a matrix product is run on every
instruction set, a small graph is laid out. A line is "ok", "--" (absent, and something else does its work) or "!!"
(the course cannot run without it). Each absence comes with the command that ends it.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked for, how it stands, what was found, how to get it."""

    topic: str
    state: str
    found: str
    mend: str = ""

    def __str__(self) -> str:
        line = f"{self.state:2}  {self.topic:<14} {self.found}"
        return f"{line}\n{'':19}{self.mend}" if self.mend else line


OK, ABSENT, BAD = "ok", "--", "!!"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _python() -> Finding:
    text = f"{platform.python_version()} at {sys.executable}, on {platform.system()} {platform.machine()}"
    return Finding("Python", OK, text)


def _numpy() -> Finding:
    return Finding("NumPy", OK, f"{_version('numpy')}, cffi {_version('cffi')}")


def _compiler() -> Finding:
    from needle_edu.backend import build

    compiler = build.find_compiler()
    if compiler is None:
        return Finding(
            "compiler",
            ABSENT,
            "none found",
            "Debian, Ubuntu: sudo apt install gcc   macOS: xcode-select --install",
        )
    shown = subprocess.run([*compiler, "--version"], capture_output=True, text=True).stdout.split("\n")[0]
    return Finding("compiler", OK, shown or " ".join(compiler))


def _kernels() -> Finding:
    from needle_edu.backend import cpu, native

    if not cpu().native:
        return Finding("C kernels", ABSENT, "absent; NumPy does their work, slower", native.reason)
    return Finding("C kernels", OK, f"loaded, cffi {native.form} form, from {native.library_path}")


def _instruction_sets() -> Finding:
    from needle_edu import backend

    if not backend.cpu().native:
        return Finding("instructions", ABSENT, "NumPy's own")
    return Finding(
        "instructions",
        OK,
        f"{backend.get_isa()} in use; this processor has {', '.join(backend.available_isas())}",
    )


def _threads() -> Finding:
    from needle_edu import backend

    if not backend.cpu().native:
        return Finding("threads", ABSENT, "NumPy's own")
    if not backend.has_openmp():
        mend = "the compiler lacks OpenMP; on macOS: brew install libomp, or use gcc (CC=gcc-14)"
        return Finding("threads", ABSENT, "1: built without OpenMP", mend)
    return Finding(
        "threads", OK, f"{backend.get_num_threads()} of {os.cpu_count()} (NEEDLE_EDU_NUM_THREADS changes it)"
    )


def _cache() -> Finding:
    from needle_edu.backend import paths

    return Finding("cache", OK, f"compiled kernels are kept in {paths.cache_dir()}")


def _graphviz() -> Finding:
    from needle_edu.viz import render

    engines = render.available_engines()
    names = {"dot": "the system's dot", "wasm": "Graphviz in WebAssembly", "python": "our own layout"}
    mend = "" if len(engines) > 1 else "for Graphviz' layouts: pip install 'needle_edu[wasm]'"
    return Finding("graph layout", OK, ", then ".join(names[name] for name in engines), mend)


def _jupyter() -> Finding:
    lab = _version("jupyterlab")
    if lab is None:
        return Finding(
            "Jupyter", ABSENT, "JupyterLab is not installed", "python -m pip install 'needle_edu[lab]'"
        )
    widget = _version("anywidget")
    return Finding(
        "Jupyter",
        OK,
        f"JupyterLab {lab}, " + (f"anywidget {widget}" if widget else "no anywidget: step(live=True) is off"),
    )


def _gpu() -> Finding:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("GPU", ABSENT, "no NVIDIA driver; the course so far needs none")
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, timeout=20)
    return Finding(
        "GPU", OK if done.returncode == 0 else ABSENT, (done.stdout or done.stderr).strip().split("\n")[0]
    )


def _toolkit() -> Finding:
    program = shutil.which("nvcc")
    if program is None:
        return Finding("CUDA toolkit", ABSENT, "no nvcc; the course so far needs none")
    lines = (
        subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20)
        .stdout.strip()
        .split("\n")
    )
    return Finding("CUDA toolkit", OK, next((line.strip() for line in lines if "release" in line), program))


CHECKS: tuple[Callable[[], Finding], ...] = (
    _python, _numpy, _compiler, _kernels, _instruction_sets, _threads, _cache, _graphviz, _jupyter, _gpu, _toolkit,
)  # fmt: skip


def findings() -> Iterator[Finding]:
    """Every finding, in order; a check that breaks becomes a finding itself, never a traceback."""
    for check in CHECKS:
        try:
            yield check()
        except Exception as error:
            yield Finding(check.__name__.strip("_"), BAD, f"{type(error).__name__}: {error}")


def report() -> None:
    """Print the findings (this is what the start page of the course shows)."""
    for finding in findings():
        print(finding)


def main() -> int:
    """Print the findings; 1 if the course cannot run here, else 0."""
    seen = list(findings())
    for finding in seen:
        print(finding)
    return int(any(finding.state == BAD for finding in seen))
