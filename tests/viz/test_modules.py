"""`viz.modules`: the tree is the model's, what is built is what was asked for, and the page only asks Python."""

import base64
import json

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import nn, viz
from needle_edu.backend import NeedleError
from needle_edu.viz.page import PAGE
from needle_edu.viz.trees.editor import answered
from needle_edu.viz.trees.layers import arguments, build, facts

pytestmark = pytest.mark.shares_memory


class Mine(nn.Module):
    """A class of a reader's own, with a name that would be markup."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 4))

    def forward(self, x):
        return self.inner(x)


def small():
    return nn.Sequential(nn.Linear(8, 4), nn.Sequential(nn.ReLU(), nn.Dropout(0.2)), nn.Linear(4, 2))


def paths(tree):
    return [(row.path, row.kind) for row in tree.rows if row.editable]


@pytest.mark.parametrize(
    "text",
    [
        "Linear(3, 2)", "Linear(3, 2, bias=False)", "Conv2d(1, 6, 5, padding=2)", "Conv2d(1, 2, (3, 5), stride=2)",
        "BatchNorm1d(3, momentum=None)", "LeakyReLU(0.2)", "Softmax(0)", "Dropout(0.1)", "ReLU()", "Flatten(2)",
        "GELU('tanh')", "Embedding(3, 4, padding_idx=1)", "GroupNorm(2, 4)", "MaxPool2d(3, stride=1)", "LSTM(3, 4)",
    ],
)  # fmt: skip
def test_the_arguments_found_build_the_same_layer(text):
    layer = build(text)
    found = arguments(layer)
    assert found is not None
    assert facts(build(f"{type(layer).__name__}({found})")) == facts(layer)


def test_other_arguments_are_another_layer_and_no_random_number_is_drawn():
    assert facts(nn.LeakyReLU(0.2)) != facts(nn.LeakyReLU(0.1))
    assert facts(nn.MaxPool2d(2)) != facts(nn.MaxPool2d(3)) and arguments(nn.MaxPool2d(2)) == "2"
    assert facts(nn.Linear(2, 3)) != facts(nn.Linear(3, 2))
    layer = nn.Linear(3, 2)
    np.random.seed(5)
    expected = np.random.rand()
    np.random.seed(5)
    assert arguments(layer) == "3, 2"
    assert np.random.rand() == expected
    assert arguments(Mine()) is None


def test_the_code_builds_the_model():
    tree = viz.modules(small(), (2, 8))
    room = {"nn": nn}
    exec(tree.code, room)
    assert facts(room["model"]) == facts(tree.model)
    assert [row.shape for row in tree.rows] == ["(2, 2)", "(2, 4)", "(2, 4)", "(2, 4)", "(2, 4)", "(2, 2)"]
    assert sum(row.parameters for row in tree.rows[1:]) == tree.rows[0].parameters == 46
    assert repr(tree) == "<Modules: 6 modules, 46 parameters>"
    assert viz.modules(nn.Sequential(nn.Residual(nn.Linear(2, 2)), Mine())).code == (
        "model = nn.Sequential(\n    nn.Residual(nn.Linear(2, 2)),\n    Mine(...),\n)"
    )


def test_changes_are_those_of_a_list_and_the_readers_model_stays():
    model = small()
    before = [id(part) for _, part in model.named_modules()]
    tree = viz.modules(model, (2, 8))
    tree.add("Tanh()", 1).add(nn.Sigmoid()).move("modules.2.modules.1", 0).remove("modules.2").replace(
        0, "Identity()"
    )
    assert paths(tree) == [
        ("modules.0", "Identity"), ("modules.1", "Linear"), ("modules.2", "Sequential"),
        ("modules.2.modules.0", "ReLU"), ("modules.3", "Linear"), ("modules.4", "Sigmoid"),
    ]  # fmt: skip
    assert [id(part) for _, part in model.named_modules()] == before
    assert tree.model[1] is model[0], "layers keep their weights"
    x = ndl.Tensor(np.ones((1, 8), "float32"))
    np.testing.assert_array_equal(tree.model.eval()(x).numpy(), nn.Sigmoid()(model.eval()(x)).numpy())


def test_what_does_not_fit_is_marked_with_the_librarys_sentence():
    tree = viz.modules(small().append(nn.Linear(5, 2)), (2, 8))
    wrong = [row for row in tree.rows if row.error]
    assert [row.path for row in wrong] == ["modules.3"] and wrong[0].error == tree.error
    with pytest.raises(Exception) as raised:
        tree.model(ndl.Tensor(np.zeros((2, 8), "float32")))
    assert str(raised.value) == tree.error and "does not fit" in repr(tree)
    assert tree.model.training and tree.remove(3).error == ""
    assert viz.modules(small()).error == "" and viz.modules(small()).rows[1].shape == ""


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda t: viz.modules(3), TypeError, "wanted a module, got int"),
        (lambda t: viz.modules(small(), [2]), TypeError, "inputs are a shape such as"),
        (lambda t: viz.modules(small(), live="yes"), ValueError, "live is True or False"),
        (lambda t: t.add("Linear(8"), ValueError, "is no layer such as"),
        (lambda t: t.add("Linear"), ValueError, "write it as a call"),
        (lambda t: t.add("print(1)"), ValueError, "there is no layer nn.print"),
        (lambda t: t.add("Linear(x, 2)"), ValueError, "x is no number, text, tuple or layer"),
        (lambda t: t.add("Linear(0, 2)"), ValueError, "in_features is a whole number"),
        (lambda t: t.add("x" * 600), ValueError, "at most 500 letters"),
        (lambda t: t.add(3), ValueError, "wanted a layer or a text"),
        (
            lambda t: t.remove("modules.7"),
            ValueError,
            "'modules.7' is no layer of a Sequential; there are modules.0",
        ),
        (lambda t: t.remove(True), ValueError, "is no layer"),
        (lambda t: t.move(1, "modules.1.modules.0"), ValueError, "lies inside"),
        (lambda t: viz.modules(nn.ReLU()).add("Tanh()"), ValueError, "this model has none"),
        (lambda t: viz.modules(Mine()).remove("inner.modules.0"), ValueError, "is no layer of a Sequential"),
        (
            lambda t: viz.modules(nn.Sequential(*[nn.ReLU() for _ in range(2001)])),
            NeedleError,
            "more than 2,000",
        ),
    ],
)
def test_bad_input(call, error, message):
    tree = viz.modules(small(), (2, 8))
    with pytest.raises(error, match=message):
        call(tree)
    assert len(tree.rows) == 6, "nothing is half done"


def test_names_are_text_and_the_still_form_is_the_same_in_every_run():
    Bad = type("<script>alert(1)</script>", (nn.Module,), {"forward": lambda self, x: x})
    tree = viz.modules(nn.Sequential(Bad(), lambda x: x), (1, 2))
    assert "<script>alert" not in tree.still() and "<script>alert" not in json.dumps(tree.data()).replace(
        "<", "\\u003c"
    )
    assert viz.modules(small(), (2, 8)).html == viz.modules(small(), (2, 8)).html
    assert "viz.modules(model, live=True)" in tree.still()


def test_the_page_asks_and_python_answers():
    tree = viz.modules(small(), (2, 8))
    assert (
        answered(tree, {"do": "add", "path": "modules.0", "layer": "Tanh()"})["data"]["selected"]
        == "modules.1"
    )
    assert paths(tree)[1] == ("modules.1", "Tanh")
    answered(tree, {"do": "add", "path": "modules.2", "layer": "GELU()"})
    assert ("modules.2.modules.2", "GELU") in paths(tree), "into a chosen Sequential, at its end"
    first = answered(tree, {"do": "replace", "path": "modules.1", "layer": "Linear(0, 1)"})
    assert "whole number" in first["error"] and first != answered(tree, {"do": "remove", "path": "x"})
    assert answered(tree, {"do": "remove", "path": "modules.1"})["data"]["selected"] == "modules.1"
    assert answered(tree, {"do": "add", "path": "", "layer": "ReLU()"})["data"]["selected"] == "modules.3"


@pytest.mark.browser
@pytest.mark.parametrize(("size", "theme"), [((1280, 800), "light"), ((390, 844), "dark")])
def test_a_tree_folds_offline_and_is_changed_by_mouse_and_keys(browser, tmp_path, size, theme):
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=theme)
    page.goto(f"file://{viz.modules(small(), (2, 8)).save(tmp_path / 'm.html')}")
    page.locator("summary").nth(1).click()
    assert page.locator(".layer:visible").count() == 4 and page.locator("button").count() == 0
    tree = viz.modules(small(), (2, 8), live=False)
    tree._live = True
    page.expose_function("ask", lambda message: answered(tree, message))
    program = base64.b64encode(tree.program().encode()).decode()
    page.set_content(PAGE.format(title="a tree", body="<main><h1>A tree</h1><div id=place></div></main>"))
    page.evaluate(
        """async ([program, frame]) => {
          const { default: widget } = await import(`data:text/javascript;base64,${program}`);
          let show = null;
          const model = { get: (name) => (name === "frame" ? frame : "n"), off() {}, on: (_, f) => { show = f; },
            send: async (message) => { frame = await window.ask(message); show(); } };
          widget.render({ model, el: document.querySelector("#place") }); }""",
        [program, tree.frame()],
    )
    page.locator('[data-path="modules.0"]').click()
    page.locator(".tools select").select_option("Tanh")
    page.locator(".add").click()
    page.locator('[data-path="modules.1"] .kind', has_text="Tanh").wait_for()
    page.locator('[data-path="modules.1"]').press("Alt+ArrowUp")
    page.locator('[data-path="modules.0"] .kind', has_text="Tanh").wait_for()
    assert (
        page.evaluate("document.querySelector('#place > div').shadowRoot.activeElement.dataset.path")
        == "modules.0"
    )
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    page.locator(".misfit .why").wait_for()
    assert page.locator(".misfit .why").text_content() == tree.error
    page.locator('[data-path="modules.2"]').drag_to(page.locator('[data-path="modules.0"]'))
    page.locator('[data-path="modules.0"] .kind', has_text="Linear").wait_for()
    page.locator(".tools select").select_option("Linear")
    page.locator(".tools input").fill("0, 3")
    page.locator(".tools input").press("Enter")
    page.locator(".wrong", has_text="whole number").wait_for()
    assert page.locator("pre").text_content() == tree.code
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    found = axe.Axe().run(page).response["violations"]
    assert [
        f"{v['id']}: {v['nodes'][0]['html'][:90]}" for v in found if v["impact"] in ("serious", "critical")
    ] == []
    page.close()
