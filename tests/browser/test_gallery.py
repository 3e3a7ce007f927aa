"""The gallery: run in JupyterLab as a reader runs it, exported to one file, and used there offline."""

import re
import shutil

import nbformat
import pytest

from needle_edu.backend import BuildError
from needle_edu.backend.cudasim import build

from . import gallery, geometry, pictures
from .conftest import Notebook, screenshot_folder
from .test_course import StepperOnPage
from .test_first_hour import Reader, run_to_the_end

pytestmark = pytest.mark.browser
SIZES = [(1280, 800), (800, 600), (390, 844)]
THEMES = ["light", "dark"]
MOST_BYTES = 1_500_000  # of the pictures in the documentation
OUTPUT = ".jp-OutputArea-output"


def has_compiler() -> bool:
    try:
        build.find_gxx()
    except BuildError:
        return False
    return True


@pytest.fixture(scope="module")
def ran(browser, lab, tmp_path_factory):
    """The notebook as JupyterLab has saved it: found on the start page, run from the menu."""
    shutil.rmtree(lab.private / "CONFIG" / "lab" / "workspaces", ignore_errors=True)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    reader = Reader(page, lab)
    reader.open("start.ipynb")
    reader.follow("Every view on a real model", "gallery.ipynb")
    run_to_the_end(reader)
    look_at_it_in_the_lab(reader)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("!jupyterapp.shell.currentWidget.context.model.dirty", timeout=60_000)
    page.close()
    return nbformat.read(lab.folder / "gallery.ipynb", as_version=4)


def look_at_it_in_the_lab(reader: Notebook) -> None:
    """Steppers step, boxes open, and no view takes another one's place."""
    page, shown = reader.page, reader.shown
    assert reader.tracebacks() == []
    stepper = StepperOnPage(page)
    assert stepper.where() == ("forward", 1, 15)
    stepper.click("last")
    assert stepper.where() == ("backward", 15, 15) and "0.3174" in stepper.grads(), "dy/dx = w (1 - y²)"
    assert StepperOnPage(page, 1).where()[:2] == ("forward", 3), "the other one stands at its breakpoint"
    header = shown.locator(".ndl-header[role=button]", has_text="RNNCell").first
    header.scroll_into_view_if_needed()
    header.focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-expanded") == "true"
    for kind in ("expression", "memory", "board", "playground", "array", *["kernel"] * has_compiler()):
        assert shown.locator(f".needle-{kind}, [id^=needle-{kind}]").count() == 1, kind
    reader.screenshot("gallery-lab")


@pytest.fixture(scope="module")
def exports(ran, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    return {theme: gallery.exported(ran, folder / f"{theme}.html", theme) for theme in THEMES}


@pytest.fixture
def opened(browser, exports):
    pages = []

    def open_page(theme="light", size=(1280, 800), **options):
        page = gallery.opened(
            browser, exports[theme], viewport=dict(zip(("width", "height"), size, strict=True)), **options
        )
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        assert page.errors == []
        page.context.close()


def test_it_is_one_file_of_modest_size(exports):
    text = exports["light"].read_text(encoding="utf-8")
    assert len(text) < 3_000_000
    assert not re.search(r'<(?:img|iframe)[^>]+src="(?!data:)', text)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "x".join(map(str, size)))
@pytest.mark.parametrize("theme", THEMES)
def test_nothing_is_cut_off_or_written_over(opened, theme, size):
    page = opened(theme, size)
    page.locator(".needle-board .panel").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert geometry.faults(page, OUTPUT) == []
    wide = "e => e.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.closest('.jp-Cell').id)"
    assert page.locator(OUTPUT).evaluate_all(wide) == [], "no view is wider than its place"
    folder = screenshot_folder()
    if folder:
        page.screenshot(path=folder / f"gallery-{theme}-{size[0]}.png", full_page=True)


def test_the_measure_of_text_finds_what_is_wrong(opened):
    page = opened()
    page.add_style_tag(content=".jp-OutputArea-output .ndl-title { font-size: 40px !important }")
    assert any("is written over" in fault for fault in geometry.faults(page, OUTPUT))
    page.add_style_tag(content=".needle-check { width: 60px; overflow: hidden; white-space: nowrap }")
    assert any("is cut off" in fault for fault in geometry.faults(page, OUTPUT))


def test_it_steps_folds_and_zooms_without_a_kernel(opened):
    """With the keyboard alone."""
    page = opened()
    stepper = StepperOnPage(page)
    stepper.box.locator(".stepper").focus()
    for key, step in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("End", 15), ("Home", 1)):
        page.keyboard.press(key)
        assert stepper.where()[1] == step, key
    block = page.locator('[id="cell-id=draw-transformer"]')
    header = block.locator(".ndl-header", has_text="self_attn").first
    header.focus()
    page.keyboard.press("Enter")
    assert header.get_attribute("aria-expanded") == "true"
    assert block.locator(".ndl-title:visible", has_text=re.compile("^attention$")).count() == 1
    svg, window = block.locator(".ndl-window > svg"), block.locator(".ndl-window")
    window.focus()
    heights = "([svg, window]) => svg.getBoundingClientRect().height - window.clientHeight"
    for key, sign in (("0", -1), ("+", 1)):  # the whole graph, and larger again; at rest after a moment
        page.keyboard.press(key)
        wanted = f"(both) => {sign} * ({heights})(both) >= 0"
        page.wait_for_function(wanted, arg=[svg.element_handle(), window.element_handle()], timeout=30_000)
    play = page.locator(".needle-playground")
    play.locator('input[type="range"]').press("Home")
    assert play.locator(".now").text_content().startswith("step 0,")


@pytest.mark.parametrize("theme", THEMES)
def test_nobody_is_kept_out(opened, theme):
    """An axe scan of everything the cells show; nothing serious."""
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python"
    )
    page = opened(theme)
    found = axe.Axe().run(page, context=OUTPUT).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == [], [
        (one["id"], one["nodes"][0]["html"][:200]) for one in found
    ]


def test_the_pictures_of_the_documentation_show_it(opened, ran):
    """`make pictures` draws them anew. Of the training, lines may lie a little elsewhere on another processor."""
    page = opened(size=tuple(gallery.SIZE.values()))
    names = gallery.views(ran)
    shown = re.findall(r"\]\(gallery/(.+?)\.png\)", gallery.PAGE.read_text(encoding="utf-8"))
    files = {file.stem: file for file in gallery.FOLDER.glob("*.png")}
    assert sorted(shown) == sorted(names) == sorted(files), "a picture of each view, and no other"
    assert sum(file.stat().st_size for file in files.values()) < MOST_BYTES
    for name, png in gallery.photographs(page, names):
        if name == "kernel" and not has_compiler():
            continue
        wrong = pictures.difference(pictures.pixels(png), pictures.pixels(files[name].read_bytes()))
        assert wrong == "", f"{name}: {wrong}; look at it, and run: make pictures"
