"""What was tested is what ships: where a compiler exists, the tests must have run on the C library."""

import os
import shutil

import needle_edu
from needle_edu.backend import native


def test_the_c_library_was_what_was_tested():
    compiler = next(
        (name for name in (os.environ.get("CC") or "cc", "gcc", "clang") if shutil.which(name)), None
    )
    if compiler is None:
        assert not needle_edu.cpu().native
        return
    assert needle_edu.cpu().native, (
        f"{compiler} exists, yet the tests ran on the NumPy reference: {native.reason}"
    )
