"""`needle-edu lab`: JupyterLab, opened at the start page of the course.

What is served is the reader's own copy of the notebooks, `needle-edu-course/`: at the top of a checkout (where git
ignores it), anywhere else in the current folder. Each start brings it up to date (`handout.py`); what a student has
written stays. JupyterLab is started in this very process's place, so Ctrl-C and the exit status are its own.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from needle_edu.backend import paths
from needle_edu.cli import handout

COURSE_FOLDER = "needle-edu-course"
NO_LAB = "needle-edu: JupyterLab is not installed here. Get it with:  python -m pip install 'needle_edu[lab]'"


def copy_notebooks(folder: Path) -> int:
    """Copy the course's notebooks into `folder`, or bring a copy that is there up to date.

    Returns 0 and prints what is new there and what was kept; 1 if the folder cannot be written to, which is said in
    one sentence.
    """
    return 1 if _copy(folder) is None else 0


def _copy(folder: Path) -> handout.Handout | None:
    """What was done; None, and a sentence, if the folder cannot be written to."""
    source = paths.notebooks_dir()
    if folder.resolve().is_relative_to(source.resolve()):
        print(
            f"needle-edu: {folder} is where the notebooks come from. Choose another folder to copy them into.",
            file=sys.stderr,
        )
        return None
    try:
        top = checkout()
        if top is not None and folder.resolve() == top / COURSE_FOLDER:
            for line in handout.bring_home(source, folder):
                print(f"needle-edu: {line}")
        done = handout.hand_out(source, folder)
        for line in done.lines(folder):
            print(f"needle-edu: {line}")
    except OSError as error:
        print(
            f"needle-edu: cannot write the notebooks into {folder} ({error.strerror}). "
            "Choose a folder of your own, for example below your home folder.",
            file=sys.stderr,
        )
        return None
    return done


def trust(folder: Path, places: Sequence[str]) -> None:
    """Tell Jupyter that these notebooks are ours, so that it shows the steppers in their outputs before a cell is run.

    What somebody else's notebook holds is shown as bare text. Jupyter keeps a signature of the whole content: a
    notebook that is changed outside of it is trusted no more.
    """
    import nbformat
    from nbformat.sign import NotebookNotary

    try:
        notary = NotebookNotary()
        for place in places:
            if place.endswith(".ipynb"):
                notary.sign(nbformat.read(folder / place, as_version=4))
        notary.store.close()
    except Exception as error:  # no place for the signatures, a locked file: the course works without
        print(
            f"needle-edu: Jupyter could not note that the notebooks are trusted ({error}).", file=sys.stderr
        )


def checkout() -> Path | None:
    """The top of the checkout whose notebooks these are; None for an installed package."""
    top = paths.notebooks_dir().resolve().parent
    return top if (top / "pyproject.toml").is_file() else None


def course_folder() -> Path:
    """Where the reader's copy is: at the top of the checkout one is in, elsewhere in the current folder.

    From inside a copy it is that copy, so that `cd needle-edu-course` before `needle-edu lab` makes no second one.
    """
    here, top = Path.cwd().resolve(), checkout()
    if top is not None and here.is_relative_to(top):
        return top / COURSE_FOLDER
    for folder in (here, *here.parents):
        if handout.is_course(folder):
            return folder
    return here / COURSE_FOLDER


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
    done = _copy(folder)
    if done is None:
        return 1
    from needle_edu.backend import cpu

    _ = cpu().kernels  # compile the C kernels now, with a line that says so, not in the first cell
    give_jupyter_a_home()
    if done.written or done.renewed:
        trust(folder, [*done.written, *done.renewed])
    # No news pop-up; the setting lives beside this file and leaves the user's own configuration alone.
    config = [str(Path(__file__).parent / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, config))
    # So that `needle-edu check my-hw1` is found in a terminal and in a cell of JupyterLab.
    os.environ["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    )
    command = lab_command(folder, options)
    sys.stdout.flush()
    return os.execv(command[0], command)  # does not come back
