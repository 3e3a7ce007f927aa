"""Random operands for every kernel of the header: strided, reversed, broadcast, with gaps that must stay untouched.

Which cases fit an elementwise kernel or a reduction, its declaration says; all others have a function here.
"""

import dataclasses
import re

import numpy as np

from needle_edu.backend import optimizer_steps as steps
from needle_edu.backend.activations import KINDS
from needle_edu.backend.dtypes import BOOL, DTYPES, F64, I32, I64
from needle_edu.backend.paths import csrc_dir

HEADER = (csrc_dir() / "include" / "needle_kernels.h").read_text()


def declared(inputs: str, dense: bool = True) -> list[str]:
    """Return the kernels declared with a plan, an output and `inputs` (types alone), with or without a dense form."""
    found = re.findall(r"int nd_(\w+)\(const nd_plan \*p, void \*out, (.*?)\);", HEADER)
    fitting = [name for name, given in found if re.sub(r"(\*|double )\w+", r"\1", given) == inputs]
    return [name for name in fitting if (f"nd_{name}_dense(" in HEADER) == dense]


UNARY = declared("const void *")
BINARY = declared("const void *, const void *")
SCALAR = [name.removesuffix("_scalar") for name in declared("const void *, double ")]
LINES = ["cumsum", "cumprod", "cumargmax", "cumargmin", "linear_scan", "sort", "argsort"]
REDUCE = [name for name in declared("const void *", dense=False) if name not in ("copy", *LINES)]
ACTIVATIONS = ("activation", "activation_backward")
SOFTMAX = ("softmax", "softmax_backward")
ATTENTION = ("attention", "attention_backward")
LOSSES = (
    "cross_entropy", "cross_entropy_backward", "soft_cross_entropy", "soft_cross_entropy_backward",
    "nll", "nll_backward",
)  # fmt: skip
CONVOLUTIONS = ("conv", "conv_input_backward", "conv_weight_backward")
STEPS = ("optimizer_steps",)
STEP_KINDS = list(steps.FORMULAS.values())
NORMS = ("batch_norm_dense", "batch_norm_backward_dense", "group_norm_dense", "group_norm_backward_dense")
RUNNING = ("running_averages_dense",)
RECURRENCE = ("recurrence_dense", "recurrence_backward_dense")
POOLINGS = ("max_pool", "max_pool_backward", "avg_pool", "avg_pool_backward")
ADAPTIVE = ("adaptive_max_pool", "adaptive_max_pool_backward")
DECODING = ("gpt_block_dense",)
SEVERAL_OUTPUTS = {*STEPS, *NORMS, *RUNNING, *ATTENTION, *RECURRENCE, *DECODING}

# Functions that round differently in different libraries; all others must agree to the last bit.
ROUNDED = {
    *("exp", "log", "sin", "cos", "tanh", "sigmoid", "power", "rpower", "logsumexp", "sum", "prod", "matmul"),
    "sum_squares",
    *(
        "tanh_backward",
        "sigmoid_backward",
        "erf",
        "gelu",
        "silu",
        "softplus",
        "gelu_backward",
        "silu_backward",
        "optimizer_steps",
        "scatter",
    ),
    *LOSSES,
    *ACTIVATIONS,
    *SOFTMAX,
    *CONVOLUTIONS,
    *("max_pool_backward", "avg_pool", "avg_pool_backward", "taps"),
    *("cumsum", "cumprod", "linear_scan", "atan2"),
    *("tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"),
    *("log1p", "expm1", "log2", "log10"),
}
TO_BOOL = {
    *("equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("logical_not", "logical_and", "logical_or", "logical_xor"),
}


def all_names() -> set[str]:
    """Return every kernel that has a case here."""
    dense = [*UNARY, *BINARY, *(f"{name}_scalar" for name in SCALAR), "fill"]
    others = ["copy", "where", "matmul", "gather", "scatter", "taps_dense", *REDUCE, *LINES, *STEPS, *LOSSES]
    others += [
        "dropout_dense",
        *ACTIVATIONS,
        *SOFTMAX,
        *ATTENTION,
        *CONVOLUTIONS,
        *NORMS,
        *POOLINGS,
        *ADAPTIVE,
        *RUNNING,
        *RECURRENCE,
        *DECODING,
    ]
    return {*dense, *(f"{name}_dense" for name in dense), *others}


@dataclasses.dataclass
class Operand:
    """The memory of an operand (a one-dimensional array) and how the iteration space lies in it."""

    memory: np.ndarray
    offset: int
    strides: tuple[int, ...]

    @property
    def code(self) -> int:
        return DTYPES.index(self.memory.dtype)


@dataclasses.dataclass
class Case:
    """One call: either a plan (`shape` set) or a dense one (`count` set), memories, and what follows them."""

    operands: list[Operand]
    shape: tuple[int, ...] | None = None
    count: int | None = None
    extra: tuple = ()


def numbers(rng: np.random.Generator, size: int, code: int, special: bool = True) -> np.ndarray:
    """Return random elements: small integers, or floats among which nan, infinities, zeros and denormals occur."""
    if code == BOOL:
        return rng.integers(0, 2, size).astype(bool)
    if code > F64:
        return rng.integers(-9, 10, size).astype(DTYPES[code])
    values = rng.normal(0, 3, size)
    if special and size:
        tiny = np.finfo(DTYPES[code]).smallest_subnormal
        chosen = rng.random(size) < 0.2
        values[chosen] = rng.choice(
            [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, float(tiny)], chosen.sum()
        )
    return values.astype(DTYPES[code])


def shape_of(rng: np.random.Generator, ndim: int | None = None) -> tuple[int, ...]:
    """Return a random shape: sometimes empty, sometimes with one dimension long enough for vector instructions."""
    ndim = int(rng.integers(0, 6)) if ndim is None else ndim
    shape = [int(n) for n in rng.choice([1, 2, 3, 4, 5], ndim)]
    if ndim and rng.random() < 0.5:
        shape[int(rng.integers(ndim))] = int(rng.choice([17, 33, 70, 130]))
    if ndim and rng.random() < 0.05:
        shape[int(rng.integers(ndim))] = 0
    return tuple(shape)


def operand(rng, shape, code, *, still=(), broadcast=False, special=True) -> Operand:
    """Lay `shape` out at random: axes in any order, gaps, negative steps; stride 0 along the dimensions `still`."""
    still = set(still)
    if broadcast:
        still |= {d for d in range(len(shape)) if rng.random() < 0.25}
    moving = [d for d in range(len(shape)) if d not in still]
    if rng.random() < 0.6:
        rng.shuffle(moving)
    plain = rng.random() < 0.4
    strides, first, extent = [0] * len(shape), 0, 1
    for d in reversed(moving):
        gap = 1 if plain else int(rng.choice([1, 1, 1, 2, 3]))
        stride = extent * gap
        extent = stride * max(shape[d], 1)
        if not plain and rng.random() < 0.3:
            first += stride * (max(shape[d], 1) - 1)
            stride = -stride
        strides[d] = stride
    before, behind = (int(n) for n in rng.integers(0, 4, 2))
    return Operand(numbers(rng, before + extent + behind, code, special), before + first, tuple(strides))


def make(name: str, rng: np.random.Generator, code: int) -> Case:
    """Return a random case for the kernel `name` on elements of type `code`."""
    dense = name.endswith("_dense")
    base = name.removesuffix("_dense").removesuffix("_scalar")
    special = base not in ("tanh_backward", "sigmoid_backward", "gelu_backward", "silu_backward")
    out = BOOL if base in TO_BOOL else code
    extra = (
        (float(rng.choice([0, 1, 2, 3, 0.5, -1, -2, -2.5])),) if "_scalar" in name or base == "fill" else ()
    )
    if name in STEPS:
        return optimiser_steps(rng, code)
    if name == "taps_dense":
        return weighted_sums(rng, code)
    if name in NORMS:
        return normalisation(name, rng, code)
    if name in RUNNING:
        return running_averages(rng, code)
    if name in ADAPTIVE:
        return adaptive(name, rng, code)
    if name in RECURRENCE:
        return recurrence(name, rng, code)
    if name in DECODING:
        return gpt_block(rng, code)
    if name in CONVOLUTIONS:
        return convolution(name, rng, code)
    if name in POOLINGS:
        return averages(name, rng, code) if name.startswith("avg") else pooling(name, rng, code)
    if name in LOSSES:
        return cross_entropy(name, rng, code)
    if name in SOFTMAX:
        return softmax(name, rng, code)
    if name == "dropout_dense":
        n = int(rng.choice([0, 1, 63, 64, 65, 1000]))
        memories = [numbers(rng, n + 2, code) for _ in range(2)]
        extra = (float(rng.choice([0.0, 0.25, 0.5, 1])), int(rng.integers(2**62)))
        return Case([Operand(memory, 0, ()) for memory in memories], count=n, extra=extra)
    if name in ATTENTION:
        return attention(name, rng, code)
    if name in ACTIVATIONS:
        return activation(name, rng, code)
    if base in REDUCE:
        return reduction(base, rng, code)
    if base in LINES:
        return line(base, rng, code)
    if base in ("matmul", "gather", "scatter"):
        return {"matmul": matmul, "gather": gather, "scatter": scatter}[base](rng, code)
    codes = {"where": [BOOL, code, code], "fill": [], "copy": [int(rng.integers(5))]}.get(base)
    if codes is None:
        codes = [code] * (2 if base in BINARY and not extra else 1)
    special = special and not (base == "copy" and out not in (codes[0], BOOL))  # nan has no integer
    if dense:
        n = int(rng.choice([0, 1, 3, 16, 37, 500]))
        memories = [numbers(rng, n + 2, c, special) for c in (out, *codes)]
        return Case([Operand(memory, 0, ()) for memory in memories], count=n, extra=extra)
    shape = shape_of(rng)
    inputs = [operand(rng, shape, c, broadcast=True, special=special) for c in codes]
    return Case([operand(rng, shape, out), *inputs], shape, extra=extra)


def long_lines(name: str, rng: np.random.Generator, code: int) -> list[Case]:
    """Reductions and running sums over lines that one block of threads does not finish in one go."""
    if name in REDUCE:
        shapes: list[tuple] = [((5000,), [0]), ((2, 3000), [1]), ((300, 40), [0])]
        return [reduction(name, rng, code, shape, still) for shape, still in shapes]
    return [line(name, rng, code, shape) for shape in ((1, 600), (3, 1100))]


def reduction(
    name: str, rng: np.random.Generator, code: int, shape: tuple | None = None, still: list[int] | None = None
) -> Case:
    if shape is None:
        shape = shape_of(rng)
        while 0 in shape and name not in ("sum", "sum_squares", "prod"):
            shape = shape_of(rng)
    if still is None:
        still = [d for d in range(len(shape)) if rng.random() < 0.5]
    out = I64 if name.startswith("arg") or (name in ("sum", "prod") and code > F64) else code
    source = operand(rng, shape, code, special=name not in ("sum", "sum_squares", "prod"))
    if name == "prod" and code <= F64:  # near 1: where a product overflows half-way depends on its order
        size = source.memory.size
        source.memory[...] = rng.choice([-1.0, 1.0], size) * 2.0 ** rng.normal(0, 0.1, size)
    return Case([operand(rng, shape, out, still=still), source], shape)


def line(name: str, rng: np.random.Generator, code: int, shape: tuple | None = None) -> Case:
    shape = shape_of(rng, int(rng.integers(1, 6))) if shape is None else shape
    places = name in ("argsort", "cumargmax", "cumargmin")
    out = I64 if places or (name in ("cumsum", "cumprod") and code > F64) else code
    special = places or name == "sort"
    sources = [
        operand(rng, shape, code, broadcast=True, special=special) for _ in range(1 + (name == "linear_scan"))
    ]
    if (
        name in ("cumprod", "linear_scan") and code <= F64
    ):  # factors around 1: what is far off outgrows any rounding
        sources[0].memory[...] = 2.0 ** rng.normal(0, 0.1, sources[0].memory.size)
    extra = (int(rng.integers(2)),) if "sort" in name else ()
    if name == "argsort":
        extra = (*extra, shape[-1] if rng.random() < 0.5 else int(rng.integers(shape[-1] // 8 + 1)))
    return Case([operand(rng, shape, out), *sources], shape, extra=extra)


def matmul(rng: np.random.Generator, code: int) -> Case:
    m, n, k = (int(x) for x in rng.choice([0, 1, 2, 3, 7, 8, 16, 17, 33, 64, 90], 3, p=[0.04, *[0.096] * 10]))
    batch = tuple(int(x) for x in rng.choice([1, 2, 3], rng.integers(0, 3)))
    b = len(batch)
    shape = (*batch, m, n, k)
    idle = [d for d in range(b) if rng.random() < 0.3]
    left = operand(rng, shape, code, still=[b + 1, *idle], special=False)
    right = operand(rng, shape, code, still=[b, *(d for d in range(b) if rng.random() < 0.3)], special=False)
    return Case([operand(rng, shape, code, still=[b + 2]), left, right], shape)


def _indices(rng, shape, limit: int) -> Operand:
    index = operand(rng, shape, I64, broadcast=True)
    index.memory[...] = rng.integers(-limit, limit, index.memory.size)
    if rng.random() < 0.15:
        wrong = int(rng.choice([limit, limit + 3, -limit - 1]))
        index.memory[...] = np.where(rng.random(index.memory.size) < 0.1, wrong, index.memory)
    return index


def _source(rng, shape, axis: int, limit: int, code: int) -> tuple[Operand, int]:
    """Return an array to index along `axis` (of extent `limit`), and its stride there, the step."""
    whole = tuple(limit if d == axis else extent for d, extent in enumerate(shape))
    source = operand(rng, whole, code)
    step = source.strides[axis]
    source.strides = tuple(0 if d == axis else s for d, s in enumerate(source.strides))
    return source, step


def gather(rng: np.random.Generator, code: int) -> Case:
    shape, limit = shape_of(rng, int(rng.integers(1, 4))), int(rng.integers(1, 9))
    source, step = _source(rng, shape, int(rng.integers(len(shape))), limit, code)
    return Case([operand(rng, shape, code), source, _indices(rng, shape, limit)], shape, extra=(step, limit))


def scatter(rng: np.random.Generator, code: int) -> Case:
    shape, limit = shape_of(rng, int(rng.integers(1, 4))), int(rng.integers(1, 9))
    target, step = _source(rng, shape, int(rng.integers(len(shape))), limit, code)
    values = operand(rng, shape, code, broadcast=True, special=False)
    target.memory[...] = numbers(rng, target.memory.size, code, special=False)
    add = int(rng.integers(2))
    return Case([target, values, _indices(rng, shape, limit)], shape, extra=(step, limit, add))


def activation(name: str, rng: np.random.Generator, code: int) -> Case:
    """Each kind with numbers that make sense for all: a slope, bounds; rarely a kind that there is not."""
    kind, (s, t) = int(rng.integers(len(KINDS) + rng.integers(2))), sorted(rng.uniform(0.2, 2, 2))
    shape, backward = shape_of(rng), name == "activation_backward"
    inputs = [operand(rng, shape, code, broadcast=True, special=not backward) for _ in range(1 + backward)]
    return Case([operand(rng, shape, code), *inputs], shape, extra=(kind, s, t, float(rng.uniform(0.5, 2))))


def softmax(name: str, rng: np.random.Generator, code: int) -> Case:
    """Lines of all lengths, in rows, columns and neither; logarithms as results are below 0."""
    shape = list(shape_of(rng, int(rng.integers(1, 5))))
    if rng.random() < 0.4:
        shape[-1] = int(rng.choice([7, 16, 45, 300, 1025, 2500]))
        shape[:-1] = shape[:-1][:1]
    inputs = [operand(rng, shape, code, special=False) for _ in range(1 + (name == "softmax_backward"))]
    for each in inputs[1:]:
        each.memory[...] = -abs(each.memory) if code <= F64 else each.memory
    return Case([operand(rng, shape, code), *inputs], tuple(shape), extra=(int(rng.integers(2)),))


def attention(name: str, rng: np.random.Generator, code: int) -> Case:
    """Heads of all extents, none among them, and of more keys and queries than a block has; masks that blind."""
    queries, keys = (
        int(rng.choice([0, 1, 2, 5, 17, 60, 130])),
        int(rng.choice([0, 1, 3, 16, 45, 130, 300, 600])),
    )
    batch = shape_of(rng, int(rng.integers(0, 3))) if queries * keys < 500 else ()
    shape = (*batch, queries, keys, *(int(n) for n in rng.choice([0, 1, 2, 8, 19], 2)))
    n = len(batch)
    along = {"ld": [n + 1, n + 2], "l": [n + 1, n + 2, n + 3], "le": [n + 1, n + 3], "se": [n, n + 3], "sd": [n, n + 2],
             "ls": [n + 2, n + 3]}  # fmt: skip

    def lying(letters: str, repeats: bool = False) -> Operand:
        more = [d for d in range(n) if repeats and rng.random() < 0.3]
        return operand(rng, shape, code, still=[*along[letters], *more], special=False)

    inputs = [lying("le", True), lying("se", True), lying("sd", True), lying("ls", True)]
    mask = inputs[-1].memory
    if code <= F64:
        mask[...] = rng.choice([0, 0, -np.inf, 1.5], mask.size, p=[0.3, 0.3, 0.3, 0.1])
    made = [lying("ld"), lying("l")]
    if name == "attention_backward":
        if code <= F64:  # as large as the sums of the scores may be: weights are no more than some ones
            made[1].memory[...] = rng.choice([9, 12, -np.inf], made[1].memory.size, p=[0.45, 0.45, 0.1])
        made = [lying("le"), lying("se"), lying("sd"), lying("ld"), *made]
    diagonal = int(rng.choice([0, keys - queries, -2, 3, 2**62]))
    return Case(
        [*made, *inputs],
        shape,
        extra=(0.05, diagonal, float(rng.choice([0, 0, 0.3, 1])), int(rng.integers(2**62))),
    )


def cross_entropy(name: str, rng: np.random.Generator, code: int) -> Case:
    """Logits of some rows; labels of any type, some ignored and now and then one that is no class."""
    classes, reduction = int(rng.choice([1, 2, 3, 10, 33, 600, 1100])), int(rng.integers(3))
    shape = (*shape_of(rng, int(rng.integers(0, 4)))[: 3 if classes < 100 else 1], classes)
    last, rows = len(shape) - 1, list(range(len(shape) - 1))
    ignore = int(rng.choice([-1, 0, -100]))
    labels = operand(rng, shape, int(rng.integers(4)), still=[last])
    wrong = classes if rng.random() < 0.1 else classes - 1
    labels.memory[...] = rng.choice([ignore, 0, classes - 1, classes // 2, wrong], labels.memory.size)
    weight = Operand(numbers(rng, classes + 2, code, special=False), 1, (*[0] * last, 1))
    weight.memory[...] = weight.memory if code == BOOL else abs(weight.memory) + 1
    result = operand(rng, shape, code, still=[last] if reduction == 0 else [*rows, last], special=False)
    logits = operand(rng, shape, code, special=False)
    operands = [result, logits, labels, weight]
    if name.startswith("soft"):
        operands[2] = operand(rng, shape, code, special=False)
        before = [operand(rng, shape, code)] if "backward" in name else []
        return Case([*before, *operands], shape, extra=(float(rng.choice([0, 0.1])), reduction))
    if name.startswith("nll"):
        operands = [operand(rng, shape, code), result, labels, weight] if "backward" in name else operands
        return Case(operands, shape, extra=(ignore, reduction))
    if name == "cross_entropy_backward":
        operands = [operand(rng, shape, code), *operands]
    return Case(operands, shape, extra=(float(rng.choice([0, 0.1])), ignore, reduction))


def convolution(name: str, rng: np.random.Generator, code: int) -> Case:
    """Windows of every step, dilation and padding, a negative one too; all three arrays in any order of axes."""
    channels, outputs = (int(n) for n in rng.choice([0, 1, 2, 3, 5, 17], 2, p=[0.02, *[0.196] * 5]))
    images, groups = int(rng.choice([0, 1, 2, 5, 11], p=[0.04, *[0.24] * 4])), int(rng.choice([1, 1, 2, 3]))
    counts, kernels, window = [], [], []
    for longest in rng.permutation([3, 20]):
        kernel, step, dilation = (int(n) for n in rng.integers(1, 5, 3))
        count, start = int(rng.integers(1, longest)), int(rng.integers(-6, 3))
        extent = max(start + (count - 1) * step + (kernel - 1) * dilation + 1 - int(rng.integers(0, 7)), 1)
        counts, kernels, window = (
            [*counts, count],
            [*kernels, kernel],
            [*window, start, step, dilation, extent],
        )
    shape = (images, groups, outputs, channels, *counts, *kernels)
    starts, steps, dilations, extents = (window[i::4] for i in range(4))

    def laid_out(dims: tuple[int, ...], of: tuple[int, ...]) -> Operand:
        made = operand(rng, of, code, special=False)
        strides = [0] * 8
        for d, stride in zip(dims, made.strides, strict=True):
            strides[d] = stride
        return Operand(made.memory, made.offset, tuple(strides))

    x = laid_out((0, 1, 3, 4, 5), (images, groups, channels, *extents))
    along = x.strides[4:6]
    x.offset += starts[0] * along[0] + starts[1] * along[1]
    along = [s * along[i] for numbers in (steps, dilations) for i, s in enumerate(numbers)]
    x.strides = (*x.strides[:4], *along)
    y = laid_out((0, 1, 2, 4, 5), (images, groups, outputs, *counts))
    w = laid_out((1, 2, 3, 6, 7), (groups, outputs, channels, *kernels))
    operands = {"conv": [y, x, w], "conv_input_backward": [x, y, w], "conv_weight_backward": [w, x, y]}
    return Case(operands[name], shape, extra=(tuple(window),))


def normalisation(name: str, rng: np.random.Generator, code: int) -> Case:
    """(batch, channels, inner) of all sizes, some empty, some that no groups of channels fit."""
    groups = int(rng.choice([1, 1, 2, 3])) if name.startswith("group") else 1
    channels = groups * int(rng.choice([1, 2, 3, 17, 70, 130])) + int(rng.random() < 0.05)
    inner = int(rng.choice([1, 1, 2, 5, 16, 17, 64, 300])) if channels < 70 else int(rng.choice([1, 4, 9]))
    batch = int(rng.choice([0, 1, 2, 3, 19, 130], p=[0.05, *[0.19] * 5]))
    n, means = batch * channels * inner, channels if name.startswith("batch") else batch * groups
    like, of_channels = [numbers(rng, n + 1, code, special=False) for _ in range(3)], []
    for memory in like[1:]:
        memory[...] = memory + 20 if code <= F64 else memory  # means that are far from 0
    for _ in range(4):
        of_channels.append(numbers(rng, channels + 1, code, special=False))
    stats = np.concatenate(
        [rng.normal(20, 1, means), rng.uniform(1, 9, means), rng.uniform(0.2, 1, means + 1)]
    )
    extra: tuple = (channels, inner, *([groups] if name.startswith("group") else []))
    if "backward" in name:
        memories = [*like, of_channels[0], stats, *of_channels[1:3]]
    else:
        memories, extra = (
            [like[0], like[1], *of_channels[:2], stats],
            (*extra, float(rng.choice([1e-5, 0.1]))),
        )
    return Case([Operand(memory, 0, ()) for memory in memories], count=n, extra=extra)


def recurrence(name: str, rng: np.random.Generator, code: int) -> Case:
    """Sequences of all lengths, the longest first, in both directions; now and then rows that no moment has."""
    kind, hidden = int(rng.integers(4)), int(rng.choice([1, 2, 7, 16, 17, 33]))
    batch, steps = int(rng.choice([0, 1, 2, 5, 19], p=[0.05, *[0.2375] * 4])), int(rng.choice([1, 2, 3, 7]))
    sizes = sorted((int(k) for k in rng.integers(0, batch + 1, steps)), reverse=True)
    sizes = [batch] * steps if rng.random() < 0.4 else [batch, *sizes[1:]]
    n, wide = sum(sizes), (1, 1, 4, 3)[kind] * hidden

    def rows(count: int, width: int, least: float = -1, most: float = 1) -> np.ndarray:
        if code > F64:
            return numbers(rng, count * width + 1, code)
        return rng.uniform(least, most, count * width + 1).astype(DTYPES[code])

    gates, weight, h0, c0 = rows(n, wide), rows(hidden, wide) * 1, rows(batch, hidden), rows(batch, hidden)
    h, c, more = rows(n, hidden), rows(n, hidden), (rows(batch, hidden), rows(batch, hidden))
    memories = [gates, weight, rows(1, wide), h0, c0, h, c, *more]
    if "backward" in name:
        memories = [
            rows(n, wide),
            rows(n, wide, 0.1, 0.9),
            weight,
            h0,
            c0,
            h,
            c,
            rows(n, hidden),
            *more,
            rows(n, wide),
        ]
    extra = (tuple(sizes), steps, hidden, kind, int(rng.integers(2)))
    n += int(rng.random() < 0.05)
    return Case([Operand(memory, 0, ()) for memory in memories], count=n, extra=extra)


def gpt_block(rng: np.random.Generator, code: int) -> Case:
    """Some sequences, or none; heads of all sizes; a cache that is empty, has room for one more, or none."""
    n, heads, hidden = (int(rng.choice(some)) for some in ([0, 1, 2, 19], [1, 2, 5], [1, 7, 40, 130]))
    size, most = (int(rng.choice(some)) for some in ([1, 3, 8, 16, 33], [1, 2, 17, 300]))
    length = int(rng.choice([0, most - 1, most // 2, most], p=[0.3, 0.35, 0.3, 0.05]))
    dim = heads * size
    sizes = [
        n * dim,
        n * most * dim,
        n * most * dim,
        dim,
        dim,
        3 * dim * dim,
        3 * dim,
        dim * dim,
        dim,
        dim,
        dim,
    ]
    sizes += [dim * hidden, hidden, hidden * dim, dim]
    dim += int(heads > 1 and rng.random() < 0.05)  # heads that do not divide it
    memories = [rng.uniform(-1, 1, count + 1).astype(DTYPES[code]) for count in sizes]
    extra = (dim, hidden, heads, most, length, *(float(eps) for eps in rng.choice([1e-5, 0.1], 2)))
    return Case([Operand(memory, 0, ()) for memory in memories], count=n, extra=extra)


def pooling(name: str, rng: np.random.Generator, code: int) -> Case:
    """Windows of every step, dilation and padding, some with nothing else; arrays in any order of axes."""
    shape = [int(n) for n in rng.choice([0, 1, 2, 5, 40], 2, p=[0.04, 0.3, 0.3, 0.3, 0.06])]
    window: list[int] = []
    for longest in rng.permutation([3, 20]):
        kernel, step, dilation = (int(n) for n in rng.integers(1, 5, 3))
        count, start = int(rng.integers(1, longest)), int(rng.integers(-6, 3))
        extent = start + (count - 1) * step + (kernel - 1) * dilation + 1 - int(rng.integers(-3, 7))
        shape, window = [*shape, count], [*window, start, step, dilation, max(extent, 0), kernel]
    extents = (*shape[:2], window[3], window[8])
    x, y = operand(rng, extents, code), operand(rng, tuple(shape), code, special=name == "max_pool")
    places = operand(rng, tuple(shape), I32)
    places.memory[...] = rng.integers(-1, max(window[3] * window[8], 1), places.memory.size)
    operands = {"max_pool": [y, places, x], "max_pool_backward": [x, y, places]}
    return Case(operands[name], tuple(shape), extra=(tuple(window),))


def adaptive(name: str, rng: np.random.Generator, code: int) -> Case:
    """More windows than elements and fewer, in any order of axes; places also beside the plane."""
    planes = [int(n) for n in rng.choice([0, 1, 2, 5, 40], 2, p=[0.04, 0.3, 0.3, 0.3, 0.06])]
    shape = (*planes, *(int(n) for n in rng.integers(0, 8, 2)))
    rows, columns = (int(n) for n in rng.choice([0, 1, 2, 7, 20], 2, p=[0.02, 0.2, 0.26, 0.26, 0.26]))
    x = operand(rng, (*planes, rows, columns), code, special=name == "adaptive_max_pool")
    y, places = operand(rng, shape, code), operand(rng, shape, I32)
    places.memory[...] = rng.integers(-2, rows * columns + 2, places.memory.size)
    operands = [x, y, places] if "backward" in name else [y, places, x]
    return Case(operands, shape, extra=(rows, columns))


def running_averages(rng: np.random.Generator, code: int) -> Case:
    """Means and variances of some channels, and what a batch's were."""
    n = int(rng.choice([0, 1, 2, 16, 33, 300]))
    memories = [numbers(rng, n + 1, code, special=False) for _ in range(4)]
    stats = np.concatenate([rng.normal(20, 1, n), rng.uniform(1, 9, n), rng.uniform(0.2, 1, n + 1)])
    extra = (float(rng.choice([0, 0.1, 0.5, 1])), float(rng.choice([1, 1.25])))
    return Case([Operand(memory, 0, ()) for memory in (*memories, stats)], count=n, extra=extra)


def averages(name: str, rng: np.random.Generator, code: int) -> Case:
    """Windows with at most half of them padding; the last may reach beyond that, but not begin there."""
    shape = [int(n) for n in rng.choice([0, 1, 2, 5, 40], 2, p=[0.04, 0.3, 0.3, 0.3, 0.06])]
    window: list[int] = []
    for longest in rng.permutation([4, 20]):
        kernel, step = (int(n) for n in rng.integers(1, 5, 2))
        pad, extent = int(rng.integers(0, kernel // 2 + 1)), kernel + int(rng.integers(longest))
        count = (extent + 2 * pad - kernel) // step + 1
        count += int(rng.integers(2)) if count * step < extent + pad else 0
        shape, window = [*shape, count], [*window, -pad, step, 1, extent, kernel]
    x = operand(rng, (*shape[:2], window[3], window[8]), code, special=False)
    y = operand(rng, tuple(shape), code, special=False)
    operands = [y, x] if name == "avg_pool" else [x, y]
    return Case(operands, tuple(shape), extra=(tuple(window), int(rng.choice([-1, 0, 3]))))


def optimiser_steps(rng: np.random.Generator, code: int) -> Case:
    """Several parameters of all kinds, rarely of one that there is not: out, p, g and what each kind remembers."""
    operands, rows = [], []
    for _ in range(int(rng.integers(1, 5))):
        n, kind = int(rng.choice([0, 1, 5, 64, 301])), int(rng.integers(len(STEP_KINDS)))
        remembered = STEP_KINDS[kind].__code__.co_argcount - 3
        memories = [numbers(rng, n + 1, code, special=False) for _ in range(3 + remembered)]
        if code <= F64:  # means of squares are not negative, and larger than the squares of the means
            memories[3:] = [abs(memory) for memory in memories[3:]]
            for square in memories[3:4]:
                square += 1000 if "centered" in STEP_KINDS[kind].__name__ else 0
        operands += [Operand(memory, 0, ()) for memory in memories]
        if rng.random() < 0.02:
            kind = len(STEP_KINDS)
        shares = rng.uniform(0.05, 0.95, len(steps.Numbers._fields) - 1)
        rows.append((kind, n, remembered, (float(rng.choice([-1, 1])), *shares.tolist())))
    return Case(operands, extra=tuple(rows))


def weighted_sums(rng: np.random.Generator, code: int) -> Case:
    """Tables of 0 to 4 places for each element, now and then one beside the array; rows short and long."""
    outer, n, m = (int(x) for x in rng.choice([0, 1, 2, 5, 17], 3, p=[0.04, *[0.24] * 4]))
    inner = int(rng.choice([1, 1, 2, 17, 70]))
    counts = rng.integers(0, 5, m) * (n > 0) if rng.random() < 0.5 else np.full(m, 2 * (n > 0))
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    place = rng.integers(0, max(n, 1), start[-1] + 1)
    if rng.random() < 0.1:
        place[rng.integers(len(place))] = rng.choice([-1, n])
    memories = [numbers(rng, outer * k * inner + 1, code, special=False) for k in (m, n)]
    memories += [start, place, numbers(rng, len(place), code, special=False)]
    return Case([Operand(memory, 0, ()) for memory in memories], count=outer, extra=(n, m, inner))
