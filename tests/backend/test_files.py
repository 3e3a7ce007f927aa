"""A file is written whole or not at all, and is readable by whom the user's umask says."""

import os
import stat

import pytest

from needle_edu.backend.files import whole_file


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), whole_file(path) as file:
        file.write("half")
        _ = 1 / 0
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_until_the_end_the_old_file_is_there(tmp_path):
    path = tmp_path / "result"
    path.write_bytes(b"before")
    with whole_file(path, "wb") as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert path.read_bytes() == b"after"


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_the_umask_decides_who_may_read(tmp_path, umask):
    """A temporary file made with mkstemp would be for its owner alone, and the result too."""
    before = os.umask(umask)
    try:
        with whole_file(tmp_path / "result") as file:
            file.write("for all")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == 0o666 & ~umask
