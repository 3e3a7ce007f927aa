"""Homework 7: the shards of the data (question 1) and the mean of gradients (2)."""

from . import changed, solutions

SOLUTIONS = solutions("hw7")
SHARD, AVERAGE = SOLUTIONS["q1"], SOLUTIONS["q2"]

GENERATOR = "np.random.default_rng([seed, epoch])"
SHUFFLE = f"order = {GENERATOR}.permutation(n)"
TOTAL = "total = -(-n // size) * size"
TAKE = "return np.resize(order, total)[rank::size].tolist()"
PARTS = "parts = [g * (c / total) for g, c in zip(own, counts) if g is not None and c > 0]"
APPEND = "averages.append(sum(parts) if parts else None)"


def shard(*words: str) -> str:
    """The solution of question 1 with parts of it replaced."""
    return changed(SHARD, *words)


def average(*words: str) -> str:
    """The solution of question 2 with parts of it replaced."""
    return changed(AVERAGE, *words)


WRONG = {
    "q1: blocks": shard(
        TAKE,
        "each = total // size\n    return np.resize(order, total)[rank * each : (rank + 1) * each].tolist()",
    ),
    "q1: the rest left out": shard(TOTAL, "total = n // size * size"),
    "q1: no padding": shard(TAKE, "return order[rank::size].tolist()"),
    "q1: padded with the last one": shard(
        TAKE, "return np.pad(order, (0, total - n), mode='edge')[rank::size].tolist()"
    ),
    "q1: padded with zeros": shard(TAKE, "return np.pad(order, (0, total - n))[rank::size].tolist()"),
    "q1: padded by a slice, once": shard(
        TAKE, "order = np.concatenate([order, order[: total - n]])\n    return order[rank::size].tolist()"
    ),
    "q1: always one round more": shard(TOTAL, "total = (n // size + 1) * size"),
    "q1: everybody sees all": shard(TAKE, "return order.tolist()"),
    "q1: never shuffled": shard(SHUFFLE, "pass"),
    "q1: the epoch forgotten": shard(GENERATOR, "np.random.default_rng(seed)"),
    "q1: the seed forgotten": shard(GENERATOR, "np.random.default_rng(epoch)"),
    "q1: seed times epoch": shard(GENERATOR, "np.random.default_rng(seed * epoch)"),
    "q1: every worker its own order": shard(GENERATOR, "np.random.default_rng([seed, epoch, rank])"),
    "q1: a generator without a seed": shard(GENERATOR, "np.random.default_rng()"),
    "q1: the shared generator": shard(GENERATOR, "np.random"),
    "q1: the shared generator, seeded": shard(
        SHUFFLE, "np.random.seed(seed * 1000 + epoch)\n        order = np.random.permutation(n)"
    ),
    "q1: the shard shuffled, not the order": shard(
        SHUFFLE,
        "pass",
        TAKE,
        "own = np.resize(order, total)[rank::size]\n"
        f"    return ({GENERATOR}.permutation(own) if shuffle else own).tolist()",
    ),
    "q1: the order turned round, not shuffled": shard(SHUFFLE, "order = np.roll(order, seed * 7 + epoch)"),
    "q1: the order read backwards": shard(SHUFFLE, "order = np.roll(order[::-1], seed * 7 + epoch)"),
    "q1: an array": shard(".tolist()", ""),
    "q1: NumPy's ints": shard(TAKE, "return list(np.resize(order, total)[rank::size])"),
    "q1: drawn with putting back": shard(".permutation(n)", ".integers(0, n, n)"),
    "q1: from 1": shard("np.arange(n)", "np.arange(1, n + 1)", "permutation(n)", "permutation(n) + 1"),
    "q1: rank from the end": shard("[rank::size]", "[::-1][rank::size]"),
    "q2: the plain mean": average("(c / total)", "(1 / len(counts))"),
    "q2: the sum": average(" * (c / total)", ""),
    "q2: weighted, not divided": average("(c / total)", "c"),
    "q2: divided by the workers": average("(c / total)", "(c / len(counts))"),
    "q2: weighted the other way round": average("(c / total)", "((total - c) / total)"),
    "q2: divided by the count": average("(c / total)", "(1 / c)"),
    "q2: the largest worker alone": average("(c / total)", "(c == max(counts))"),
    "q2: None does not count": average(
        PARTS,
        "total = sum(c for g, c in zip(own, counts) if g is not None)\n        " + PARTS,
    ),
    "q2: None is not expected": average(" if g is not None and c > 0", " if c > 0"),
    "q2: 0 in place of None": average(APPEND, "averages.append(sum(parts))"),
    "q2: zeros in place of None": average(
        APPEND, "averages.append(sum(parts) if parts else np.zeros(1, 'float32'))"
    ),
    "q2: nan of the idle": average(" and c > 0", ""),
    "q2: the plain mean of those who work": average("(c / total)", "(1 / sum(c > 0 for c in counts))"),
    "q2: added in place": average(
        APPEND,
        "for part, g in zip(parts[1:], own):\n            parts[0] += part\n"
        "        first = next((g for g, c in zip(own, counts) if g is not None and c > 0), None)\n"
        "        if parts:\n            first[...] = parts[0]\n        averages.append(first)",
    ),
    "q2: float64": average(PARTS, PARTS.replace("g * (c / total)", "g.astype('float64') * (c / total)")),
    "q2: float32": average(PARTS, PARTS.replace("g * (c / total)", "(g * (c / total)).astype('float32')")),
    "q2: transposed": average("zip(*gradients)", "gradients"),
    "q2: the first worker's number of parameters": average(
        "zip(*gradients)", "zip(gradients[0], gradients[-1])"
    ),
    "q2: a number": average("sum(parts) if", "float(np.sum(sum(parts))) if"),
    "q2: divided by the workers twice": average(
        APPEND, "averages.append(sum(parts) / len(gradients) if parts else None)"
    ),
    "q2: one parameter": average("return averages", "return averages[0]"),
    "q2: counts overwritten": average(
        "return averages", "counts[:] = [c / total for c in counts]\n    return averages"
    ),
}

HINTS: dict[str, list[str]] = {
    "q1: blocks": [
        "Every second one: the workers take turns.",
    ],
    "q1: the rest left out": [
        "All shards are equally long: begin again from the start of the order.",
        "Round up to the next multiple of the number of workers.",
    ],
    "q1: no padding": [
        "All shards are equally long: begin again from the start of the order.",
        "Round up to the next multiple of the number of workers.",
    ],
    "q1: padded with the last one": [
        "The order begins again with its first example.",
    ],
    "q1: padded by a slice, once": [
        "Round up to the next multiple of the number of workers.",
    ],
    "q1: always one round more": [
        "Round up to the next multiple of the number of workers.",
    ],
    "q1: everybody sees all": [
        "Round up to the next multiple of the number of workers.",
    ],
    "q1: never shuffled": [
        "Another epoch, another order: make the generator from seed and epoch.",
    ],
    "q1: the epoch forgotten": [
        "Another epoch, another order: make the generator from seed and epoch.",
    ],
    "q1: the seed forgotten": [
        "Another epoch, another order: make the generator from seed and epoch.",
    ],
    "q1: seed times epoch": [
        "Another epoch, another order: make the generator from seed and epoch.",
    ],
    "q1: a generator without a seed": [
        "Another epoch, another order: make the generator from seed and epoch.",
        "Make a generator of your own.",
    ],
    "q1: the shared generator": [
        "Another epoch, another order: make the generator from seed and epoch.",
        "Make a generator of your own.",
    ],
    "q1: the shared generator, seeded": [
        "Make a generator of your own.",
    ],
    "q2: the plain mean": [
        "Who has more examples weighs more.",
    ],
    "q2: the sum": [
        "That is a sum: the weights must add up to 1.",
        "None counts as zeros, but its examples do count.",
    ],
    "q2: weighted, not divided": [
        "That is three times 2, and 6: divide by the number of all examples.",
    ],
    "q2: divided by the workers": [
        "Divide by the number of examples, not of workers.",
    ],
    "q2: weighted the other way round": [
        "Each worker's own number of examples is its weight.",
    ],
    "q2: the largest worker alone": [
        "None counts as zeros, but its examples do count.",
    ],
    "q2: None does not count": [
        "None counts as zeros, but its examples do count.",
    ],
    "q2: None is not expected": [
        "None is no number: leave it out of the sum.",
    ],
    "q2: 0 in place of None": [
        "If all have None, so has the mean; otherwise None counts as zeros.",
    ],
    "q2: zeros in place of None": [
        "If all have None, so has the mean; otherwise None counts as zeros.",
    ],
    "q2: nan of the idle": [
        "0 · nan is nan: leave out whoever has no examples.",
    ],
    "q2: the plain mean of those who work": [
        "Who has more examples weighs more.",
    ],
}
NEUTRAL = {
    "Print the shards of 5 examples and 3 workers, and of 2 examples and 5: is every example there?",
    "Print the three shards: does each example come once?",
    "Which examples does worker 0 see in the first epoch, which in the second?",
    "The weight of a worker is its share of all examples.",
}
EQUIVALENT: dict[str, str] = {}
