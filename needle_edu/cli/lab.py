"""`needle-edu lab`: JupyterLab, opened at the start page of the course.

Inside a checkout it serves the checkout's `notebooks/`. Anywhere else it first copies the notebooks into
`needle-edu-course/` in the current folder, never over a file that is there: what a student has written stays.
JupyterLab is started in this very process's place, so Ctrl-C and the exit status are its own.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from needle_edu.backend import paths
from needle_edu.backend.files import whole_file

COURSE_FOLDER = "needle-edu-course"
NO_LAB = "needle-edu: JupyterLab is not installed here. Get it with:  python -m pip install 'needle_edu[lab]'"


def copy_notebooks(folder: Path) -> int:
    """Copy the course's notebooks below `folder`, keeping every file that is already there.

    Homework is left out: its sources carry the solutions; `needle-edu homework start` writes a student's copy.
    Returns 0 and prints how many files were written and how many were kept; 1 if the folder cannot be written to,
    which is said in one sentence.
    """
    try:
        written, kept = _copy(paths.notebooks_dir(), folder)
    except OSError as error:
        print(
            f"needle-edu: cannot write the notebooks into {folder} ({error.strerror}). "
            "Choose a folder of your own, for example below your home folder.",
            file=sys.stderr,
        )
        return 1
    print(f"needle-edu: {written} files written to {folder}, {kept} kept as they were.")
    return 0


def _copy(source: Path, folder: Path) -> tuple[int, int]:
    """Copy what is not there yet; return how many files were written and how many kept."""
    written = kept = 0
    for file in sorted(source.rglob("*")):
        place = file.relative_to(source)
        if not file.is_file() or place.parts[0] == "homework" or ".ipynb_checkpoints" in place.parts:
            continue
        target = folder / place
        if target.exists():
            kept += 1
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, "wb") as copy:  # on a full disk nothing is better than half a notebook
            copy.write(file.read_bytes())
        written += 1
    return written, kept


def course_folder() -> Path | None:
    """The folder JupyterLab serves: inside a checkout its notebooks, elsewhere a copy in the current folder.

    None if the copy could not be written.
    """
    source = paths.notebooks_dir()
    if Path.cwd().resolve().is_relative_to(source.parent.resolve()):
        return source
    folder = Path.cwd() / COURSE_FOLDER
    return folder if copy_notebooks(folder) == 0 else None


def lab_command(folder: Path, options: Sequence[str]) -> list[str]:
    """The command line that opens the start page in `folder`; `options` come last and win."""
    command = [sys.executable, "-m", "jupyterlab"]
    command += [f"--ServerApp.root_dir={folder}", "--LabApp.default_url=/lab/tree/start.ipynb"]
    if hasattr(os, "geteuid") and os.geteuid() == 0 and "--allow-root" not in options:
        print("needle-edu: running as root (a container?): JupyterLab gets --allow-root.", file=sys.stderr)
        command.append("--allow-root")
    return command + list(options)


def give_jupyter_a_home() -> None:
    """If this user's home cannot be written to, let Jupyter keep its settings below our cache folder instead.

    So it is in some class rooms, and in containers that run under a user id of their own. Jupyter would not start.
    """
    home = os.path.expanduser("~")
    if os.path.isdir(home) and os.access(home, os.W_OK | os.X_OK):
        return
    other = paths.cache_dir() / "home"
    other.mkdir(mode=0o700, exist_ok=True)
    os.environ["HOME"] = str(other)
    print(f"needle-edu: {home} cannot be written to; Jupyter keeps its settings in {other}.", file=sys.stderr)


def open_lab(options: Sequence[str]) -> int:
    """Replace this process by JupyterLab at the start page; return 1, said in one sentence, when that cannot be."""
    if importlib.util.find_spec("jupyterlab") is None:
        print(NO_LAB, file=sys.stderr)
        return 1
    folder = course_folder()
    if folder is None:
        return 1
    from needle_edu.backend import cpu

    _ = cpu().kernels  # compile the C kernels now, with a line that says so, not in the first cell
    give_jupyter_a_home()
    # No news pop-up; the setting lives beside this file and leaves the user's own configuration alone.
    config = [str(Path(__file__).parent / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, config))
    command = lab_command(folder, options)
    sys.stdout.flush()
    return os.execv(command[0], command)  # does not come back
