"""docs/features.md promises nothing that is not there: its links name tests that exist, and its calls run."""

import ast
import functools
import re
from pathlib import Path

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import data, metrics, models, nn, ops, optim, training
from needle_edu.autograd.arrays import BACKEND
from needle_edu.autograd.registry import something_is_overridden

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
LINK = re.compile(r"\[([\w:]+)\]\((\.\./tests/[\w/.]+)\)")


def rows():
    """(mark, what, call, links) of every row of the tables."""
    for line in PAGE.splitlines():
        if line.startswith("| ") and not line.startswith(("| | what", "|---")):
            mark, what, call, links = re.split(r" ?\| ?", line.strip())[1:5]
            yield mark, what, call.strip(), links.strip()


ROWS = list(rows())


@functools.cache
def found_in(path):
    """The names of the tests in a file: functions, and methods as Class::method."""
    names = set()
    for node in ast.parse((ROOT / "docs" / path).resolve().read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{part.name}" for part in node.body if isinstance(part, ast.FunctionDef)}
    return names


def test_every_link_names_a_test():
    links = LINK.findall(PAGE)
    assert len(links) > 100
    wrong = [(name, path) for name, path in links if name not in found_in(path)]
    assert wrong == []
    assert not [name for name, _ in links if "test_" not in name]


def test_every_row_is_ticked_with_a_test_or_says_not_yet():
    for mark, what, call, links in ROWS:
        assert mark in ("✓", "not yet"), what
        assert bool(LINK.findall(links)) == (mark == "✓"), what
        assert call.startswith("`") == (mark == "✓"), what
        assert not LINK.sub("", links).strip(", "), links


def test_the_sections_follow_one_another_and_each_has_rows():
    parts = re.split(r"^## (\d+)\. .+$", PAGE, flags=re.MULTILINE)
    assert parts[1::2] == [str(number) for number in range(1, 11)]
    assert all(part.count("\n| ✓ |") > 5 for part in parts[2::2])


@pytest.mark.parametrize("call", [call for mark, _, call, _ in ROWS if mark == "✓"])
@pytest.mark.skipif(BACKEND == "np", reason="some calls are of NDArrays")
def test_the_calls_run(call, capsys, monkeypatch, tmp_path):
    """As they stand in the page, each for itself; nothing is at hand, and nothing is downloaded."""
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    names = {
        "ndl": ndl, "nd": ndl.ndarray, "nn": nn, "ops": ops, "optim": optim, "np": np, "model": model,
        "data": data, "metrics": metrics, "models": models, "training": training,
        "a": ndl.ndarray.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        "x": ndl.Tensor([[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]]), "y": ndl.Tensor([[1.0, 2.0, 0.5], [0.25, 3.0, 4.0]]),
        "image": ndl.init.rand(1, 3, 8, 8), "optimizer": optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
    }  # fmt: skip
    code = re.fullmatch(r"`([^`]+)`", call)
    assert code, call
    eval(code[1], names)
    assert list(tmp_path.iterdir()) == [], "a call leaves files"
    assert not something_is_overridden(), "a call leaves an override in force"
