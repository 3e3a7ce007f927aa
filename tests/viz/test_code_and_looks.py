"""The code beside a drawing, and the reader's own function on its nodes."""

import linecache
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import nn, viz
from needle_edu.backend import NeedleError
from needle_edu.graph import Graph, Node
from needle_edu.viz.drawing.code import LINES, listings

pytestmark = pytest.mark.shares_memory
CELL = """x = ndl.Tensor([1.0, 2.0])
a = x * 3
# <script>alert(1)</script>
b = a + x


def late(t):
    return t.exp() * 2


y = late(b)
"""


def recorded(text=CELL, file="/tmp/ipykernel_17/31415.py"):
    """A cell run as Jupyter runs it: its text is known to linecache alone."""
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    with viz.record() as tape:
        exec(compile(text, file, "exec"), {"ndl": ndl, "nn": nn})
    return tape


def test_every_node_knows_the_line_that_made_it():
    drawing = recorded().draw(code=True)
    (listing,), left_out = listings(drawing.graph)
    assert left_out == 0 and listing.title == "a cell"
    made = {
        line.number: [drawing.graph.nodes[k].op for k in line.nodes] for line in listing.lines if line.nodes
    }
    assert made == {2: ["mul_scalar"], 4: ["add"], 8: ["exp", "mul_scalar"]}
    assert [line.number for line in listing.lines] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert listing.lines[1].text == "a = x * 3"


def test_the_page_has_the_lines_as_text_and_the_svg_has_none():
    drawing = recorded().draw(code=True)
    page = drawing.html
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page == recorded(file="/tmp/ipykernel_99/271828.py").draw(code=True).html, (
        "the same in every session"
    )
    assert "ipykernel" not in page and "ndl-code" not in recorded().draw().html
    ET.fromstring(drawing.svg)
    assert "late(b)" not in drawing.svg


def test_an_unrecorded_graph_says_what_to_do_and_a_lost_text_is_said():
    x = ndl.Tensor([1.0])
    assert "tape.draw(code=True)" in viz.draw(x * 2, code=True).html
    with viz.record() as tape:
        exec(compile("z = ndl.Tensor([1.0]) * 2", "<lost>", "exec"), {"ndl": ndl})
    assert "its text is not at hand" in tape.draw(code=True).html


def test_of_a_long_program_as_many_lines_as_can_be_read():
    graph = Graph({k: Node(k, source=("long.py", 3 * k)) for k in range(1, 101)})
    linecache.cache["long.py"] = (1, None, ["line\n"] * 400, "long.py")
    shown, left_out = listings(graph)
    assert sum(len(one.lines) for one in shown) == LINES and left_out == 40
    few = Graph({k: Node(k, source=("long.py", 3 * k)) for k in range(1, 21)})
    shown, left_out = listings(few)
    assert left_out == 0 and len(shown[0].lines) == 60


def test_a_function_changes_how_nodes_look_and_nothing_else():
    x = ndl.Tensor([1.0, 2.0])
    y = (x * 3).exp()
    asked = []

    def look(node):
        asked.append((node.op, node.shape))
        node.op = "spoilt"
        return {"label": "<b>hot", "rows": {"<i>": "1 & 2"}, "color": "red"} if node.name == "y" else None

    drawing = viz.draw(y, node=look)
    assert asked == [(None, (2,)), ("mul_scalar", (2,)), ("exp", (2,))]
    assert [node.op for node in drawing.graph.nodes.values()] == [None, "mul_scalar", "exp"]
    texts = {e.text for e in ET.fromstring(drawing.svg).iter() if e.text}
    assert {"<b>hot", "<i>", "1 & 2"} <= texts
    assert drawing.html.count('class="ndl-node ndl-op ndl-paint-red"') == 1
    assert "y: exp; shape (2,) float32" in drawing.svg, "its description keeps its name"
    assert viz.draw(y, node=lambda node: None).svg == viz.draw(y).svg


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (3, TypeError, "viz.draw: node=3; it is a function of a node"),
        (
            lambda node: node.shape[7],
            NeedleError,
            r"node= failed at x: parameter; shape \(1,\) float32: IndexError",
        ),
        (lambda node: "red", NeedleError, "node= returned str; it returns None or a dict"),
        (
            lambda node: {"colour": "red"},
            NeedleError,
            "the key 'colour'; there are label, rows, color, hide, at x",
        ),
        (
            lambda node: {"color": "pink"},
            NeedleError,
            "color='pink'; it is one of blue, orange, green, red, grey",
        ),
        (lambda node: {"color": ["red"]}, NeedleError, "color="),
        (lambda node: {"hide": "yes"}, NeedleError, "hide='yes'; it is True or False, at x"),
        (lambda node: {"hide": True}, NeedleError, "hides every node"),
        (lambda node: {"label": 3}, NeedleError, "label=3; a label is a str"),
        (lambda node: {"rows": ["a"]}, NeedleError, "rows are a dict"),
    ],
)
def test_what_a_function_may_not_say_names_the_node(function, error, message):
    x = ndl.Tensor([1.0])
    x.name = "x"
    with pytest.raises(error, match=message):
        viz.draw(x, node=function)
    with pytest.raises(ValueError, match="code is True or False"):
        viz.draw(x, code="yes")


@pytest.mark.browser
@pytest.mark.parametrize(("size", "theme"), [((1280, 800), "light"), ((390, 844), "dark")])
def test_lines_and_nodes_mark_each_other_offline(browser, tmp_path, size, theme):
    text = CELL + "model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())\nz = model(y.reshape((1, 2)))\n"
    drawing = recorded(text).draw(
        code=True, modules=0, node=lambda node: {"color": "green"} if node.op else None
    )
    page = browser.new_context(
        offline=True, viewport={"width": size[0], "height": size[1]}, color_scheme=theme
    ).new_page()
    page.goto(f"file://{drawing.save(tmp_path / 'd.html')}")
    marked = page.locator(".ndl-node.ndl-marked")
    line = page.locator("button.ndl-made", has_text="t.exp() * 2")
    line.focus()
    assert marked.count() == 2 and line.get_attribute("aria-pressed") == "false"
    page.keyboard.press("Enter")
    page.locator("button.ndl-made", has_text="a = x * 3").hover()
    assert marked.count() == 1
    page.mouse.move(2, 2)
    assert marked.count() == 2 and line.get_attribute("aria-pressed") == "true", "what was clicked stays"
    page.keyboard.press("Escape")
    assert marked.count() == 0
    page.locator(".ndl-node", has=page.locator("text=add")).first.focus()
    assert page.locator(".ndl-line.ndl-marked").text_content().endswith("b = a + x")
    page.locator("button.ndl-made", has_text="z = model").focus()
    assert page.locator(".ndl-group.ndl-marked").count() == 1, "nodes in a closed box are known by it"
    window, code = page.locator(".ndl-window").bounding_box(), page.locator(".ndl-code").bounding_box()
    assert (code["x"] > window["x"] + window["width"] - 1) == (size[0] > 1000), "beside it, or below"
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    found = axe.Axe().run(page, context="[id^=needle-drawing]").response["violations"]
    assert [
        f"{v['id']}: {v['nodes'][0]['html'][:90]}" for v in found if v["impact"] in ("serious", "critical")
    ] == []
    page.context.close()


def hide(*ops):
    return lambda node: {"hide": True} if node.op in ops or node.name in ops else None


def named_edges(drawing):
    labels = {key: node.label for key, node in drawing.graph.nodes.items()}
    return [(labels[e.source], labels[e.target], e.operand) for e in drawing.graph.edges]


def test_a_hidden_node_leaves_its_path():
    x, w = ndl.Tensor([1.0, 2.0]), ndl.Tensor([3.0, 4.0])
    x.name, w.name = "x", "w"
    y = (x * w).exp().tanh() * x.relu()
    drawing = viz.draw(y, node=hide("exp", "tanh", "relu"))
    assert named_edges(drawing) == [("x", "v1", 0), ("w", "v1", 1), ("v1", "y", 0), ("x", "y", 1)]
    assert repr(drawing) == "<Drawing of a computation graph: 4 nodes, 4 edges, 3 hidden>"
    assert drawing.text().startswith("computation graph: 4 nodes, 4 edges, 3 hidden\n")
    assert "3 nodes are hidden, their edges joined" in drawing.html and "3 hidden" in drawing.svg
    assert drawing.dot.count("->") == 4 and 'label="3 hidden"' in drawing.dot
    assert (
        "exp(" not in drawing.text()
        and "hidden" not in viz.draw(y).text()
        and "joined" not in viz.draw(y).html
    )
    # Two ways through hidden nodes into one operand are one edge; a leaf takes its edges along.
    both = viz.draw(((x * w) * (x + w)).exp(), node=hide("multiply", "add"))
    assert [(a, c) for a, _, c in named_edges(both)] == [("x", 0), ("w", 0)]
    alone = viz.draw(x * w, node=hide("x"))
    assert named_edges(alone) == [("w", "v1", 1)] and ">b</text>" in alone.svg, (
        "it is still the second operand"
    )
    result = viz.draw((x * 2).exp(), node=hide("exp"))
    assert [node.op for node in result.graph.nodes.values()] == [None, "mul_scalar"]
    assert "1 node is hidden, its edges joined" in result.html


@pytest.mark.parametrize("seed", range(6))
def test_what_is_hidden_changes_nothing_of_what_depends_on_what(seed):
    """On random graphs with boxes: shown nodes are joined by a path exactly where they were before."""
    rng = np.random.RandomState(seed)
    layer = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    values = [ndl.Tensor(rng.rand(2, 3)) for _ in range(3)]
    for _ in range(12):
        a, b = (values[k] for k in rng.randint(len(values), size=2))
        results = lambda a=a, b=b: a * b, lambda a=a, b=b: a + b, lambda a=a: layer(a), lambda a=a: a.exp()  # noqa: E731
        values.append(results[rng.randint(4)]())
    out = sum(values[1:], values[0])
    whole = viz.draw(out).graph
    gone = {key for key in whole.nodes if rng.rand() < 0.4}
    drawing = viz.draw(out, node=lambda node: {"hide": True} if node.id in gone else None, modules=True)
    assert set(drawing.graph.nodes) == set(whole.nodes) - gone

    def reach(graph, through):
        before = {}
        for edge in graph.edges:
            before.setdefault(edge.target, set()).add(edge.source)
        found = {}
        for key in graph.nodes:
            found[key] = set().union(*({s} | found[s] for s in before.get(key, ())))
        return {key: found[key] - through for key in graph.nodes if key not in through}

    assert reach(whole, gone) == reach(drawing.graph, set())
    ET.fromstring(drawing.svg)
    assert drawing.svg.count('class="ndl-title"') >= len(drawing.graph.nodes)
