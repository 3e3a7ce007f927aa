"""What was handed in: folders, flat notebooks and zip archives, each under a name of its own; hostile ones bounded."""

import io
import json
import os
import stat
import sys
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from needle_edu.course import archive, notebook
from needle_edu.course.grading import handed_in
from needle_edu.course.notebook import LimitError, NotebookError

GOOD = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()


def zipped(files: dict[str, bytes], method=zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return data.getvalue()


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read(path: Path) -> handed_in.Found:
    return handed_in.read(handed_in.Entry("ada", path, "ada"), "hw1.ipynb")


def test_a_class_folder(tmp_path):
    """Sub-folders, notebooks, archives; what a desktop leaves behind is nobody, and other files are named."""
    files = [
        "ada/hw1.ipynb",
        "bob.ipynb",
        "eve.zip",
        "tom.tar.gz",
        "readme.txt",
        ".DS_Store",
        "__MACOSX/x",
        "._bob.ipynb",
    ]
    put(tmp_path, dict.fromkeys([*files, "bob.20260101-000000.backup.ipynb"], b""))
    found, others = handed_in.entries(tmp_path)
    assert [(entry.student, entry.page) for entry in found] == [
        ("ada", "ada"), ("bob", "bob"), ("eve", "eve"), ("tom.tar", handed_in.file_name_for("tom.tar"))
    ]  # fmt: skip
    assert others == ["bob.20260101-000000.backup.ipynb", "readme.txt"]


def test_one_student_in_three_forms_is_three_rows(tmp_path):
    put(tmp_path, dict.fromkeys(["ada/hw1.ipynb", "ada.ipynb", "ada.zip", "bob.zip"], b""))
    found, _ = handed_in.entries(tmp_path)
    assert [entry.student for entry in found] == ["ada", "ada.ipynb", "ada.zip", "bob"]
    assert len({entry.page.lower() for entry in found}) == 4


LOOK_ALIKE = [
    ["Ada", "ada", "ADA"],
    ["a b", "a?b", "a-b", "a--b"],
    ["x\x1b", "x\\x1b"],
    ["Zoe\u0308", "Zo\u00eb", "Zo"],
    ["con", "CON", "com1", "x" * 61, "x" * 62],
]


@pytest.mark.parametrize("names", LOOK_ALIKE, ids=ascii)
def test_names_that_look_alike_stay_apart(names, tmp_path):
    """Each has a name of its own to be shown, and one for files that no case-insensitive disk mistakes."""
    # A name made like the hash that another one gets does not become that one's page.
    everybody = [
        *names,
        *(handed_in.file_name_for(name) for name in names),
        *(f"{name} (2)" for name in names),
        *(f"{handed_in.shown(name)}-{handed_in._hash(name)}" for name in names),
    ]
    for name in dict.fromkeys(everybody):
        (tmp_path / name).mkdir()
    found, _ = handed_in.entries(tmp_path)
    assert len(found) == len(set(everybody))
    assert len({entry.student for entry in found}) == len(found)
    assert len({entry.page.casefold() for entry in found}) == len(found)
    assert all(entry.page.replace("-", "").replace("_", "").isascii() for entry in found)


def test_a_page_keeps_its_name_when_somebody_else_hands_in_later(tmp_path):
    (tmp_path / "Zoë").mkdir()
    before, _ = handed_in.entries(tmp_path)
    for name in ("ada", "Zoe", "zo", before[0].page):  # the last one tries to take the page's name
        (tmp_path / name).mkdir()
    after, _ = handed_in.entries(tmp_path)
    assert before[0] in after


@pytest.mark.parametrize(
    "files",
    [
        {"hw1.ipynb": GOOD},
        {"hw1 (1).ipynb": GOOD, "notes.txt": b""},
        {
            "my-hw1/hw1.ipynb": GOOD,
            "__MACOSX/my-hw1/._hw1.ipynb": b"",
            "my-hw1/.ipynb_checkpoints/hw1.ipynb": b"old",
        },
        {"hw1.ipynb": GOOD, "older/hw1.ipynb": b"old", "scratch.ipynb": b""},
        {"my-hw1/hw1.ipynb": GOOD, "my-hw1/hw1.20260101-000000.backup.ipynb": b"old"},
    ],
    ids=lambda files: "+".join(files),
)
def test_the_same_notebook_from_a_folder_an_archive_and_an_archive_in_a_folder(files, tmp_path):
    put(tmp_path / "ada", files)
    put(tmp_path, {"ada.zip": zipped(files), "bob/hw1.zip": zipped(files)})
    for path in ("ada", "ada.zip", "bob"):
        assert read(tmp_path / path).data == GOOD, path


@pytest.mark.parametrize(
    ("data", "kind", "says"),
    [
        (b"", NotebookError, "not a zip"),
        (b"PK\x03\x04 nothing", NotebookError, "not a zip"),
        (zipped({"hw1.ipynb": GOOD})[:-30], NotebookError, "not a zip"),
        (zipped({}), NotebookError, "is empty"),
        (zipped({"a.txt": b"", "b.txt": b""}), NotebookError, "holds 'a.txt', 'b.txt'"),
        (zipped({"a/hw1.ipynb": GOOD, "b/hw1.ipynb": GOOD}), NotebookError, "more than once"),
        (zipped({"hw1.ipynb": GOOD}, zipfile.ZIP_BZIP2), LimitError, "packed in a way"),
        (zipped({"hw1.ipynb": b"0" * (notebook.MAX_BYTES + 1)}), LimitError, "larger than"),
        (lambda: zipped({f"{k}.txt": b"" for k in range(25_000)}), LimitError, "table of contents"),
    ],
)
def test_archives_that_are_not_read(data, kind, says, tmp_path):
    with pytest.raises(NotebookError, match=says) as caught:
        read(put(tmp_path, {"ada.zip": data() if callable(data) else data}) / "ada.zip")
    assert type(caught.value) is kind


def test_every_broken_archive_is_one_sentence(tmp_path):
    """Each byte of a small archive damaged in turn: never a traceback, never anything but the notebook or a refusal."""
    whole = zipped({"hw1.ipynb": GOOD})
    for place in range(len(whole)):
        for value in (0, 255, whole[place] ^ 1):
            data = whole[:place] + bytes([value]) + whole[place + 1 :]
            try:
                archive.notebook_in(data, "ada.zip", "hw1.ipynb")
            except NotebookError as error:
                assert "\n" not in str(error)


def test_an_encrypted_archive_and_a_link_in_one(tmp_path):
    data = bytearray(zipped({"hw1.ipynb": GOOD}))
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(LimitError, match="encrypted"):
        archive.notebook_in(bytes(data), "ada.zip", "hw1.ipynb")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        info = zipfile.ZipInfo("hw1.ipynb")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(NotebookError, match="is a link"):
        archive.notebook_in(made.getvalue(), "ada.zip", "hw1.ipynb")


def test_names_in_an_archive_lead_nowhere(tmp_path):
    """Nothing is written, whatever the archive's names say."""
    data = zipped({"../../hw1.ipynb": GOOD, "/etc/cron.d/x": b"x", "..\\..\\x": b""})
    put(tmp_path, {"inner/ada.zip": data})
    assert read(tmp_path / "inner" / "ada.zip").data == GOOD
    assert [path.name for path in tmp_path.rglob("*")] == ["inner", "ada.zip"]


@pytest.mark.parametrize("name", ["ada.rar", "ada.7z", "ada.tar.gz", "ada.TGZ"])
def test_other_archives_ask_to_be_unpacked(name, tmp_path):
    (entry,), _ = handed_in.entries(put(tmp_path, {name: b"x"}))
    with pytest.raises(LimitError, match="unpack it"):
        handed_in.read(entry, "hw1.ipynb")


def test_links_are_not_followed(tmp_path):
    secret = put(tmp_path, {"secret/hw1.ipynb": GOOD, "secret.zip": zipped({"hw1.ipynb": GOOD})}) / "secret"
    places = tmp_path / "class"
    for name in ("inside", "below", "zip"):
        (places / name).mkdir(parents=True)
    (places / "inside" / "hw1.ipynb").symlink_to(secret / "hw1.ipynb")
    (places / "below" / "work").symlink_to(secret)
    (places / "zip" / "hw1.zip").symlink_to(tmp_path / "secret.zip")
    (places / "itself").symlink_to(secret)
    (places / "flat.ipynb").symlink_to(secret / "hw1.ipynb")
    found, _ = handed_in.entries(places)
    assert len(found) == 5
    for entry in found:
        with pytest.raises(NotebookError) as caught:
            handed_in.read(entry, "hw1.ipynb")
        # A link in the class's own folder is hardly the student's doing: somebody has to look.
        assert isinstance(caught.value, LimitError) == (entry.student in ("itself", "flat"))


def test_a_folder_without_end_is_not_walked(tmp_path):
    put(tmp_path, {"ada/hw1.ipynb": GOOD, **{f"ada/venv/{k}/x": b"" for k in range(1500)}})
    assert read(tmp_path / "ada").data == GOOD
    put(tmp_path, {"bob/1/2/3/4/5/hw1.ipynb": GOOD})
    with pytest.raises(NotebookError, match="missing"):
        read(tmp_path / "bob")


@pytest.fixture
def a_tenth(monkeypatch):
    """All limits, and so the time that the tests take, a tenth of what they are."""
    for name in ("MAX_BYTES", "MAX_VALUES", "MAX_LISTS"):
        monkeypatch.setattr(notebook, name, getattr(notebook, name) // 10)


SMALL_VALUES = {
    "lists": b"[" + b"[]," * 600_000 + b"[]]",
    "dicts": b"[" + b"{}," * 600_000 + b"{}]",
    "numbers": b"[" + b"1.5," * 400_000 + b"1]",
    "texts": b"[" + b'"a",' * 400_000 + b'"a"]',
    "texts without commas": b"[" + b'""' * 800_000 + b"]",
    "a text that never ends": b'["' + b'\\"' * 900_000,
    "backslashes": b'["' + b"\\" * 1_800_001,
}


@pytest.mark.parametrize("name", SMALL_VALUES)
def test_a_large_file_of_small_values_takes_little_memory(name, a_tenth):
    """20 MB of brackets were 545 MB of Python objects."""
    data = b'{"nbformat": 4, "x": ' + SMALL_VALUES[name] + b"}"
    assert len(data) <= notebook.MAX_BYTES
    tracemalloc.start()
    try:
        with pytest.raises(NotebookError):
            notebook.parse_json(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 13 * 2**20


def test_the_largest_file_that_is_read_takes_bounded_memory(a_tenth):
    data = b'{"nbformat": 4, "x": {' + b",".join(b'"%x":1' % k for k in range(99_900)) + b"}}"
    tracemalloc.start()
    try:
        notebook.parse_json(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 25 * 2**20
    with pytest.raises(LimitError, match="200,000 values"):
        notebook.parse_json(data[:-2] + data[20:])


def test_what_stands_in_a_text_does_not_count():
    text = "[{," * 1_500_000 + '\\"' * 1000
    tree = {"nbformat": 4, "cells": [{"cell_type": "code", "source": text}]}
    assert notebook.cells_of(notebook.parse_json(json.dumps(tree).encode()))[0].source == text


def test_nan_in_an_output_costs_nothing():
    """Python's json writes NaN and Infinity, and so do notebooks."""
    data = b'{"nbformat": 4, "cells": [{"cell_type": "code", "source": "x", "outputs": [NaN, -Infinity, Infinity]}]}'
    assert [cell.source for cell in notebook.cells_of(notebook.parse_json(data))] == ["x"]


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS allows UTF-8 names only")
def test_a_name_that_is_no_text(tmp_path):
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    (entry,), _ = handed_in.entries(tmp_path)
    assert entry.student == "\\xff" and entry.page.isascii()
