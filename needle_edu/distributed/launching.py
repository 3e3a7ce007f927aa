"""Several processes from one call, in a notebook as well: `launch(function, processes=2)`.

mpiexec starts the processes. Each reads the function from a file, calls it with its communicator, and writes down what
it returns. The function may stand in a cell: cloudpickle writes such functions with their code, not only their name.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import math
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from ..backend.arguments import real, whole
from ..backend.errors import DistributedError
from ..backend.extras import needed
from .environment import INSTALL, LAUNCHER, OUTPUT, launched

OF_MPIEXEC = re.compile(r"\[\d+\]\d+:Return code = ")  # what gforker says of each process that has failed


def launch(
    function: Callable[..., Any] | str | os.PathLike,
    processes: int = 2,
    *arguments: Any,
    timeout: float = 60.0,
    time_limit: float | None = None,
    threads: int = 1,
    show: bool = True,
) -> list[Any]:
    """Call a function in several processes, or run a script in them.

    Parameters
    ----------
    function : callable, or path of a script
        Called as ``function(communicator, *arguments)`` in each process, with what `init()` returns there. It may be
        defined in a notebook.
    processes : int
    *arguments
        The same for all; of a script, the words of its command line.
    timeout : float
        After how many seconds of waiting for the others a process gives up.
    time_limit : float, optional
        Seconds after which everything is ended.
    threads : int
        Threads of the kernels, in each process.
    show : bool
        Whether what the processes print is printed here.

    Returns
    -------
    list
        What the function returned, rank by rank; of a script, its exit statuses, which are 0.

    Raises
    ------
    DistributedError
        If a process fails or dies, with what it said.
    ImportError
        If there is no mpiexec, mpi4py or cloudpickle.

    Examples
    --------
    >>> def whoami(comm):
    ...     return f"{comm.rank} of {comm.size}"
    >>> launch(whoami, processes=2, time_limit=60)   # doctest: +SKIP
    ['0 of 2', '1 of 2']
    """
    whole("launch", processes=processes, threads=threads)
    real("launch", 0, timeout=timeout)
    if time_limit is not None:
        real("launch", 0, time_limit=time_limit)
    if launched():
        raise DistributedError(
            "launch: this process was launched itself; call launch from the program's beginning"
        )
    command = [*mpiexec(), "-n", str(processes), sys.executable]
    environment = os.environ | {
        "NEEDLE_EDU_NUM_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "NEEDLE_EDU_DISTRIBUTED_TIMEOUT": repr(float(timeout)),
        "PYTHONUNBUFFERED": "1",
    }
    if isinstance(function, (str, os.PathLike)):
        if not Path(function).is_file():
            raise FileNotFoundError(f"launch: there is no script {os.fspath(function)!r}")
        status, said = _run(
            [*command, os.fspath(function), *map(str, arguments)], environment, time_limit, show
        )
        if status:
            raise DistributedError(f"launch: {_last_line(said) or f'mpiexec ended with status {status}'}")
        return [0] * processes
    if not callable(function):
        raise TypeError(
            f"launch: wanted a function of a communicator, or a script's path, got {function!r:.60}"
        )
    needed("launch", "mpi4py", "mpi")
    with tempfile.TemporaryDirectory(prefix="needle_edu-launch-") as folder:
        _write(Path(folder) / "call", function, arguments)
        status, said = _run(
            [*command, "-m", "needle_edu.distributed.worker", folder], environment, time_limit, show
        )
        return _results(Path(folder), processes, status, said)


def run_processes(processes: int, words: list[str]) -> int:
    """Run `python WORDS` in several processes, and print what they print; returns the exit status.

    Ctrl-C is handed on to the processes, a second one ends them.

    Raises
    ------
    ImportError
        If there is no mpiexec.
    """
    whole("run_processes", processes=processes)
    command = [*mpiexec(), "-n", str(processes), sys.executable, *words]
    return _run(command, os.environ | {"PYTHONUNBUFFERED": "1"}, None, True, interrupts=1)[0]


@functools.cache
def mpiexec() -> list[str]:
    """The command that starts processes, with the options that its kind needs.

    MPICH's usual starter kills all processes at once when one has died. Its starter for one machine, gforker, only
    interrupts them: so they can say why they end.

    Raises
    ------
    ImportError
        If there is none.
    """
    for name in ("mpiexec.gforker", "mpiexec"):
        beside = Path(sys.executable).with_name(name)
        found = str(beside) if beside.is_file() else shutil.which(name)
        if found is not None:
            break
    else:
        raise ImportError(f"launch: there is no mpiexec: {INSTALL}")
    told = subprocess.run(
        [found, "--version"], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    return [found, "--oversubscribe"] if "Open MPI" in told or "OpenRTE" in told else [found]


def _write(path: Path, function: Callable, arguments: tuple) -> None:
    """The call as a file; a function whose module the processes could not import goes with its code."""
    cloudpickle = needed("launch", "cloudpickle", "mpi")
    module = sys.modules.get(getattr(function, "__module__", None) or "")
    by_value = module is not None and module.__name__ != "__main__" and not _importable(module.__name__)
    if by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        path.write_bytes(cloudpickle.dumps((function, arguments)))
    except (pickle.PicklingError, TypeError) as error:
        raise DistributedError(f"launch: the function or an argument cannot be sent: {error}") from error
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)


def _importable(name: str) -> bool:
    package = name.partition(".")[0]
    found = importlib.util.find_spec(package)
    return package in sys.stdlib_module_names or (
        found is not None
        and found.origin is not None
        and ("site-packages" in found.origin or package == "needle_edu")
    )


def _run(
    command: list[str], environment: dict[str, str], time_limit: float | None, show: bool, interrupts: int = 0
) -> tuple[int, list[str]]:
    """Run a command; returns its exit status and the lines that it has printed. Nothing of it is left behind.

    The processes write to a file. What goes through mpiexec may be cut when it ends, and gforker (of MPICH 5.0) stops
    at the first letter that is not ASCII.
    """
    with tempfile.TemporaryDirectory(prefix="needle_edu-output-") as folder:
        path = Path(folder) / "output"
        with open(path, "ab") as output:
            environment = environment | {OUTPUT: str(path), LAUNCHER: str(os.getpid())}
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        until = math.inf if time_limit is None else time.monotonic() + time_limit
        with open(path, encoding="utf-8", errors="replace") as said:
            try:
                while process.poll() is None:
                    try:
                        _wait(process, 0.1)
                        _show(said, show)
                    except KeyboardInterrupt:
                        if not interrupts:
                            raise
                        interrupts -= 1
                        process.send_signal(signal.SIGINT)  # mpiexec hands it on
                    if time.monotonic() > until:
                        raise DistributedError(
                            f"launch: not done after {time_limit:g} s; all processes were ended"
                        )
            finally:
                _end(process)
                _show(said, show)
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return process.returncode, [line for line in lines if not OF_MPIEXEC.match(line)]


def _wait(process: subprocess.Popen, seconds: float) -> None:
    """Wait for its end, not longer than this."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _show(said: IO[str], show: bool) -> None:
    """Print the lines that are new."""
    while True:
        begin, line = said.tell(), said.readline()
        if not line.endswith("\n"):  # the rest of it is still to come
            said.seek(begin)
            return
        if show and not OF_MPIEXEC.match(line):
            print(line, end="", flush=True)


def _end(process: subprocess.Popen) -> None:
    """End mpiexec and its processes, which are a group of the system's; what does not listen is killed."""
    for how, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            _wait(process, seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what mpiexec has left behind


def _results(folder: Path, processes: int, status: int, said: list[str]) -> list[Any]:
    """What the ranks have written, or the error of the first that failed by itself."""
    errors = list(_texts(folder, "error", processes))
    if errors:
        of_its_own = [text for text in errors if not text.startswith("DistributedError: ")] or errors
        raise DistributedError(f"launch: {of_its_own[0].removeprefix('DistributedError: ')}")
    missing = [rank for rank in range(processes) if not (folder / f"result-{rank}").is_file()]
    if missing:
        last = _last_line(said)
        raise DistributedError(
            f"launch: rank {', '.join(map(str, missing))} has ended without a result; mpiexec ended with status "
            f"{status}" + (f" and said: {last}" if last else "")
        )
    cloudpickle = needed("launch", "cloudpickle", "mpi")
    return [cloudpickle.loads((folder / f"result-{rank}").read_bytes()) for rank in range(processes)]


def _texts(folder: Path, name: str, processes: int) -> Iterator[str]:
    for rank in range(processes):
        path = folder / f"{name}-{rank}"
        if path.is_file():
            yield path.read_text(encoding="utf-8")


def _last_line(said: list[str]) -> str:
    return next((line.strip() for line in reversed(said) if line.strip()), "")
