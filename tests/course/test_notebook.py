"""Reading a notebook: what is not one is refused in a sentence, and never waited for or followed."""

import json
import os

import pytest

from needle_edu.course import notebook
from needle_edu.course.notebook import NotebookError


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


GOOD = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}


def test_source_as_lines_or_text(tmp_path):
    cells = [
        {"cell_type": "code", "id": "a", "metadata": {}, "source": ["x = 1\n", "x"]},
        {
            "cell_type": "markdown",
            "metadata": {"nbgrader": {"grade_id": "t", "locked": True}},
            "source": "text",
        },
    ]
    first, second = notebook.read(write(tmp_path / "n.ipynb", json.dumps({**GOOD, "cells": cells})))
    assert (first.kind, first.source, first.id, first.is_locked) == ("code", "x = 1\nx", "a", False)
    assert (second.kind, second.grade_id, second.is_locked) == ("markdown", "t", True)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", r"is empty \(0 bytes\): save the notebook"),
        (b" \n", r"is empty \(2 bytes\)"),
        (b"\xff\xfe", "not JSON"),
        ("{", "not JSON"),
        ("[]", "not a notebook"),
        ('{"nbformat": 4, "x": nan}', "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"nbformat": ' + "9" * 5000 + "}", "not JSON"),
        ('{"nbformat": 3, "worksheets": []}', "format 3"),
        ('{"nbformat": true, "cells": []}', "format 4"),
        ('{"nbformat": 4}', "no list of cells"),
        ('{"nbformat": 4, "cells": [7]}', "cell 0 is not a cell"),
        ('{"nbformat": 4, "cells": [{"cell_type": "heading"}]}', "cell 0 is not a cell"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}', "cell 0 has no text"),
        ('{"nbformat": 4, "cells": [' + "7," * 20_000 + "7]}", "at most 20,000"),
    ],
)
def test_not_a_notebook(tmp_path, data, says):
    with pytest.raises(NotebookError, match=says):
        notebook.read(write(tmp_path / "n.ipynb", data))


def test_strange_metadata_is_no_mark():
    for metadata in (
        None,
        3,
        {"nbgrader": 5},
        {"nbgrader": {"grade_id": ["x"], "grade": 1, "solution": "yes"}},
    ):
        (cell,) = notebook.cells_of(
            {**GOOD, "cells": [{"cell_type": "code", "source": "", "metadata": metadata}]}
        )
        assert cell.grade_id == "" and not cell.is_tests and not cell.is_answer and not cell.is_locked


def test_half_a_character_is_replaced():
    cell = json.loads('{"cell_type": "code", "source": "x = \\"\\ud800\\"", "metadata": {}}')
    assert notebook.cells_of({**GOOD, "cells": [cell]})[0].source == 'x = "?"'


def test_only_regular_files(tmp_path):
    good = write(tmp_path / "good.ipynb", json.dumps(GOOD))
    (tmp_path / "link.ipynb").symlink_to(good)
    (tmp_path / "folder.ipynb").mkdir()
    os.mkfifo(tmp_path / "pipe.ipynb")  # a plain open() would wait here for ever
    for name in ("link", "folder", "pipe"):
        with pytest.raises(NotebookError, match="regular file"):
            notebook.read(tmp_path / f"{name}.ipynb")
    with pytest.raises(NotebookError, match="regular file"):
        notebook.read_bytes("/dev/zero")
    with pytest.raises(NotebookError, match="missing"):
        notebook.read(tmp_path / "none.ipynb")


def test_too_large(tmp_path):
    with pytest.raises(NotebookError, match="larger than"):
        notebook.read(write(tmp_path / "n.ipynb", b" " * (notebook.MAX_BYTES + 1)))
