"""`viz.array`: the addresses shown are those of the elements, who shares memory stands beside the same one, elements
fly from where they lie; images and attention are shown as what they mean."""

import base64
import io
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


FLYING = """() => [...document.querySelectorAll(".flight span")].map((flyer) => {
  const flight = flyer.getAnimations()[0];
  const box = () => { const b = flyer.getBoundingClientRect(); return [b.left, b.top]; };
  flight.pause();
  flight.currentTime = 0;
  const from = box();
  flight.currentTime = flight.effect.getComputedTiming().endTime;
  const to = box();
  flight.play();
  return [flyer.textContent, ...from, ...to];
})"""
PLACES = """(place) => [...document.querySelectorAll(place + " td[data-at]")].map((cell) => {
  const box = cell.getBoundingClientRect();
  return [cell.textContent, box.left, box.top];
})"""


@pytest.mark.browser
@pytest.mark.parametrize("button", [1, 2])
def test_elements_fly_from_where_they_lie_to_where_they_are_shown(browser, tmp_path, button):
    """A row of a flipped array, written twice: from memory (button 1), and from the array it is a view of (2)."""
    a = nd.array(np.arange(6, dtype="f4").reshape(2, 3))
    page = browser.new_page()
    page.goto(f"file://{viz.array(a, a[1, ::-1].broadcast_to((2, 3))).save(tmp_path / 'a.html')}")
    buttons = page.locator("button")
    assert buttons.all_text_contents() == ["▶ from memory", "▶ from memory", "▶ from a"]
    source = page.evaluate(PLACES, [".memory", ".grids figure:nth-of-type(1)"][button - 1])
    target = page.evaluate(PLACES, ".grids figure:nth-of-type(2)")
    buttons.nth(button).click()
    flyers = page.evaluate(FLYING)
    assert [float(text) for text, *_ in flyers] == [5, 4, 3] * 2
    begins = {text: place for text, *place in source}
    for (text, *places), (shown, *end) in zip(flyers, target, strict=True):
        assert text == shown
        assert places == pytest.approx([*begins[text], *end], abs=1)
    assert page.locator("td.coming").count() == 6 and page.locator("td.left").count() == 3
    page.wait_for_function("!document.querySelector('.flight')")
    assert page.locator("td.coming, td.left").count() == 0
    page.close()


@pytest.mark.browser
def test_whoever_wants_no_motion_sees_none(browser, tmp_path):
    a = nd.array([[1.0, 2.0], [3.0, 4.0]])
    page = browser.new_page(reduced_motion="reduce")
    page.goto(f"file://{viz.array(a, a.T).save(tmp_path / 'a.html')}")
    page.locator("button").nth(2).click()
    assert all(places[:2] == pytest.approx(places[2:], abs=1) for _, *places in page.evaluate(FLYING))
    page.wait_for_function("!document.querySelector('.flight')")
    page.close()


# ---- images and attention -------------------------------------------------------------------------------------------


def pixels_of(picture):
    """What a PNG reader that is not ours sees."""
    imread = pytest.importorskip("matplotlib.image").imread
    found = re.findall(r"data:image/png;base64,([^\"]+)", picture.html)
    return [imread(io.BytesIO(base64.b64decode(data)), format="png")[..., :3] for data in found]


def test_images_are_on_one_scale():
    numbers = np.arange(12, dtype="f4").reshape(2, 2, 3)
    picture = viz.array(nd.array(numbers), show="images", labels=["<one>", 2])
    for shown, wanted in zip(pixels_of(picture), numbers / 11, strict=True):
        np.testing.assert_allclose(shown, np.repeat(wanted[..., None], 3, 2), atol=1 / 255)
    assert "&lt;one&gt;" in picture.html and "<one>" not in picture.html
    assert repr(picture) == "2 images of 2 × 3, from 0 to 11" and (picture.low, picture.high) == (0, 11)


@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
def test_images_have_their_colours(rng, last):
    numbers = rng.random((2, 4, 5, 3)).astype("f4")
    numbers[0, 0, 0], numbers[0, 0, 1] = 0, 1
    given = nd.array(numbers) if last else nd.array(np.moveaxis(numbers, -1, 1).copy())
    for shown, wanted in zip(pixels_of(viz.array(given, show="images")), numbers, strict=True):
        np.testing.assert_allclose(shown, wanted, atol=1 / 255)


def test_what_is_not_finite_is_red_and_said():
    picture = viz.array(ndl.Tensor([[0.0, np.nan], [np.inf, 2.0]]), show="images")
    assert repr(picture) == "1 image of 2 × 2, from 0 to 2; 2 not finite, red"
    (shown,) = pixels_of(picture)
    assert [shown[k].tolist() == shown[0, 1].tolist() for k in np.ndindex(2, 2)] == [False, True, True, False]


def test_attention_has_a_row_for_each_query_and_a_column_for_each_key():
    weights = nd.array(np.array([[[0.5, 0.25, 0.25], [0.0, 1.0, np.nan]]], "f4"))
    picture = viz.array(weights, show="attention", labels=(["he", "ran"], ["il", "<a>", "couru"]))
    said = re.findall(r"<td tabindex=\"0\"([^>]*?) title=\"([^\"]*)\"", picture.html)
    assert said == [
        (' style="--w:50%"', "he → il: 0.5"),
        (' style="--w:25%"', "he → &lt;a&gt;: 0.25"),
        (' style="--w:25%"', "he → couru: 0.25"),
        (' style="--w:0%"', "ran → il: 0"),
        (' style="--w:100%"', "ran → &lt;a&gt;: 1"),
        (' class="bad"', "ran → couru: nan"),
    ]
    assert repr(picture) == "attention of 2 queries to 3 keys, 1 head, from 0 to 1"
    assert "<a>" not in picture.html and "[0, :, :]" in picture.html


@pytest.mark.parametrize(
    ("given", "how", "error", "message"),
    [
        ((nd.zeros((2,)),), {"show": "images"}, NeedleError, r"no images in shape \(2,\)"),
        ((nd.zeros((2, 5, 4, 4)),), {"show": "images"}, NeedleError, r"one coloured image is x\[None\]"),
        ((nd.zeros((0, 4, 4)),), {"show": "images"}, NeedleError, "no images"),
        ((nd.zeros((300, 4, 4)),), {"show": "images"}, NeedleError, "300 images of 4 × 4 are too many"),
        ((nd.zeros((2, 4, 4)),), {"show": "images", "labels": ["a"]}, NeedleError, "1 words for 2 places"),
        ((nd.zeros((2, 4, 4)),), {"show": "images", "labels": 3}, TypeError, "must be a sequence of words"),
        ((np.zeros((4, 4)),), {"show": "images"}, TypeError, "got ndarray"),
        ((nd.zeros((4,)),), {"show": "attention"}, NeedleError, r"of shape \(…, queries, keys\)"),
        ((nd.zeros((65, 64)),), {"show": "attention"}, NeedleError, "4,160 weights are too many"),
        ((nd.zeros((2, 2)), nd.zeros((2, 2))), {"show": "attention"}, TypeError, "wanted one array, got 2"),
        ((nd.zeros((2, 2)),), {"show": "pictures"}, ValueError, "got 'pictures'"),
        ((nd.zeros((2, 2)),), {"labels": ["a"]}, TypeError, "labels belong to"),
    ],
)
def test_what_is_no_image_is_said(given, how, error, message):
    with pytest.raises(error, match=message):
        viz.array(*given, **how)
