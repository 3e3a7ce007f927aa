"""The C library as an engine of `cpu()`."""

import os

from .errors import BuildError


def switched_off() -> bool:
    """Return whether NEEDLE_EDU_NATIVE=0 asks for the NumPy reference."""
    return os.environ.get("NEEDLE_EDU_NATIVE") == "0"


def open_engine():
    """Load the C library."""
    raise BuildError("the C library is not part of this checkout yet")
