"""In which ways the simulator compiles a kernel.

plain: as fast as a processor runs it, on several cores. Wrong programs give wrong numbers, as they do on a GPU.

check: the compiler puts a call before each access to memory (-fsanitize=thread, whose runtime is not used), and the
checker in csrc/cudasim/check sees them all. Its other flags keep what the student wrote recognisable: a float4 is one
access and not four (sra), a line is one place in the program (reorder-blocks).

profile: the same, and a call at the beginning of each basic block; csrc/cudasim/profile makes counters of them.
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
    "-Wno-narrowing",  # dim3 grid{n / 256}: nvcc takes it
    "-fno-builtin-printf",  # inside/standard_calls.cpp has its own
    "-fno-builtin-puts",
    "-fno-builtin-putchar",
)


class Flavour(NamedTuple):
    """A name, its number in csrc/cudasim/include/cudasim/device.h, and the compiler's flags."""

    name: str
    number: int
    flags: tuple[str, ...]
    inside: tuple[str, ...]
    """Files of csrc/cudasim/inside that are linked into the library."""
    link: tuple[str, ...] = ()


_HOOKED = (
    "-O1",
    "-fsanitize=thread",
    "-fno-tree-sra",
    "-fno-ipa-sra",
    "-fno-reorder-blocks",
    "-gdwarf-4",  # with version 5, addr2line takes lines after #line for the generated file's
)
FLAVOURS = {
    # "cheap": loops over a few neighbours in registers become vector instructions, for which -O2 alone is too cautious
    "plain": Flavour("plain", 0, (*_ALWAYS, "-O2", "-fvect-cost-model=cheap"), ("standard_calls.cpp",)),
    "check": Flavour(
        "check",
        1,
        (*_ALWAYS, *_HOOKED, "--param=tsan-instrument-func-entry-exit=0"),
        ("standard_calls.cpp", "access_hooks.cpp", "atomic_hooks.cpp"),
        ("-fno-sanitize=thread",),  # when linking: its runtime stays out
    ),
    "profile": Flavour(
        "profile",
        2,
        (*_ALWAYS, *_HOOKED, "-fsanitize-coverage=trace-pc"),
        ("standard_calls.cpp", "profile_hooks.cpp", "atomic_hooks.cpp"),
        ("-fno-sanitize=thread",),
    ),
}
