"""Running the source of one notebook cell outside Jupyter, as Jupyter would run it.

A cell is Python with a few additions of IPython's: magics (``%timeit f(3)``), shell commands (``!ls``), help
(``f?``), a pasted ``>>>``, an indented cell, `await` outside of functions. `python_of` turns all of them into
plain Python, and `run_cell` runs that. IPython is loaded only for a cell that needs it. Magics that set up a
notebook's own window or environment (`INERT`) do nothing here; all others, and shell commands, really run: where
students are graded, inside the sandbox.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import linecache
import re
import subprocess
from collections.abc import Callable

FILE_NAME = "<your answer>"  # what tracebacks call the cell
# Cell magics whose body runs as if they were not there. (`%%timeit` keeps what it defines to itself.)
TRANSPARENT = re.compile(r"\s*%%(time|capture|prun)\b[^\n]*")
INERT = (
    "matplotlib",
    "gui",
    "pylab",
    "load_ext",
    "reload_ext",
    "autoreload",
    "config",
    "pip",
    "conda",
    "mamba",
)
# Without IPython: a line `%…`, `!…`, `…?` or `name = %…`, with its indentation and the name.
_ADDITION = re.compile(r"^([ \t]*)(?:(\w+\s*=)\s*)?(?:[%!].*|[\w.]+\?{1,2}|\?{1,2}[\w.]+)$", re.MULTILINE)


def run_cell(source: str, namespace: dict) -> None:
    """Execute a cell in `namespace`.

    Examples
    --------
    >>> namespace = {}
    >>> run_cell("import asyncio\\nx = await asyncio.sleep(0, result=3)", namespace)
    >>> namespace["x"]
    3
    """
    namespace.setdefault("get_ipython", _shell_of(namespace))
    source = python_of(source)
    linecache.cache[FILE_NAME] = (len(source), None, source.splitlines(keepends=True), FILE_NAME)
    # Without dont_inherit the cell's annotations would be texts, as those of this module are.
    code = compile(source, FILE_NAME, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if code.co_flags & inspect.CO_COROUTINE:
        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)


def python_of(source: str) -> str:
    """Return a cell's source as plain Python (with `await` wherever it likes), line for line where possible.

    What is no Python and no IPython either comes back as it is, for the compiler to complain about.

    Examples
    --------
    >>> python_of("%%time\\nx = 1")
    '\\nx = 1'
    """
    source = without_timing(source)
    if _compiles(source):
        return source
    try:
        from IPython.core.inputtransformer2 import TransformerManager
    except ImportError:
        plain = _ADDITION.sub(lambda found: f"{found[1]}{found[2] + ' None' if found[2] else 'pass'}", source)
    else:
        try:
            plain = TransformerManager().transform_cell(source)
        except SyntaxError:
            return source
    return plain if _compiles(plain) else source


def without_timing(source: str) -> str:
    """Drop a first line such as ``%%time``: what follows it runs, and defines, as without it."""
    return TRANSPARENT.sub("", source, count=1) if TRANSPARENT.match(source) else source


def _compiles(source: str) -> bool:
    try:
        compile(source, FILE_NAME, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _shell_of(namespace: dict) -> Callable:
    """The `get_ipython` of a cell: makes IPython's shell around `namespace` when it is first called."""
    made: list = []

    def get_ipython():
        if not made:
            made.append(_shell(namespace))
            namespace["get_ipython"] = get_ipython  # the shell has put its own there
        return made[0]

    return get_ipython


def _shell(namespace: dict):
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        """IPython without a terminal: commands see an empty stdin, and help is printed, never paged."""

        def system(self, cmd):
            print(self._output_of(cmd), end="")

        def getoutput(self, cmd, split=True, depth=0):
            from IPython.utils.text import LSString, SList

            said = self._output_of(cmd)
            return SList(said.splitlines()) if split else LSString(said)

        def _output_of(self, command: str) -> str:
            done = subprocess.run(
                ["/bin/sh", "-c", self.var_expand(command, depth=2)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            self.user_ns["_exit_code"] = done.returncode
            return done.stdout.decode("utf-8", "replace")

    config = Config()
    config.HistoryManager.enabled = False  # it would write a database, from a thread of its own
    # The first one becomes what IPython's own get_ipython() returns.
    make = Shell if InteractiveShell.initialized() else Shell.instance
    shell = make(config=config, user_ns=namespace, colors="nocolor")
    shell.set_hook("show_in_pager", lambda self, data, start=0, screen_lines=0: print(_text_of(data)))
    shell.magics_manager.magics["line"] |= dict.fromkeys(INERT, lambda line: None)
    return shell


def _text_of(data) -> str:
    return data.get("text/plain", "") if isinstance(data, dict) else str(data)
