"""Writing a file so that nobody ever finds half of it, whatever happens in between.

The new content goes into a second file beside the target, which then takes the target's name in one step (POSIX
`rename`). A crash, a full disk or an error on the way leaves what was there before.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def whole_file(path: str | os.PathLike[str], mode: str = "w", **options: Any) -> Iterator[IO[Any]]:
    """Open a file for writing that takes its place at `path` when the block has ended without an error.

    Parameters
    ----------
    path : path
        In a folder that exists; a file of this name is replaced.
    mode : {"w", "wb"}
    **options
        As for `open`, such as `encoding`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "result.txt"
    >>> with whole_file(path) as file:
    ...     _ = file.write("all of it")
    ...     path.exists()
    False
    >>> path.read_text()
    'all of it'
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with open(partial, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
