"""`make fuzz`: hunts with the property tests for some minutes.

`make test` shows Hypothesis's tests the same examples at every run. Here each round shows them others, more of them and
in a random order, until the minutes are over; the first counterexample ends the hunt. The seed of a round decides
everything in it: `make fuzz SEED=…` repeats it. A counterexample becomes a fixed example of its test (`@example`, or
the test's list FOUND) in the commit that mends what it found.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


def files() -> list[str]:
    """The tests' files that speak of Hypothesis: to collect all tests takes half a minute of each round."""
    found = sorted(Path(__file__).parent.rglob("test_*.py"))
    return [str(file) for file in found if "hypothesis" in file.read_text(encoding="utf-8")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--seed", type=int, help="of the first round; a random one if not given")
    parser.epilog = "Other words go to pytest: where to hunt, such as tests/ndarray -k setitem."
    options, where = parser.parse_known_args()
    seed = int.from_bytes(os.urandom(3)) if options.seed is None else options.seed
    end, left, rounds = time.monotonic() + 60 * options.minutes, 60 * options.minutes, 0
    print(f"fuzz: {options.minutes:g} minutes, the first round is SEED={seed}", flush=True)
    while left > 0:
        command = [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "-m",
                "hypothesis",
                "-p",
                "no:xdist",
                "-p",
                "tests.fuzz",
            ),
            *("--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}"),
            *(f"--shuffle={seed}", f"--seconds={left}", *(where or files())),
        ]
        status = subprocess.run(command).returncode
        if status:
            print(f"fuzz: round SEED={seed} ended with status {status}; this repeats it:")
            print(f"  make fuzz SEED={seed} MINUTES=30")
            return 1
        rounds, seed, left = rounds + 1, seed + 1, end - time.monotonic()
    print(
        f"fuzz: no counterexample in {options.minutes:g} minutes ({rounds} rounds, the last was SEED={seed - 1})"
    )
    return 0


# --- the rest is a plugin of pytest, for the rounds: it leaves out what would begin after the time is over ----------

END = pytest.StashKey[float]()


def pytest_addoption(parser):
    parser.addoption("--seconds", type=float, help="from the first test on; after them no test begins")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    end = item.config.stash.setdefault(END, time.monotonic() + item.config.getoption("--seconds"))
    return True if time.monotonic() > end else None


if __name__ == "__main__":
    sys.exit(main())
