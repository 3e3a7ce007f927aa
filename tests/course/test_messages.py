"""Messages: what goes in comes out; whatever else arrives is a MessageError, and nothing of it is run."""

import contextlib
import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as st_np

from needle_edu.course import messages
from needle_edu.course.messages import MessageError, Raised, decode, encode

scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text()
arrays = st.sampled_from(list(messages.DTYPES)).flatmap(
    lambda name: st_np.arrays(name, st_np.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3))
)
values = st.recursive(
    scalars | arrays | st.just(Raised("ValueError")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5) | st.integers(0, 9), inner, max_size=4)
    ),
    max_leaves=12,
)


def equal(a, b) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[k], b[k]) for k in a)
    return a == b or (a != a and b != b)


@given(values)
@settings(max_examples=150, deadline=None)
def test_round_trip(value):
    assert equal(decode(encode(value)), value)


def test_arrays_of_any_layout():
    a = np.arange(24.0).reshape(2, 3, 4)
    for view in (a.T, a[:, ::-1], a[0, 0, 0], np.broadcast_to(a[0], (2, 3, 4)), a.astype(">f8")):
        np.testing.assert_array_equal(decode(encode(view)), view)


class Sly(np.ndarray):
    """An array that calls itself equal to everything."""

    def __eq__(self, other):
        return True


@pytest.mark.parametrize(
    "value",
    [
        object(),
        {1, 2},
        b"bytes",
        1j,
        2**63,
        np.array([1j]),
        np.array(["text"]),
        np.array([object()]),
        np.float16(1),
    ]
    + [np.zeros(3).view(Sly), print, int, {(1, 2): object()}, np.zeros(2**23 + 1), [0.0] * 30_000],
)
def test_what_no_message_can_carry(value):
    with pytest.raises(MessageError):
        encode(value)


def test_nesting_is_bounded():
    deep = []
    for _ in range(50):
        deep = [deep]
    with pytest.raises(MessageError):
        encode(deep)
    loop = []
    loop.append(loop)
    with pytest.raises(MessageError):
        encode(loop)


def test_exceptions_travel_by_built_in_name():
    class Mine(KeyError):
        pass

    assert messages.exception_name(Mine("secret")) == "KeyError"
    for name in ("print", "Mine", "__import__", "", 3, None):
        with pytest.raises(MessageError):
            decode(message(["raised", name]))


def message(tree, payload: bytes = b"", size: int | None = None) -> bytes:
    header = json.dumps([len(payload) if size is None else size, tree]).encode()
    return struct.pack(">I", len(header)) + header + payload


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0\0",
        struct.pack(">I", 2**32 - 1),
        struct.pack(">I", 3) + b"abc",
        struct.pack(">I", 60_000) + b"[" * 60_000,
        struct.pack(">I", 5_000) + b"9" * 5_000,
        struct.pack(">I", 9) + b"[0,1e999]",
        struct.pack(">I", 7) + b"[0,NaN]",
        struct.pack(">I", 4) + b"\xff\xff\xff\xff",
        message(1) + b"more",
        message(1, b"bytes of nothing"),
        message(1, size=-1),
        message(1, size=2**40),
        message(1, size=True),
        message(2**63),
        message({}),
        message([]),
        message([1, 2]),
        message(["pickle", 0]),
        message(["array", "object", [1]], b"\0" * 8),
        message(["array", "float64", [2]], b"\0" * 8),
        message(["array", "float64", [-1]], b"\0" * 8),
        message(["array", "float64", [1.0]], b"\0" * 8),
        message(["array", "float64", [True]], b"\0" * 8),
        message(["array", "float64", 1], b"\0" * 8),
        message(["array", "float64", [1] * 9], b"\0" * 8),
        message(["array", "float64", [0, 2**26, 2**26, 2**26]]),
        message(["array", "float64", [2**26] * 8]),
        message(["array", "bool", [2]], b"\1\2"),
        message(["array", ["float64"], [1]], b"\0" * 8),
        message(["text", 3], b"\xff\xff\xff"),
        message(["text", -1]),
        message(["text", 1e3]),
        message("x" * 5_000),
        message(["float", "1.0"]),
        message(["float", ["nan"]]),
        message(["dict", 3]),
        message(["dict", [["list"], 3]]),
        message(["dict", [1, 2, 3]]),
        message(["list", *[0] * 25_000]),
    ],
    ids=lambda data: repr(data[:40]),
)
def test_attacks(data):
    with pytest.raises(MessageError):
        decode(data)


@pytest.mark.parametrize("announced", [struct.pack(">I", messages.MAX_HEADER + 1), message(1, size=2**40)])
def test_no_more_is_read_than_a_message_may_hold(announced):
    """Whoever reads from a pipe would keep that much memory ready, and wait for it."""
    asked, stream = [], io.BytesIO(announced + b" " * 100_000)

    def read(count):
        asked.append(count)
        return stream.read(count)

    with pytest.raises(MessageError):
        messages.receive(read)
    assert max(asked) <= messages.MAX_HEADER


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_fuzz_bytes(data):
    with contextlib.suppress(MessageError):
        decode(struct.pack(">I", len(data)) + data)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.sampled_from(
        ["list", "tuple", "dict", "float", "raised", "text", "array", "float64", "bool", "nan", "x"]
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)


@given(json_values, st.binary(max_size=64), st.integers(-5, 80))
@settings(max_examples=300, deadline=None)
def test_fuzz_headers(tree, payload, size):
    with contextlib.suppress(MessageError):
        decode(message(tree, payload, size))


@given(values, st.data())
@settings(max_examples=100, deadline=None)
def test_fuzz_one_changed_byte(value, data):
    changed = bytearray(encode(value))
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(MessageError):
        decode(bytes(changed))
