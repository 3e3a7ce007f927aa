"""A failed test of an order or of a reverse mode shows its graph twice: as it should be, and as the answer has it."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu.course import check, close, same
from needle_edu.course.check import report

ROOT = Path(__file__).resolve().parents[2]
HOMEWORK = ROOT / "notebooks" / "homework" / "hw1"


@pytest.fixture
def ask(monkeypatch):
    """The report on an answer to a question of homework 1, by its visible tests."""
    monkeypatch.chdir(HOMEWORK)
    cells = [
        "".join(c["source"])
        for c in json.loads((HOMEWORK / "hw1.ipynb").read_text(encoding="utf-8"))["cells"]
    ]

    def asked(question, answer):
        namespace = {"np": np, "close": close, "same": same, "check": check, "ndl": ndl}
        exec(answer, namespace)
        tests = next(cell for cell in cells if f"def test_{question}_" in cell)
        exec(tests.split("### BEGIN HIDDEN")[0], namespace)
        return report(question, namespace, homework="hw1")

    return asked


def pictures(page):
    """(caption, rows of every box, numbers of the boxes that are wrong) of every picture in a page."""
    found = []
    for caption, svg in re.findall(r"<figcaption[^>]*>([^<]*)</figcaption>(<svg.*?</svg>)", page):
        boxes, wrong, tree = [], [], ElementTree.fromstring(svg)
        for part in tree:
            if part.tag == "rect":
                wrong += [len(boxes)] if part.get("stroke") == "#d1242f" else []
                boxes.append([])
            elif part.tag == "text":
                boxes[-1].append(part.text)
        found.append((caption, boxes, wrong))
    return found


PRE_ORDER = """
def find_topo_sort(node_list):
    order, seen = [], set()
    def visit(node):
        if id(node) not in seen:
            seen.add(id(node))
            order.append(node)
            for x in node.inputs:
                visit(x)
    for node in node_list:
        visit(node)
    return order
"""
LAST_ONLY = """
def compute_gradient_of_variables(output, out_grad):
    from needle_edu.autograd import find_topo_sort
    output.grad = out_grad
    for node in reversed(find_topo_sort([output])):
        if node.op is not None:
            for x, g in zip(node.inputs, node.op.gradient_as_tuple(node.grad, node)):
                if g is not None:
                    x.grad = g
"""


def test_an_order_is_shown_beside_the_expected_one(ask):
    page = ask("q3", PRE_ORDER)._repr_html_()
    found = pictures(page)
    assert [caption for caption, _, _ in found[:2]] == ["expected order", "your order"] and len(found) == 8
    (_, wanted, none), (_, mine, wrong) = found[:2]
    assert (
        wanted == [["node 0", "1st"], ["node 1", "2nd"], ["node 2", "3rd"], ["node 3", "4th"]] and none == []
    )
    assert mine == [["node 0", "3rd"], ["node 1", "4th"], ["node 2", "2nd"], ["node 3", "1st"]]
    assert wrong == [0, 1, 2, 3]
    assert found[3][2] == [0, 1, 3], "node 2 stands where it should"
    assert found[6][1][3] == ["node 3", "not in it"]
    assert (
        'aria-label="your order: node 0 3rd, wrong; node 1 4th, wrong; node 2 2nd, wrong; node 3 1st, wrong"'
        in page
    )


def test_a_gradient_is_shown_beside_the_expected_one(ask):
    found = pictures(ask("q4", LAST_ONLY)._repr_html_())
    (first, wanted, none), (second, mine, wrong) = found[:2]
    assert (first, second) == ("expected gradient", "your gradient")
    assert (
        wanted == [["0: leaf", "value [1, -2, 3]", "grad [2, -4, 6]"], ["1: ×", "value [1, 4, 9]"]]
        and none == []
    )
    assert mine == [
        ["0: leaf", "value [1, -2, 3]", "grad [1, -2, 3]"],
        ["1: ×", "value [1, 4, 9]"],
    ] and wrong == [0]
    _, boxes, wrong = found[3]
    assert boxes == [
        ["0: leaf", "value 2"],
        ["1: leaf", "value 3", "grad 3"],
        ["2: +", "value 5"],
        ["3: ×", "value 15"],
    ]
    assert wrong == [1]


def test_a_gradient_that_is_missing(ask):
    page = ask("q4", "def compute_gradient_of_variables(output, out_grad): pass")._repr_html_()
    assert pictures(page)[1][1][0][-1] == "grad none"


def test_what_passes_and_what_raises_has_no_picture(ask):
    right = PRE_ORDER.replace("            order.append(node)\n", "").replace(
        "                visit(x)\n", "                visit(x)\n            order.append(node)\n"
    )
    page = ask("q3", right)._repr_html_()
    assert page.count("✓ pass") == 4 and pictures(page) == []
    assert pictures(ask("q3", "def find_topo_sort(node_list): return 1 / 0")._repr_html_()) == []


@pytest.mark.parametrize("order", ["[3]", "[]", "node_list * 2", "['x']"])
def test_an_order_of_anything_is_shown_or_said(ask, order):
    page = ask("q3", f"def find_topo_sort(node_list): return {order}")._repr_html_()
    assert "✗ fail" in page
    for _, boxes, _ in pictures(page):
        assert all(len(rows) == 2 for rows in boxes)


def test_other_comparisons_and_hidden_tests_stay_without():
    tests = "def test_q1_pair(pair):\n    same(pair([[], [0]]), [0, 1])"
    namespace = {"np": np, "close": close, "same": same, "check": check}
    exec("def pair(graph): return [1, 0]\n" + tests, namespace)
    assert "<svg" not in report("q1", namespace)._repr_html_()


def test_a_graph_too_large_to_read_is_not_drawn(ask, monkeypatch):
    monkeypatch.setattr("needle_edu.course.pictures.MAX_NODES", 3)
    found = pictures(ask("q3", PRE_ORDER)._repr_html_())
    assert [len(boxes) for _, boxes, _ in found] == [3, 3]
