"""What README and CONTRIBUTING promise, kept: examples print what stands below them, commands and files exist.

The picture was drawn by the first example; to draw it anew: `python -m tests.packaging.test_readme`.
"""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.cli import build_parser

REPO = Path(__file__).parents[2]
README = (REPO / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (REPO / "CONTRIBUTING.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL)
GRAPH = REPO / "docs" / "graph.svg"


def draw() -> str:
    """The picture of the first example, with the gradient of every value."""
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(EXAMPLES[0][0], names)
    names["w"].name, names["x"].name, names["y"].name = "w", "x", "y"
    return names["ndl"].viz.draw(names["y"], grads="all", direction="LR").svg


def labels(svg: str) -> list[str]:
    return sorted(re.findall(r">([^<>\n]+)</(?:text|tspan)>", svg))


@pytest.mark.parametrize(("code", "printed"), EXAMPLES, ids=["gradient", "training"])
def test_examples_print_what_they_promise(code, printed):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == printed


def test_no_example_goes_unchecked():
    assert README.count("```python") == len(EXAMPLES) == 2


def test_the_picture_shows_the_numbers_of_the_example():
    shown = labels(GRAPH.read_text(encoding="utf-8"))
    assert len(shown) > 20 and shown == labels(draw())


def test_commands_and_files_exist():
    targets = set(re.findall(r"^([a-z]+):", (REPO / "Makefile").read_text(), re.MULTILINE))
    commands = build_parser()._subparsers._group_actions[0].choices
    for text in (README, CONTRIBUTING):
        assert {
            word for words in re.findall(r"^make ([a-z ]+)", text, re.MULTILINE) for word in words.split()
        } <= targets
        assert set(re.findall(r"needle-edu ([a-z]+)", text)) <= set(commands)
        links = re.findall(r"\]\(([^):]+)\)", text)
        files = re.findall(r"`((?:csrc|docs|needle_edu|notebooks|tests|\.ci)/[\w./]+)`", text)
        for place in [*links, *files]:
            assert (REPO / place).exists(), place


def test_every_environment_variable_is_explained():
    used = set()
    for folder in ("needle_edu", "csrc", "tests"):
        for file in (REPO / folder).rglob("*.[pch]*"):
            if file.suffix in (".py", ".c", ".h"):
                found = re.findall(
                    r"(?:environ|getenv)\W+(?:get\W+|pop\W+)?(NEEDLE_\w+)", file.read_text(encoding="utf-8")
                )
                used.update(found)
    explained = set(re.findall(r"^\| `(NEEDLE_\w+)=", CONTRIBUTING, re.MULTILINE))
    assert len(used) >= 6 and used <= explained


if __name__ == "__main__":
    GRAPH.write_text(draw(), encoding="utf-8")
