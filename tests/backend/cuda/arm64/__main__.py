"""`python -m tests.backend.cuda.arm64`: the simulator on a Linux arm64 machine, which qemu is, plain and check.

The same builders compile the runtime and kernels with aarch64-linux-gnu-g++; driver.cpp runs them, in the place of
Python: the small kernels of ../kernels, every rung of csrc/cuda/ladder, and what ends a launch. Under the checker every
seeded bug of bugs.cu must be found at its lines, and its repair be clean. Exit status 77 if a tool is missing.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from needle_edu.backend.cudasim.build import include_dir, kernel_library, runtime_library
from needle_edu.backend.cudasim.flavours import FLAVOURS
from needle_edu.backend.cudasim.report import read_report
from needle_edu.backend.paths import csrc_dir

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from test_cuda_check import BUGS, code, places  # noqa: E402

COMPILER, EMULATOR, ROOT = "aarch64-linux-gnu-g++", "qemu-aarch64", "/usr/aarch64-linux-gnu"
RUNS = (("plain", "forward"), ("plain", "seeded"), ("check", "forward"), ("check", "reverse"))
ORDERS = ("forward", "reverse", "lockstep", "seeded")
SECONDS = 120  # of one run, at most: some 3 are usual


def libraries(runtime: Path, flavour: str) -> list[str]:
    """Return the paths of the libraries that the driver asks for, in its order."""
    kernels = HERE.parent / "kernels"
    ladder = sorted((csrc_dir() / "cuda" / "ladder").glob("*.cu"))
    sources = {name: [kernels / f"{name}.cu"] for name in ("basics", "warps", "bugs", "faults")}
    sources["ladder"] = ladder
    return [
        str(kernel_library(sources[name], FLAVOURS[flavour], runtime, name=f"{name}-arm64"))
        for name in ("basics", "warps", "ladder", "bugs", "faults")
    ]


def wrong_bug(line: str) -> str | None:
    """Return what is wrong with the report about one bug, or its repair; None if nothing is."""
    number, fixed, data = line.split(" ", 3)[1:]
    name, report = list(BUGS)[int(number)], read_report(json.loads(data), {})
    kind, _, lines = BUGS[name]
    if fixed == "1":
        return None if report.clean else f"{name}, repaired: {report}"
    texts = {code(place) for finding in report for place in places(finding)}
    found = {finding.kind for finding in report} == {kind}
    there = all(any(wanted in text for text in texts) for wanted in lines)
    return None if found and there else f"{name}: wanted {kind} at {lines}, got {report}"


def main() -> int:
    """Build, run and judge; return the exit status."""
    for tool in (COMPILER, EMULATOR):
        if not shutil.which(tool):
            print(f"*** SKIPPED: {tool} is needed: sudo apt-get install g++-aarch64-linux-gnu qemu-user ***")
            return 77
    begin, failures, held = time.monotonic(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(shutil.which("aarch64-linux-gnu-addr2line") or "", f"{folder}/addr2line")
        os.environ |= {
            "CXX": COMPILER, "NEEDLE_EDU_CACHE": f"{folder}/cache", "PATH": f"{folder}:{os.environ['PATH']}"
        }  # fmt: skip
        runtime = runtime_library()
        driver = Path(folder) / "driver"
        build = [COMPILER, "-std=c++17", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{include_dir()}"]
        link = [str(runtime), f"-Wl,-rpath,{runtime.parent}", "-ldl", "-o", str(driver)]
        subprocess.run([*build, str(HERE / "driver.cpp"), *link], check=True)
        built = {flavour: libraries(runtime, flavour) for flavour in dict(RUNS)}
        for flavour, order in RUNS:
            command = [EMULATOR, "-L", ROOT, str(driver), flavour, str(ORDERS.index(order)), *built[flavour]]
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            lines = done.stdout.splitlines()
            wrong = [line for line in lines if line.startswith("WRONG")]
            wrong += [text for line in lines if line.startswith("bug ") and (text := wrong_bug(line))]
            if done.returncode or "switched by arm64" not in done.stdout:
                wrong.append(f"exit status {done.returncode}: {done.stderr[-1000:]}")
            held += len(lines) - 1 - len(wrong)
            failures += [f"{flavour}, {order}: {text}" for text in wrong]
    print("\n".join(failures) or f"CUDA simulator on arm64: {held} results held")
    print(f"({time.monotonic() - begin:.0f} s)")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
