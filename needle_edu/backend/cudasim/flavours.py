"""In which ways the simulator compiles a kernel.

plain: as fast as a processor runs it, on several cores. Wrong programs give wrong numbers, as they do on a GPU.
"""

from typing import NamedTuple

_ALWAYS = (
    "-std=c++17",
    "-fPIC",
    "-fno-plt",
    "-ffp-contract=off",  # a * b + c is rounded twice, the same on every machine
    "-fno-finite-loops",  # `while (true)` stays, and the watchdog ends it
    "-fno-math-errno",
    "-fno-strict-aliasing",  # float * seen as float4 *, as everybody does
    "-fno-gnu-unique",
    "-fno-builtin-printf",  # inside/standard_calls.cpp has its own
    "-fno-builtin-puts",
    "-fno-builtin-putchar",
)


class Flavour(NamedTuple):
    """A name, its number in csrc/cudasim/include/cudasim/device.h, and the compiler's flags."""

    name: str
    number: int
    flags: tuple[str, ...]


FLAVOURS = {"plain": Flavour("plain", 0, (*_ALWAYS, "-O2"))}
