"""Engines to test: the C library through both forms of calling. Absent, the tests that need it skip and say why."""

import sys
from pathlib import Path

import pytest

from needle_edu.backend import cpu, native
from needle_edu.backend.build import builder

sys.path.insert(0, str(Path(__file__).parent))  # for kernel_cases.py
collect_ignore = ["hidden_device.py"]  # read for doctests it would register its device a second time


def require_c():
    if not cpu().native:
        pytest.skip(f"needs the C library: {native.reason}")


@pytest.fixture(scope="session")
def c_runtime():
    """The runtime of cpu(), when it is the C library."""
    require_c()
    return cpu().runtime


@pytest.fixture(scope="session")
def other_form(c_runtime):
    """A second runtime on the same library, called in the form that cpu() does not use."""
    form, library, reason = native.form, native.library_path, native.reason
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEEDLE_EDU_FORM", "dlopen" if form == "api" else "api")
        runtime = native.open_runtime()
        if native.form == form:
            pytest.skip(f"only one form of calling here: {native.reason}")
    native.form, native.library_path, native.reason = form, library, reason
    return runtime


@pytest.fixture
def compiler():
    """The C compiler's command; tests of the builder need one."""
    command = builder.find_compiler()
    if command is None:
        pytest.skip(f"needs a C compiler ({builder.HOW_TO_GET_A_COMPILER})")
    return command
