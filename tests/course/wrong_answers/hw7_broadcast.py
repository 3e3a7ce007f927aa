"""Homework 7: broadcast (question 3)."""

from . import changed, solutions, whole

BROADCAST = solutions("hw7")["q3"]
HEAD = "array, own, step = array.copy(), (comm.rank - root) % comm.size, 1"
THERE = "if own + step < comm.size:"
FLAT_TREE = """\
    array = array.copy()
    if comm.rank == root:
        for other in range(comm.size):
            if other != root:
                comm.send(array, other)
    else:
        comm.receive(array, root)
    return array
"""
CHAIN = """\
    array, own = array.copy(), (comm.rank - root) % comm.size
    if own:
        comm.receive(array, (comm.rank - 1) % comm.size)
    if own + 1 < comm.size:
        comm.send(array, (comm.rank + 1) % comm.size)
    return array
"""

WRONG = {
    "q3: the root sends to all": whole(BROADCAST, FLAT_TREE),
    "q3: a chain": whole(BROADCAST, CHAIN),
    "q3: the root is 0": changed(BROADCAST, "(comm.rank - root) % comm.size, 1", "comm.rank, 1"),
    "q3: no modulo": changed(BROADCAST, "(comm.rank - root) % comm.size, 1", "comm.rank - root, 1"),
    "q3: root − rank": changed(BROADCAST, "comm.rank - root", "root - comm.rank"),
    "q3: is there one so far on?": changed(BROADCAST, THERE, "if True:"),
    "q3: powers of two only": changed(BROADCAST, "while step < comm.size:", "while 2 * step <= comm.size:"),
    "q3: the root alone sends": changed(
        BROADCAST, "if own < step:", "if own == 0:", "elif own < 2 * step:", "elif step <= own < 2 * step:"
    ),
    "q3: a step forward": changed(BROADCAST, "step *= 2", "step += 1"),
    "q3: sent to the absolute number": changed(BROADCAST, "(comm.rank + step) % comm.size", "own + step"),
    "q3: received from the absolute number": changed(
        BROADCAST, "(comm.rank - step) % comm.size", "own - step"
    ),
    "q3: not modulo at the end": changed(BROADCAST, "(comm.rank + step) % comm.size", "comm.rank + step"),
    "q3: all receive": changed(BROADCAST, "elif own < 2 * step:", "else:"),
    "q3: the root gives nothing back": changed(BROADCAST, "return array", "return array if own else None"),
    "q3: nothing given back": changed(BROADCAST, "return array", "pass"),
    "q3: the array itself": changed(BROADCAST, "array.copy(), (comm", "array, (comm"),
    "q3: the root's own array": changed(
        BROADCAST, HEAD, f"given = array\n    {HEAD}", "return array", "return array if own else given"
    ),
    "q3: its own array": whole(BROADCAST, "    return array.copy()\n"),
    "q3: received elsewhere": changed(BROADCAST, "comm.receive(array,", "comm.receive(np.empty_like(array),"),
    "q3: sent twice": changed(
        BROADCAST,
        "comm.send(array, (comm.rank + step) % comm.size)",
        "comm.send(array, (comm.rank + step) % comm.size)\n"
        "                comm.send(array, (comm.rank + step) % comm.size)",
    ),
    "q3: a sum": changed(
        BROADCAST,
        "comm.receive(array, (comm.rank - step) % comm.size)",
        "array += comm.receive(np.empty_like(array), (comm.rank - step) % comm.size)",
    ),
    "q3: float32": changed(BROADCAST, "return array", "return array.astype('float32')"),
    "q3: one axis": changed(BROADCAST, "return array", "return array.reshape(-1)"),
    "q3: through a global name": whole(
        BROADCAST,
        FLAT_TREE.replace("    array =", "    global KEPT\n    array =")
        .replace("comm.receive(array, root)", "comm.receive(array, root)\n        array = KEPT.copy()")
        .replace("    if comm.rank == root:", "    if comm.rank == root:\n        KEPT = array.copy()"),
    ),
}

HINTS: dict[str, list[str]] = {
    "q3: the root sends to all": [
        "Whoever has the array passes it on, in the same step as the root sends the next.",
        "Whoever has the array passes it on.",
    ],
    "q3: a chain": [
        "Whoever has the array passes it on, in the same step as the root sends the next.",
        "Whoever has the array passes it on.",
    ],
    "q3: root − rank": [
        "Count the workers from the root, and begin again after the last one.",
    ],
    "q3: the root alone sends": [
        "Count the workers from the root, and begin again after the last one.",
    ],
    "q3: a step forward": [
        "Each worker but the root receives once, the root never.",
        "One for each worker but the root.",
    ],
    "q3: received from the absolute number": [
        "Count the workers from the root, and begin again after the last one.",
    ],
    "q3: all receive": [
        "Count the workers from the root, and begin again after the last one.",
    ],
    "q3: the root gives nothing back": [
        "Every worker returns the array, the root too.",
    ],
    "q3: nothing given back": [
        "Every worker returns the array, the root too.",
    ],
    "q3: the array itself": [
        "Return a new array: others may write into this one afterwards.",
    ],
    "q3: the root's own array": [
        "Return a new array: others may write into this one afterwards.",
    ],
    "q3: through a global name": [
        "Whoever has the array passes it on, in the same step as the root sends the next.",
        "Whoever has the array passes it on.",
    ],
}
NEUTRAL = {
    "Draw who sends to whom for root 2, as in the worked example.",
    "Go through it by hand for 2, 3 and 4 workers: who waits for whom?",
    "A worker waits for a message that nobody sends: print who sends to whom.",
    "Who should have received that message? Is there a worker that far on?",
    "There is a message to a worker that waits for none.",
}
EQUIVALENT = {
    "q3: step < comm.size → step <= comm.size": "in one round more there is nobody to send to",
}
