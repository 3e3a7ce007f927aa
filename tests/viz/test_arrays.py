"""`viz.array`: the addresses shown are those of the elements, and who shares memory stands beside the same one."""

import re

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import ndarray as nd, viz
from needle_edu.backend import NeedleError

pytestmark = pytest.mark.shares_memory


def views():
    a = nd.array(np.arange(24, dtype="f4").reshape(2, 3, 4))
    return {
        "itself": a,
        "transposed": a.permute((2, 0, 1)),
        "sliced": a[1:, ::2, 1:3],
        "flipped": a[::-1, :, ::-1],
        "broadcast": a[0, 0].broadcast_to((3, 4)),
        "reshaped": a.reshape((6, 4)),
        "one number": a[1, 2, 3].reshape(()),
    }


@pytest.mark.parametrize("name", views())
def test_addresses_are_where_the_elements_lie(name):
    view = views()[name]
    picture = viz.array(view)
    (strided,), (memory,) = picture.arrays, picture.memories
    np.testing.assert_array_equal(memory.values[strided.addresses], view.numpy())
    assert strided.shape == view.shape and len(memory.values) == 24
    shown = [
        (int(at), float(text)) for at, text in re.findall(r'data-at="(\d+)"[^>]*>([^<]*)</td>', picture.html)
    ]
    grid, strip = shown[: view.size], shown[view.size :]
    assert grid == list(zip(strided.addresses.ravel().tolist(), view.numpy().ravel().tolist(), strict=True))
    assert strip == [(k, float(k)) for k in range(24)]
    assert picture.html.count('class="unseen"') == 24 - len(set(strided.addresses.ravel().tolist()))


def test_views_stand_beside_one_memory_and_a_copy_beside_its_own():
    a = nd.array([[1.0, 2.0], [3.0, 4.0]])
    turned = a.T
    picture = viz.array(a, turned, turned.compact(), ndl.Tensor(a))
    assert [strided.memory.number for strided in picture.arrays[:3]] == [0, 0, 1]
    assert [strided.name for strided in picture.arrays] == ["a", "turned", "array 3", "array 4"]
    assert [strided.contiguous for strided in picture.arrays[:3]] == [True, False, True]
    assert picture.arrays[1].formula == "[i, j] is at 0 + 1·i + 2·j"
    assert viz.array(a[::-1]).arrays[0].formula == "[i, j] is at 2 − 2·i + 1·j"


def test_a_picture_shows_what_was_there_and_is_the_same_every_time(tmp_path):
    a = nd.array([1.0, 2.0])
    picture = viz.array(a)
    before = picture.html
    a[0] = 5.0
    assert picture.html == before != viz.array(a).html
    assert repr(picture) == "a: shape (2,), strides (1,), offset 0, float32, memory 1"
    assert picture.save(tmp_path / "a.html").read_text().count("needle-array-") == 2
    assert "no elements" in viz.array(nd.zeros((0, 3))).html


def test_names_are_text():
    def shown(**held):
        return viz.array(*held.values())

    (globals()["<b>"],) = (nd.zeros((1,)),)
    try:
        page = viz.array(globals()["<b>"]).html
    finally:
        del globals()["<b>"]
    assert "<b>" not in page and "&lt;b&gt;" in page


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ((), TypeError, "wanted at least one array"),
        ((np.zeros(3),), TypeError, "got ndarray; ndl.ndarray.array"),
        (([1.0],), TypeError, "got list"),
        ((nd.zeros((600,)),), NeedleError, "600 elements in a memory of 600, too many to show"),
        ((nd.zeros((600,))[:2],), NeedleError, "2 elements in a memory of 600"),
    ],
)
def test_what_cannot_be_shown_is_said(given, error, message):
    with pytest.raises(error, match=message):
        viz.array(*given)


@pytest.mark.browser
def test_an_element_and_its_place_show_each_other(browser, tmp_path):
    a = nd.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    page = browser.new_page()
    page.goto(f"file://{viz.array(a, a.T).save(tmp_path / 'a.html')}")
    page.locator("td", has_text="6").first.hover()
    linked = page.locator("td.linked")
    assert linked.all_text_contents() == ["6", "6", "6"], "in both grids, and in memory"
    page.locator(".memory td").nth(1).focus()
    assert linked.all_text_contents() == ["2", "2", "2"]
    page.close()
