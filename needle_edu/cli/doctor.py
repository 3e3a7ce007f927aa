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
    """How one thing stands: its state, what was found, and how to get what is missing."""

    state: str
    found: str
    mend: str = ""

    def line(self, topic: str) -> str:
        """This finding as the report shows it."""
        shown = [f"{self.state:2}  {topic:<14} {self.found}", *self.mend.splitlines()[:8]]
        return f"\n{'':19}".join(shown)


OK, ABSENT, BAD = "ok", "--", "!!"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _python() -> Finding:
    return Finding(
        OK, f"{platform.python_version()} at {sys.executable}, on {platform.system()} {platform.machine()}"
    )


def _numpy() -> Finding:
    return Finding(OK, f"{_version('numpy')}, cffi {_version('cffi')}")


def _compiler() -> Finding:
    from needle_edu.backend import BuildError
    from needle_edu.backend.build import builder

    try:
        compiler = builder.find_compiler()
    except BuildError as error:
        return Finding(ABSENT, str(error))
    chosen = os.environ.get("CC", "").strip()
    if compiler is None and chosen:
        return Finding(ABSENT, f"{chosen!r}, named by $CC, was not found", "unset CC or correct it")
    if compiler is None:
        return Finding(ABSENT, "none found", builder.HOW_TO_GET_A_COMPILER)
    return Finding(OK, _first_line([*compiler, "--version"]) or " ".join(compiler))


def _kernels() -> Finding:
    from needle_edu.backend import cpu, native

    if not cpu().native:
        return Finding(ABSENT, "absent; NumPy does their work, slower", native.reason)
    return Finding(OK, f"loaded, cffi {native.form} form, from {native.library_path}", native.reason)


def _instruction_sets() -> Finding:
    from needle_edu import backend

    if not _native():
        return Finding(ABSENT, "NumPy's own")
    chosen = backend.get_isa()
    try:
        for isa in backend.available_isas():
            backend.set_isa(isa)
            _multiply()
    finally:
        backend.set_isa(chosen)
    return Finding(OK, f"{chosen} in use; tried here: {', '.join(backend.available_isas())}")


def _native() -> bool:
    """Whether C kernels run; if they cannot even be asked, the line about them says why."""
    from needle_edu import backend

    try:
        return backend.cpu().native
    except Exception:
        return False


def _multiply() -> None:
    """Multiply two matrices with the instruction set in use and compare with NumPy."""
    import numpy as np

    from needle_edu import ndarray as nd

    a = np.arange(35 * 19, dtype=np.float32).reshape(35, 19) % 7
    if not np.array_equal(nd.matmul(nd.array(a), nd.array(a.T)).numpy(), a @ a.T):
        raise ArithmeticError("a matrix product came out wrong; please report this")


def _threads() -> Finding:
    from needle_edu import backend

    if not _native():
        return Finding(ABSENT, "NumPy's own")
    return Finding(OK, f"{backend.get_num_threads()} of {os.cpu_count()} (NEEDLE_EDU_NUM_THREADS changes it)")


def _denormals() -> Finding:
    import numpy as np

    if np.float32(1e-45) * np.float32(1) != 0:
        return Finding(OK, "numbers below 1.2e-38 are kept, as the standard wants it")
    return Finding(
        ABSENT,
        "this process takes numbers below 1.2e-38 for 0, and so do the results",
        "torch.set_flush_denormal(True) does that, or a library linked with -Ofast or -ffast-math",
    )


def _cache() -> Finding:
    from needle_edu.backend import paths

    try:
        return Finding(OK, f"compiled kernels are kept in {paths.cache_dir()}")
    except OSError as error:
        return Finding(ABSENT, f"no folder to write to ({error})", "name one: NEEDLE_EDU_CACHE=/some/folder")


def _jupyter() -> Finding:
    lab, widget = _version("jupyterlab"), _version("anywidget")
    if lab is None:
        return Finding(ABSENT, "JupyterLab is not installed", "python -m pip install 'needle_edu[lab]'")
    live = f"anywidget {widget}" if widget else "no anywidget: step(live=True) is off"
    return Finding(OK, f"JupyterLab {lab}, {live}")


def _grading() -> Finding:
    from needle_edu.course.grading import bubblewrap, sandbox

    if trouble := sandbox.trouble():
        return Finding(ABSENT, "no sandbox, so `grade` refuses; checking one's own work needs none", trouble)
    version = ".".join(map(str, bubblewrap.version()))
    return Finding(OK, f"in a sandbox of bubblewrap {version}, tried with a line of Python")


def _gpu() -> Finding:
    from needle_edu.backend import cuda
    from needle_edu.backend.nvidia.cards import driver

    reason = cuda().reason
    if os.environ.get("NEEDLE_EDU_CUDA") == "sim" and not reason:
        return Finding(OK, "cuda() is the simulator, as NEEDLE_EDU_CUDA=sim wants it")
    if not driver().version:
        return Finding(ABSENT, "no NVIDIA driver; cuda_sim() runs the same kernels without a card")
    cards = ", ".join(card.name for card in driver().cards) or "none"
    return Finding(ABSENT, cards, reason) if reason else Finding(OK, f"{cards}; cuda() computes there")


def _toolkit() -> Finding:
    from needle_edu.backend.nvidia.nvcc import find_nvcc

    compiler = find_nvcc()
    if compiler is None:
        return Finding(ABSENT, "no nvcc; only a card needs it")
    if compiler.version == (0, 0):
        return Finding(ABSENT, f"{compiler.command} does not run, or says no release")
    return Finding(OK, "nvcc {}.{}, {}".format(*compiler.version, compiler.command))


def _simulator() -> Finding:
    from needle_edu.backend import BuildError, cuda_sim
    from needle_edu.backend.cudasim import build

    try:
        compiler = build.find_gxx()
    except BuildError as error:
        return Finding(ABSENT, "no CUDA without a card", str(error))
    if not cuda_sim().enabled():
        return Finding(ABSENT, "no CUDA without a card", cuda_sim().reason)
    missing = [name for name in ("addr2line", "objdump") if not shutil.which(name)]
    if missing:
        text = f"without {' and '.join(missing)} reports lack lines, or flops"
        return Finding(ABSENT, text, build.HOW_TO_GET_GXX)
    return Finding(OK, f"CUDA without a card, by {_first_line([*compiler, '--version'])}, and the binutils")


def _modules() -> Finding:
    import sysconfig

    lacking = [] if _version("pybind11") else ["pybind11: python -m pip install 'needle_edu[modules]'"]
    if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
        lacking.append("Python.h: Debian, Ubuntu: sudo apt install python3-dev")
    if lacking:
        return Finding(ABSENT, "no Python modules in CUDA of your own", "\n".join(lacking))
    return Finding(
        OK, f"pybind11 {_version('pybind11')} and Python.h, for Python modules in CUDA of your own"
    )


def _first_line(command: list[str], word: str = "") -> str:
    """The first line with `word` that a program prints; empty if it fails or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    return next((line.strip() for line in lines if word in line), "")


CHECKS: dict[str, Callable[[], Finding]] = {
    "Python": _python,
    "NumPy": _numpy,
    "compiler": _compiler,
    "C kernels": _kernels,
    "instructions": _instruction_sets,
    "threads": _threads,
    "denormals": _denormals,
    "cache": _cache,
    "Jupyter": _jupyter,
    "grading": _grading,
    "GPU": _gpu,
    "CUDA toolkit": _toolkit,
    "simulator": _simulator,
    "CUDA modules": _modules,
}


def findings() -> Iterator[tuple[str, Finding]]:
    """Every topic with its finding, in order; a check that breaks becomes a finding itself, never a traceback."""
    for topic, check in CHECKS.items():
        try:
            yield topic, check()
        except Exception as error:
            yield topic, Finding(BAD, f"{type(error).__name__}: {error}")


def main() -> int:
    """Print the findings; return 1 if the course cannot run here, else 0."""
    bad = False
    for topic, finding in findings():
        print(finding.line(topic))
        bad |= finding.state == BAD
    return int(bad)


def report() -> None:
    """Print the findings and return nothing, so that the last line of a notebook cell shows them alone."""
    main()
