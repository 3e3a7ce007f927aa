"""The copy of the notebooks that `make notebooks` runs: in it, every error counts.

In a homework, the cells whose outcome depends on the student's answer carry the tag `raises-exception`, so that "Run
All" goes on past a red check. nbval takes such a tag for leave to fail, and would pass a wrong solution; so the tags
are taken out of the copy. Running a copy also leaves nothing behind in `notebooks/`.

    python tests/notebooks/strict_copy.py build/notebooks
"""

import json
import shutil
import sys
from pathlib import Path

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
TAG = "raises-exception"


def strict_copy(target: Path, source: Path = NOTEBOOKS) -> None:
    """Replace `target` by a copy of `source` whose notebooks may not fail anywhere."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("my-*", ".ipynb_checkpoints"))
    for file in target.rglob("*.ipynb"):
        tree = json.loads(file.read_text(encoding="utf-8"))
        for cell in tree["cells"]:
            tags = cell["metadata"].get("tags", [])
            cell["metadata"]["tags"] = [tag for tag in tags if tag != TAG]
        file.write_text(json.dumps(tree, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    strict_copy(Path(sys.argv[1]))
