"""`profile`: one name for a block of code, for a function, and for a compiled one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from needle_edu.backend import BuildError, NeedleError
from needle_edu.backend.arguments import whole
from needle_edu.graph.compiled import Compiled, Executable, LoweringError
from needle_edu.graph.static import Program
from needle_edu.graph.static.checks import check_function

from .compiled import KernelProfile
from .eager import Profile
from .report import Report


def profile(function: Callable[..., Any] | None = None, *arguments: Any, runs: int = 1) -> Any:
    """Time every operation of a block of code or of a function, or every kernel call of a compiled one.

    Parameters
    ----------
    function : callable, optional
        Without one, `profile` is a block: ``with ndl.profile() as found``. Compiled functions, programs and executables
        are timed in C, kernel call by kernel call.
    *arguments
        What the function is called with.
    runs : int
        How often; the times of all runs are added up. One call more comes before them, and is not counted.

    Returns
    -------
    Profile, or KernelProfile for what is compiled
        Prints as a table, in a notebook too; `rows`, `spans` and `save_trace` are for further use. `result` is what the
        last call returned.

    Raises
    ------
    TypeError
        If it is no function.
    NeedleError
        If a program cannot be compiled, so that there are no kernel calls to time.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> x = ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> found = ndl.profile(lambda x: (x @ x).sum(), x)
    >>> [(row.op, row.calls, row.flops, row.nbytes) for row in found.sorted_by("order")]
    [('matmul', 1, 16, 48), ('summation', 1, 4, 20)]
    """
    if function is None:
        return Profile()
    check_function("profile", function)
    whole("profile", 1, runs=runs)
    if isinstance(function, (Compiled, Executable, Program)):
        return _of_program(function, arguments, runs)
    function(*arguments)
    found = Profile()
    found.runs = runs
    with found:
        for _ in range(runs):
            found.result = function(*arguments)
    return found


def _of_program(function: Compiled | Executable | Program, arguments: tuple, runs: int) -> Report:
    if isinstance(function, Compiled):
        function = function.serving(*arguments)
    program = function.program if isinstance(function, Executable) else function
    try:
        return KernelProfile(program, runs, arguments)
    except (LoweringError, BuildError) as error:
        raise NeedleError(
            f"profile: {program.name} is not compiled ({error}), so there are no kernel calls to time; profile the "
            "function itself"
        ) from error
