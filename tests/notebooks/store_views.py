"""Notebooks keep their views as the library draws them now; all other outputs stay as they were.

Each notebook is run from top to bottom, and what shows a view is taken over. Times that cells have printed are those of
a quiet machine and stay. Look at what changed before you keep it: `git diff --stat notebooks`.

    python tests/notebooks/store_views.py notebooks/lectures/*.ipynb
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient


def is_view(output: nbformat.NotebookNode) -> bool:
    """Whether an output is one of the library's, with a style sheet of its own."""
    return 'class="ndl-' in "".join(output.get("data", {}).get("text/html", ""))


def store_views(file: Path) -> int:
    """Run a notebook and keep its views; how many have changed."""
    stored, run = (nbformat.read(file, as_version=4) for _ in range(2))
    folder = {"metadata": {"path": str(file.parent)}}
    NotebookClient(
        run, timeout=300, kernel_name="python3", resources=folder, store_widget_state=False
    ).execute()
    changed = 0
    for old, new in zip(stored.cells, run.cells, strict=True):
        before_all, after_all = ([o for o in cell.get("outputs", []) if is_view(o)] for cell in (old, new))
        if len(after_all) != len(before_all):  # such as one that needs files which are not here
            print(f"{file.name}: cell {old.id} now shows {len(after_all)} views, not {len(before_all)}; left")
            continue
        for before, after in zip(before_all, after_all, strict=True):
            if before.data != after.data:
                before.data = after.data
                changed += 1
    if changed:
        nbformat.write(stored, file)
    return changed


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(f"{name}: {store_views(Path(name))} views drawn anew", flush=True)
