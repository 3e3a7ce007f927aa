"""Where needle_edu's own files are: the C sources, the notebooks, and the folder compiled code is kept in.

In a checkout csrc/ and notebooks/ stand beside the package; an installed wheel carries them inside it.
"""

import contextlib
import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
PREBUILT = _PACKAGE / "backend" / "_lib"
"""Where `pip install` puts a library it has compiled."""


def csrc_dir() -> Path:
    """Return the folder with the C sources."""
    return _beside_or_inside("csrc")


def notebooks_dir() -> Path:
    """Return the folder with the course's notebooks."""
    return _beside_or_inside("notebooks")


def _beside_or_inside(name: str) -> Path:
    inside = _PACKAGE / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def cache_dir() -> Path:
    """Return a writable folder of this user for compiled code; NEEDLE_EDU_CACHE names another one.

    If the usual place cannot be written to (a read-only home, as in some class rooms) or there is none (a user
    without a home, as in some containers), a private folder under the system's temporary folder is used.
    """
    try:
        usual = _usual_cache_dir()
    except RuntimeError:  # the user has no home
        return private_temporary()
    return usual if _writable(usual) else private_temporary()


def _usual_cache_dir() -> Path:
    chosen = os.environ.get("NEEDLE_EDU_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "needle_edu"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "needle_edu"


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def private_temporary() -> Path:
    """Return a folder under the system's temporary folder that only this user can write to."""
    import tempfile

    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"needle_edu-{user}"
    with contextlib.suppress(FileExistsError):  # somebody's file of this name
        folder.mkdir(mode=0o700, exist_ok=True)
    # A library loaded from here runs as this user: nobody else may have made the folder or be able to write
    # to it.
    status = folder.lstat()
    if not folder.is_dir() or hasattr(os, "getuid") and (status.st_uid != user or status.st_mode & 0o022):
        folder = Path(tempfile.mkdtemp(prefix="needle_edu-"))
    return folder
