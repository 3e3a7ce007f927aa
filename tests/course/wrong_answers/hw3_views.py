"""Homework 3, questions 1 to 3: strides, permuted and repeated views, slices."""

from . import changed, solutions

STRIDES, TURNED, SLICED = (solutions("hw3")[q] for q in ("q1", "q2", "q3"))
LOOP = "for size in reversed(shape):"
BACK = "return tuple(reversed(strides))"
FREE = "if 0 not in old and size != 1 and has != wanted:"
PLAIN = "return tuple(shape), compact_strides(shape), offset"
PICKED = "return tuple(shape[axis] for axis in axes), tuple(strides[axis] for axis in axes), offset"
AXES = "missing = len(shape) - len(old)"
FITS = "if size != new and size != 1:"
STEP = "found.append(stride if size == new else 0)"
INSIDE = "if not -size <= part < size:"
PLACE = "offset += part % size * stride"
BEGIN = "offset += start * stride"
COUNT = "sizes.append(len(range(start, stop, step)))"
APART = "steps.append(step * stride)"

WRONG = {
    "q1: the first axis without gaps": changed(
        STRIDES, LOOP, "for size in shape:", BACK, "return tuple(strides)"
    ),
    "q1: in the wrong order": changed(STRIDES, BACK, "return tuple(strides)"),
    "q1: in bytes": changed(STRIDES, "strides, step = [], 1", "strides, step = [], 4"),
    "q1: the sizes themselves": changed(STRIDES, "step *= size", "step = size"),
    "q1: sums": changed(STRIDES, "step *= size", "step += size"),
    "q1: a list": changed(STRIDES, BACK, "return set(strides)"),
    "q1: one axis too many": changed(STRIDES, BACK, "return tuple(reversed([*strides, step]))"),
    "q1: always free": changed(STRIDES, "return None", "pass"),
    "q1: never free": changed(STRIDES, FREE, "if True:"),
    "q1: the offset forgotten": changed(STRIDES, PLAIN, "return tuple(shape), compact_strides(shape), 0"),
    "q1: an offset is no compact view": changed(STRIDES, FREE, "if offset or has != wanted:"),
    "q1: strides of axes of size 1": changed(STRIDES, FREE, "if 0 not in old and has != wanted:"),
    "q1: strides of an empty view": changed(STRIDES, FREE, "if size != 1 and has != wanted:"),
    "q1: the old strides": changed(STRIDES, PLAIN, "return tuple(shape), strides, offset"),
    "q1: the last axis alone": changed(
        STRIDES, FREE, "if has != wanted and size is old[-1] and wanted == 1:"
    ),
    "q1: the first axis alone": changed(
        STRIDES, FREE, "if wanted != 1 and has != wanted and size != 1 and 0 not in old:"
    ),
    "q1: backwards is free": changed(STRIDES, "has != wanted", "abs(has) != wanted"),
    "q2: the other way round": changed(
        TURNED, PICKED, "axes = np.argsort([axis % max(len(shape), 1) for axis in axes])\n    " + PICKED
    ),
    "q2: the shape alone": changed(
        TURNED, PICKED, PICKED.replace("tuple(strides[axis] for axis in axes)", "strides")
    ),
    "q2: the strides alone": changed(
        TURNED, PICKED, PICKED.replace("tuple(shape[axis] for axis in axes)", "shape")
    ),
    "q2: compact again": changed(
        TURNED,
        PICKED,
        PICKED.replace("strides[axis] for axis in axes", "int(np.prod(shape[axis + 1:])) for axis in axes"),
    ),
    "q2: reversed": changed(TURNED, PICKED, "return shape[::-1], strides[::-1], offset"),
    "q2: the offset forgotten": changed(TURNED, PICKED, PICKED.replace("offset", "0")),
    "q2: no negative axes": changed(
        TURNED,
        PICKED,
        "if min(axes, default=0) < 0:\n        raise ValueError('a negative axis')\n    " + PICKED,
    ),
    "q2: aligned at the beginning": changed(
        TURNED,
        "found = [0] * missing",
        "found = []",
        "shape[missing:]",
        "shape",
        "tuple(found), offset",
        "tuple(found + [0] * missing), offset",
    ),
    "q2: new axes keep a step": changed(TURNED, "found = [0] * missing", "found = [1] * missing"),
    "q2: stride 1 for what is repeated": changed(TURNED, STEP, "found.append(stride if size == new else 1)"),
    "q2: the old stride": changed(TURNED, STEP, "found.append(stride)"),
    "q2: all strides 0": changed(TURNED, STEP, "found.append(0)"),
    "q2: anything fits": changed(TURNED, FITS, "if False:"),
    "q2: multiples fit": changed(TURNED, FITS, "if new % max(size, 1):"),
    "q2: nothing but equal sizes": changed(TURNED, FITS, "if size != new:"),
    "q2: fewer axes fit": changed(
        TURNED, "if missing < 0:", "if False:", AXES, "missing = max(len(shape) - len(old), 0)"
    ),
    "q2: another exception": changed(TURNED, 'raise ValueError(f"a size', 'raise TypeError(f"a size'),
    "q2: what grows may shrink": changed(TURNED, FITS, "if size != new and size != 1 and new != 1:"),
    "q3: the offset forgotten": changed(SLICED, BEGIN, "pass"),
    "q3: the offset without the stride": changed(SLICED, BEGIN, "offset += start"),
    "q3: an index without the stride": changed(SLICED, PLACE, "offset += part % size"),
    "q3: the step forgotten": changed(SLICED, APART, "steps.append(stride)"),
    "q3: the stride forgotten": changed(SLICED, APART, "steps.append(step)"),
    "q3: divided and rounded down": changed(SLICED, COUNT, "sizes.append(max(0, (stop - start) // step))"),
    "q3: stop itself too": changed(SLICED, COUNT, "sizes.append(len(range(start, stop + 1, step)))"),
    "q3: negative sizes": changed(SLICED, COUNT, "sizes.append(-((start - stop) // step))"),
    "q3: an index keeps its axis": changed(
        SLICED, PLACE, f"{PLACE}\n            sizes.append(1)\n            steps.append(stride)"
    ),
    "q3: negative indices below the beginning": changed(SLICED, PLACE, "offset += part * stride"),
    "q3: no negative indices": changed(SLICED, INSIDE, "if not 0 <= part < size:"),
    "q3: indices wrap": changed(SLICED, INSIDE, "if False:"),
    "q3: an index may be the size": changed(SLICED, INSIDE, "if not -size <= part <= size:"),
    "q3: axes without a part are gone": changed(
        SLICED,
        "    return tuple(sizes), tuple(steps), offset",
        "    count = sum(not isinstance(part, int) for part in index)\n    return "
        "tuple(sizes[:count]), tuple(steps[:count]), offset",
    ),
    "q3: begins anew": changed(
        SLICED, "shape, strides, offset = view", "shape, strides, offset = *view[:2], 0"
    ),
    "q3: backwards from the beginning": changed(
        SLICED, BEGIN, "offset += (start if step > 0 else 0) * stride"
    ),
    "q3: backwards with a positive stride": changed(SLICED, APART, "steps.append(abs(step) * stride)"),
    "q3: bounds are not cut off": changed(
        SLICED,
        "start, stop, step = slice(*part).indices(size)",
        "start, stop, step = (d if p is None else p for p, d in zip(part, (0, size, 1)))",
    ),
    "q3: another exception": changed(SLICED, "raise IndexError", "raise ValueError"),
}

HINTS = {
    "q1: the first axis without gaps": [
        "That is the other way round: the last axis is the one without gaps."
    ],
    "q2: the other way round": ["Axis k of the result is axis axes[k] of the view, not the other way round."],
    "q2: new axes keep a step": ["A new axis in front takes no step either."],
    "q3: the offset forgotten": ["Where does it begin?", "It begins at the last row."],
    "q3: backwards from the beginning": ["It begins at the last row."],
}
NEUTRAL = {
    "Only the strides decide whether it is compact; the offset stays.",
    "Where nobody takes a step, the stride does not matter.",
    "Where does the new view begin?",
    "Shape and strides are picked by the same list; the offset stays.",
    "Line the shapes up at their ends. Which axes take a step?",
    "Is there a size that is neither 1 nor the same? Are there fewer axes than before?",
    "Which element does it begin with, and how far is it to the next?",
}
LIST = "lists and tuples count as equal, and the shape that comes is a tuple"
WORDS = "only the words of the error"
EQUIVALENT = {
    "q1: tuple(shape) → shape": LIST,
    "q2: tuple(shape) → shape": LIST,
    "q2: tuple(found) → found": LIST,
    "q2: len(old) → old (2)": WORDS,
    "q2: len(shape) → shape (2)": WORDS,
    "q3: tuple(sizes) → sizes": LIST,
    "q3: tuple(steps) → steps": LIST,
}
