"""What an answer may use: seconds, memory, processes, output. Each homework may declare its own.

They stand in ``homework.toml`` beside the notebook; what is not named there keeps its default:

    [limits]
    call = 20         # seconds for one call of an answer
    memory = 2e9      # bytes
"""

from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace

from needle_edu.course.notebook import NotebookError


@dataclass(frozen=True)
class Limits:
    """What one question of one submission may use; on a busy machine more seconds by the clock (`patience`).

    Attributes
    ----------
    wall : float
        Seconds for everything: the cells and all tests.
    cells : float
        Seconds until the answer's cell has run; for an answer in C, until it is compiled.
    call : float
        Seconds for one call of the answer.
    cpu : int
        Seconds of processor time, per process.
    memory, file : int
        Bytes of memory, of each process and (as far as the system tells) of all together; of the largest file.
    processes : int
        Processes and threads; without isolation, beyond those the user has already.
    output : int
        Characters of the cells' output that are kept.
    space, files : int
        Bytes and number of files in a sandbox's temporary folder, and once more in its shared memory.
    hide : tuple of str
        Folders and files that a sandbox must not show even where they lie inside something it needs; whoever grades
        says so, no homework does.
    """

    wall: float = 30.0
    cells: float = 12.0
    call: float = 5.0
    cpu: int = 10
    memory: int = 2**30
    file: int = 2**24
    processes: int = 16
    output: int = 4000
    space: int = 2**26
    files: int = 10_000
    hide: tuple[str, ...] = ()


COMPILER = Limits(wall=90.0, cells=60.0, cpu=40, memory=2**31)
"""What compiling the answers of a submission may use, whatever their homework says of running them."""


PATIENCE = 4  # times as long as a limit says is waited, at most


def patience(seconds: float) -> float:
    """How long to wait by the clock for what may compute for so many seconds.

    Another process cannot be asked how long it computed. So that no right answer fails because the machine is busy, it
    may take as many times longer as there are more processes that want to run than processors, by the average of the
    last minute; at most `PATIENCE` times.

    Examples
    --------
    >>> 5 <= patience(5) <= 20
    True
    """
    if not hasattr(os, "getloadavg"):  # Windows
        return seconds
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return seconds * min(max(os.getloadavg()[0] / processors, 1), PATIENCE)


def declared(text: str, name: str = "homework.toml") -> Limits:
    """The limits that the text of a ``homework.toml`` declares.

    Raises
    ------
    NotebookError
        If it is no TOML, or names what is no limit, or a limit is no positive number.

    Examples
    --------
    >>> declared("[limits]\\ncall = 20\\nmemory = 2e9").call
    20.0
    >>> declared("[limits]\\nseconds = 20")
    Traceback (most recent call last):
        ...
    needle_edu.course.notebook.NotebookError: homework.toml: [limits] has no 'seconds'; it may name wall, cells, call,
    cpu, memory, file, processes, output, space, files
    """
    if not text:
        return Limits()
    import tomllib  # most homeworks, and so most checks, do without

    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise NotebookError(f"{name} is no TOML: {error}") from None
    if others := set(tree) - {"limits"}:
        raise NotebookError(f"{name} has no {sorted(others)[0]!r}; all it may hold is a table [limits]")
    table = tree.get("limits", {})
    if not isinstance(table, dict):
        raise NotebookError(f"{name}: limits must be a table, [limits], got {table!r}")
    defaults = Limits()
    kinds = {f.name: type(getattr(defaults, f.name)) for f in fields(Limits) if f.name != "hide"}
    found: dict = {}
    for key, value in table.items():
        if key not in kinds:
            raise NotebookError(f"{name}: [limits] has no {key!r}; it may name {', '.join(kinds)}")
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 2**62:
            raise NotebookError(f"{name}: {key} must be a positive number, got {value!r}")
        found[key] = kinds[key](value)
        if not found[key]:
            raise NotebookError(f"{name}: {key} must be a whole number of at least 1, got {value!r}")
    return replace(defaults, **found)
