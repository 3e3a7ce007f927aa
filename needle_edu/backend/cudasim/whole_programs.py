"""A whole CUDA program, a ``.cu`` file with a `main`, on the simulator: compiled as it is, run in a process of its own.

    library = build_program("vectorAdd.cu", "check")
    ending = run_program(library, ["1000"], timeout=60)
    print(ending.status, read_report(ending.facts, {}))

So the program may call `exit`, crash or never end, and Python goes on. What kernels and host print goes to the standard
output; what the checker or the profiler found comes back in a file (csrc/cudasim/inside/program.cpp).
"""

import contextlib
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import arguments
from ..errors import BuildError
from .build import kernel_library, runtime_library
from .flavours import FLAVOURS
from .modules import module_name, read_source
from .simulator import ORDERS, check_settings
from .source_functions import open_braces
from .source_text import closing, line_of, mask, split_commas

_MAIN = re.compile(r"\bmain\s*\(")
_BODY = re.compile(r"\s*(?:noexcept\s*)?(?:->\s*int\s*)?(?:try\s*)?\{")
_RESULT = re.compile(r"\b(?:int|auto)\s*\Z")
_ARGV = re.compile(r"(?:const\s+)?char\s*(?:const\s*)?(?:\*\s*(?:const\s*)?){1,2}\w*\s*(?:\[\s*\])?\Z")
TIMED_OUT = 124  # as the command `timeout` has it


class Ending(NamedTuple):
    """How a program ended.

    ``status`` is its exit status; 128 and the signal's number, if a signal ended it; 124 if its time was up.
    ``sentence`` says which of the two it was, ``error`` which error the device ended with; both may be empty.
    ``facts`` is what `read_report` or `read_profile` takes, None without any.
    """

    status: int
    sentence: str
    error: str
    facts: dict[str, Any] | None


def kind_of(path: Path) -> str:
    """Return what a ``.cu`` file is: "module" or "program".

    Raises
    ------
    BuildError
        It is neither, or its `main` is not one of C++'s two.
    OSError
        It cannot be read.
    """
    text = path.read_text(encoding="utf-8", errors="replace")
    if module_name(text) is not None:
        return "module"
    if has_main(text, str(path)):
        return "program"
    raise BuildError(
        f"{path} defines neither main() nor a module; wanted int main(int argc, char **argv), or "
        "PYBIND11_MODULE(ndarray_backend_cuda, m). Kernels alone run in a notebook's cell that begins with %%cuda"
    )


def has_main(text: str, name: str = "cell.cu") -> bool:
    """Return whether a CUDA source defines the function `main`.

    Raises
    ------
    BuildError
        It does, and takes or returns something else than C++ wants.

    Examples
    --------
    >>> has_main("int main(int argc, char *argv[]) { return 0; }"), has_main("int main(void); // {}")
    (True, False)
    >>> has_main("void main() { }", "a.cu")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.BuildError: a.cu:1: void main(); wanted int main() or int main(int argc, char **argv)
    """
    masked = mask(text)
    for found in _MAIN.finditer(masked):
        close = closing(masked, found.end() - 1)
        if close < 0 or not _BODY.match(masked, close + 1) or not _is_global(masked, found.start()):
            continue
        head = masked[: found.start()]
        begin = max(head.rfind(char) for char in ";{}") + 1
        parameters = " ".join(masked[found.end() : close].split())
        if not _RESULT.search(head[begin:]) or not _is_of_main(parameters):
            result = " ".join(head[begin:].rpartition("\n")[2].split())
            raise BuildError(
                f"{name}:{line_of(text, found.start())}: {f'{result} main({parameters})'.lstrip()}; "
                "wanted int main() or int main(int argc, char **argv)"
            )
        return True
    return False


def _is_global(masked: str, at: int) -> bool:
    """Whether no braces are open at a place but those of ``extern "C"``."""
    return all(masked[:brace].rstrip().endswith("extern") for brace in open_braces(masked, at))


def _is_of_main(parameters: str) -> bool:
    """Whether these are none, or a number and one or two arrays of words: ``argc``, ``argv`` and the environment."""
    if parameters in ("", "void"):
        return True
    count, *words = (part.strip() for part in split_commas(parameters, parameters))
    fits = re.fullmatch(r"(?:const\s+)?int(?:\s+const)?(?:\s+\w+)?", count) and len(words) in (1, 2)
    return bool(fits) and all(_ARGV.match(word) and word.count("*") + word.count("[") == 2 for word in words)


def build_program(path: Path | str, flavour: str = "plain") -> Path:
    """Compile a ``.cu`` file that has a `main` for the simulator, and return the library's path.

    Parameters
    ----------
    path : Path
    flavour : {"plain", "check", "profile"}

    Raises
    ------
    BuildError
        g++ is missing, the file cannot be read or defines no `main`, or g++ refused it.
    ValueError
        There is no such flavour.
    """
    text = read_source("build_program", path, flavour)
    path = Path(path)
    if not has_main(text, str(path)):
        raise BuildError(f"build_program: {path} defines no main(); wanted int main(int argc, char **argv)")
    chosen = FLAVOURS[flavour]
    return kernel_library(
        [path],
        chosen._replace(inside=(*chosen.inside, "program.cpp")),
        runtime_library(),
        flags=("-DCUDASIM_PROGRAM", "-pthread"),
    )


def run_program(
    library: Path,
    words: Sequence[str] = (),
    *,
    name: str = "program",
    order: str | None = None,
    seed: int = 0,
    timeout: float = 60,
) -> Ending:
    """Run a program in a process of its own, whose input and output are those of this one.

    Parameters
    ----------
    library : Path
        What `build_program` returned.
    words : sequence of str
        What `main` finds in ``argv`` from ``argv[1]`` on.
    name : str
        What it finds in ``argv[0]``.
    order : {"forward", "reverse", "lockstep", "seeded"}, optional
        In which order the threads of a block run; ``seed`` is that of the order "seeded".
    timeout : float
        Seconds after which the process is ended; 0 for no limit.
    """
    check_settings("run_program", order, seed, timeout)
    arguments.text("run_program", name=name)
    child = Path(__file__).with_name("program_process.py")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        number = ORDERS.index(order or "forward")
        command = [sys.executable, "-I", child, library, report, number, seed, name, *words]
        sys.stdout.flush()
        with subprocess.Popen([*map(str, command)]) as process:
            late = _wait(process, timeout)
        error, facts = _read(report)
    if late:
        sentence = (
            f"it had not ended after {timeout:g} s, and was stopped; does a loop of its host code never end?"
        )
        return Ending(TIMED_OUT, sentence, error, facts)
    if process.returncode < 0:
        ended_by = -process.returncode
        sentence = f"signal {ended_by} ended it: {signal.strsignal(ended_by)}"
        if ended_by == signal.SIGPIPE:  # who read its output, such as `head`, has seen enough
            sentence = ""
        return Ending(128 + ended_by, sentence, error, facts)
    return Ending(process.returncode, "", error, facts)


def _wait(process: subprocess.Popen, timeout: float) -> bool:
    """Wait for the end; returns whether it had to be brought about. The process is gone afterwards."""
    try:
        process.wait(timeout or None)
        return False
    except subprocess.TimeoutExpired:
        process.terminate()  # it writes its report
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        return True
    finally:
        process.kill()  # nothing, if it has ended
        process.wait()


def _read(report: Path) -> tuple[str, dict[str, Any] | None]:
    """The error that the device ended with, and what was found; nothing of a report that is not whole."""
    try:
        error, _, data = report.read_text(encoding="utf-8", errors="replace").partition("\n")
        return error, json.loads(data) if data else None
    except (OSError, ValueError):
        return "", None
