"""Running the source of one notebook cell outside Jupyter, as Jupyter would run it."""

from __future__ import annotations

import linecache

FILE_NAME = "<your answer>"  # what tracebacks call the cell


def run_cell(source: str, namespace: dict) -> None:
    """Execute the answer's cell; IPython is loaded only for lines that are not Python (``%…``, ``!…``)."""
    if any(line.lstrip().startswith(("%", "!")) for line in source.splitlines()):
        from IPython.core.interactiveshell import InteractiveShell

        InteractiveShell(user_ns=namespace).run_cell(source).raise_error()
    else:
        linecache.cache[FILE_NAME] = (len(source), None, source.splitlines(keepends=True), FILE_NAME)
        exec(compile(source, FILE_NAME, "exec"), namespace)
