"""The lecture on GPU programming in JupyterLab, without a GPU: threads, reports, and a typing error."""

import re

import pytest

from .test_first_hour import Reader, run_to_the_end

pytestmark = pytest.mark.browser
LECTURE = "lectures/09_gpu_programming.ipynb"


def test_threads_run_and_mistakes_are_shown_in_the_page(notebook):
    reader = Reader(notebook.page, notebook.lab)
    reader.open("start.ipynb")
    reader.follow("GPU programming", LECTURE)
    run_to_the_end(reader)
    shown = reader.shown
    shown.get_by_text("the checker found nothing wrong").first.wait_for(timeout=60_000)
    assert reader.tracebacks() == []

    hello = shown.locator(".jp-CodeCell").filter(has_text="hello[2, 3]()").first
    assert "hello from block 1, thread 2" in hello.locator(".jp-OutputArea").text_content()

    report = shown.locator(".jp-RenderedHTML").filter(has_text="scale.cu")
    remark = report.locator("span", has_text="out-of-bounds: a read of 4 bytes, 0 bytes past the end")
    remark.scroll_into_view_if_needed()
    look = "element => { const s = getComputedStyle(element); return [s.color, s.fontFamily]; }"
    (red, font), (plain, _) = remark.evaluate(look), report.locator("pre").evaluate(look)
    assert font == "monospace" and red != plain and re.match(r"rgb\((1[5-9]\d|2\d\d), ", red), (red, font)
    reader.screenshot("gpu-1-out-of-bounds")

    profile = shown.locator(".jp-RenderedHTML table").filter(has_text="add_wrong")
    profile.scroll_into_view_if_needed()
    assert profile.locator("td", has_text="12288 sectors, 12% coalesced").evaluate(look)[0] == red
    reader.screenshot("gpu-2-profile")

    reader.answer("__global__ void hello", '%%cuda\n__global__ void hello() {\n  printf("hello"\n}')
    said = shown.locator(".jp-CodeCell").filter(has_text='printf("hello"').first.text_content()
    assert re.search(r"hello\.cu:[34]:\d+: error: ", said) and "interactiveshell" not in said, said
    reader.screenshot("gpu-3-compile-error")
