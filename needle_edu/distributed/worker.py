"""What a process that `launch` has started does: `python -m needle_edu.distributed.worker FOLDER`."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from .group import init


def main(folder: Path) -> int:
    """Call the function in `folder`, and write there what it returns or why it fails; returns the exit status."""
    import cloudpickle

    communicator = init()
    try:
        function, arguments = cloudpickle.loads((folder / "call").read_bytes())
        result = cloudpickle.dumps(function(communicator, *arguments))
    except BaseException as error:
        communicator.stop(error)
        traceback.print_exc()
        _write(folder / f"error-{communicator.rank}", f"{type(error).__name__}: {error}".encode())
        return 1
    _write(folder / f"result-{communicator.rank}", result)
    return 0


def _write(path: Path, content: bytes) -> None:
    """The file appears as a whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
