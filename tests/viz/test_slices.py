"""Parts of large arrays in the live stepper: any slice, of what the engine held then, and nothing but slices."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.viz.stepper.slices import Keeper, parse_slice, shown_part


def recorded(limit=1 << 20):
    x = ndl.Tensor(np.arange(600.0).reshape(20, 30))
    with Keeper(limit) as keeper:
        y = x * 2
    return x, y, keeper


@pytest.mark.parametrize(
    "text", ["0:3, :5", "-1", "::2, ::-3", "..., 4", "5:2", "[1:3]", " 2 , 3 ", "-4:-1,-2", "…, 0:2", ":"]
)
def test_a_slice_means_what_it_means_in_numpy(text):
    a = np.arange(600.0).reshape(20, 30)
    wanted = eval(f"a[{text.strip('[]').replace('…', '...')}]", {"a": a})
    np.testing.assert_array_equal(a[parse_slice(text)], wanted)


@pytest.mark.parametrize(
    "text", ["", "a", "1.5", "__import__('os')", "1;2", "0:1:2:3", "None", "True", "(1, 2)", "1,,2"]
)
def test_nothing_but_slices_is_read(text):
    with pytest.raises(ValueError, match="wanted whole numbers and slices"):
        parse_slice(text)


def test_what_was_kept_is_what_was_there_then():
    x, y, keeper = recorded()
    snapshots = [snapshot for _, snapshot in keeper.records if snapshot]
    for tensor in (x, y):
        tensor.cached_data[:] = 0.0  # in place
    np.testing.assert_array_equal(keeper.whole(snapshots[0]), np.arange(600.0).reshape(20, 30))
    np.testing.assert_array_equal(keeper.whole(snapshots[1]), 2 * np.arange(600.0).reshape(20, 30))
    assert keeper.whole(None) is None


def test_no_more_is_kept_than_there_is_room_for():
    x, _, _ = recorded()
    _, _, keeper = recorded(limit=x.cached_data.nbytes)
    first, second = (snapshot for _, snapshot in keeper.records if snapshot)
    assert keeper.whole(first) is not None and keeper.whole(second) is None and keeper.room == 0


class Sent:
    """A widget's messages, without a page."""

    def __init__(self, widget):
        self.messages = []
        widget.send = self.messages.append


def test_the_widget_answers_with_the_part():
    pytest.importorskip("anywidget", reason="pip install anywidget")
    x = ndl.Tensor(np.arange(600.0).reshape(20, 30))
    widget = viz.step(((x * 2) ** 2).sum(), live=True)
    sent = Sent(widget)
    k, _ = next((k, s) for k, s in enumerate(widget.stepper.steps) if s.title.endswith("→ x"))
    widget._handle_custom_msg({"ask": 7, "step": k, "role": "contribution", "part": "0, :3"}, [])
    (message,) = sent.messages
    assert message["ask"] == 7 and message["parts"] == [
        '<div class="slice">shape (3,)</div>',
        "\t0 8 16",
    ]  # 8x
    widget._handle_custom_msg({"ask": 8, "step": k, "role": "contribution", "part": "<b>"}, [])
    assert sent.messages[-1]["parts"][0].startswith('<p class="pending">&lt;b>: wanted whole numbers')


def test_what_was_not_kept_is_said():
    x = ndl.Tensor(np.arange(600.0))
    steps = viz.step((x * 2).sum()).steps
    assert "not kept whole" in shown_part(None, steps[1], "y", "0")[0]
    assert "not kept whole" in shown_part(Keeper(), steps[1], "nobody", "0")[0]
