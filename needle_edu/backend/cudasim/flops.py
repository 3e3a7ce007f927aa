"""How many floating-point operations each basic block of a library has, counted in its machine code by objdump."""

import platform
import re
import shutil
import subprocess
from functools import cache

_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)(.*)$")
_ARITHMETIC = re.compile(r"^v?(add|sub|mul|div|sqrt)(ss|sd|ps|pd)$")
_LANES = {"ss": 1, "sd": 1, "ps": 4, "pd": 2}


@cache
def flops_of_blocks(library: str) -> dict[int, int] | None:
    """Return, for each basic block of a library of the profile flavour, its operations; None where nobody can count.

    A block goes by the offset behind the call at its beginning. An addition, subtraction, multiplication, division or
    square root is one operation; calls such as expf count for nothing.
    """
    if platform.machine() not in ("x86_64", "AMD64") or not shutil.which("objdump"):
        return None
    command = ["objdump", "-d", "--no-show-raw-insn", library]
    said = subprocess.run(command, capture_output=True, text=True, errors="replace").stdout
    counts: dict[int, int] = {}
    block, begins = None, False
    for line in said.splitlines():
        found = _INSTRUCTION.match(line)
        if not found:
            if line.endswith(">:"):  # another function
                block = None
            continue
        address, name, operands = int(found[1], 16), found[2], found[3]
        if begins:
            block, begins = address, False
            counts[block] = 0
        if "call" in name + operands and "<__sanitizer_cov_trace_pc>" in operands:  # `call`, or `addr32 call`
            begins = True
        elif block is not None and (arithmetic := _ARITHMETIC.match(name)):
            counts[block] += _LANES[arithmetic[2]]
    return counts
