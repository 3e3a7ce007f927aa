"""Homework 7: reduce-scatter (question 4) and ring all-reduce (5)."""

from . import BEGIN, END, changed, solutions, whole

SOLUTIONS = solutions("hw7")
SCATTER, RING = SOLUTIONS["q4"], SOLUTIONS["q5"]
INTO = "into += comm.send_receive(out, right, np.empty_like(into), left)"
GATHER = "comm.send_receive(out, right, into, left)"
CHUNKS = "chunks = np.array_split(array.copy(), comm.size)"
OUT, IN = "chunks[(comm.rank - step - 1) % comm.size]", "chunks[(comm.rank - step - 2) % comm.size]"
NEIGHBOURS = "right, left = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size"


def both(*words: str) -> str:
    """The ring with a change in both halves, where the words stand twice."""
    source = RING
    for old, new in zip(words[::2], words[1::2], strict=True):
        assert source.count(old) >= 1, old
        source = source.replace(old, new)
    return source


TO_ALL = """\
    total = array.copy()
    for other in range(comm.size):
        if other != comm.rank:
            comm.send(array, other)
    for other in range(comm.size):
        if other != comm.rank:
            total += comm.receive(np.empty_like(array), other)
"""
STAR = """\
    total = array.copy()
    if comm.rank == 0:
        for other in range(1, comm.size):
            total += comm.receive(np.empty_like(array), other)
        for other in range(1, comm.size):
            comm.send(total, other)
    else:
        comm.send(array, 0)
        comm.receive(total, 0)
"""
ROUND = """\
    right, left = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
    total, going = array.copy(), array.copy()
    for step in range(comm.size - 1):
        going = comm.send_receive(going, right, np.empty_like(going), left)
        total += going
"""
ONE_CHUNK_AT_A_TIME = """\
    total = array.copy().reshape(-1)
    right, left = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
    if comm.rank > 0:
        total += comm.receive(np.empty_like(total), left)
    if comm.rank < comm.size - 1:
        comm.send(total, right)
    if comm.size > 1 and comm.rank == comm.size - 1:
        comm.send(total, right)
    elif comm.size > 1:
        comm.receive(total, left)
        if comm.rank < comm.size - 2:
            comm.send(total, right)
    return total.reshape(array.shape)
"""
OWN = "    return np.array_split(total, comm.size)[comm.rank]\n"
ALL = "    return total\n"

WRONG = {
    "q4: all to all": whole(SCATTER, TO_ALL + OWN),
    "q4: through worker 0": whole(SCATTER, STAR + OWN),
    "q4: whole arrays round the ring": whole(SCATTER, ROUND + OWN),
    "q4: the whole sum": whole(SCATTER, TO_ALL + ALL),
    "q4: its own chunk alone": whole(
        SCATTER, "    return np.array_split(array, comm.size)[comm.rank].copy()\n"
    ),
    "q4: one step too few": changed(SCATTER, "range(comm.size - 1)", "range(comm.size - 2)"),
    "q4: one step too many": changed(SCATTER, "range(comm.size - 1)", "range(comm.size)"),
    "q4: begins with its own chunk": changed(SCATTER, "step - 1)", "step)", "step - 2)", "step - 1)"),
    "q4: begins with its own, and gives back what is whole": changed(
        SCATTER,
        "step - 1)",
        "step)",
        "step - 2)",
        "step - 1)",
        "return chunks[comm.rank]",
        "return chunks[(comm.rank + 1) % comm.size]",
    ),
    "q4: leftwards": changed(SCATTER, "right, left =", "left, right ="),
    "q4: the other way round": changed(
        SCATTER,
        "right, left =",
        "left, right =",
        "comm.rank - step - 1",
        "comm.rank + step + 1",
        "comm.rank - step - 2",
        "comm.rank + step + 2",
    ),
    "q4: always the own chunk": changed(
        SCATTER, OUT, OUT.replace("chunks", "np.array_split(array, comm.size)")
    ),
    "q4: not added": changed(SCATTER, "into += comm", "into[...] = comm"),
    "q4: receives first": changed(
        SCATTER, INTO, "into += comm.receive(np.empty_like(into), left)\n        comm.send(out, right)"
    ),
    "q4: even ones receive first": changed(
        SCATTER,
        INTO,
        "if comm.rank % 2:\n            comm.send(out, right)\n"
        "        into += comm.receive(np.empty_like(into), left)\n"
        "        if comm.rank % 2 == 0:\n            comm.send(out, right)",
    ),
    "q4: chunks of the same length": changed(
        SCATTER,
        CHUNKS,
        "k = len(array) // comm.size\n    chunks = [array[i * k : i * k + k].copy() for i in range(comm.size)]",
    ),
    "q4: the last one longest": changed(
        SCATTER,
        CHUNKS,
        "k = len(array) // comm.size\n    ends = [*(i * k for i in range(comm.size)), len(array)]\n"
        "    chunks = [array[a:b].copy() for a, b in zip(ends, ends[1:])]",
    ),
    "q4: every Nth number": changed(
        SCATTER, CHUNKS, "chunks = [array[i :: comm.size].copy() for i in range(comm.size)]"
    ),
    "q4: received into the wrong chunk's shape": changed(
        SCATTER, "np.empty_like(into)", "np.empty_like(out)"
    ),
    "q4: into the array": changed(SCATTER, "array.copy()", "array"),
    "q4: into the array, copied at the end": changed(
        SCATTER, "array.copy()", "array", "return chunks[comm.rank]", "return chunks[comm.rank].copy()"
    ),
    "q4: the mean": changed(SCATTER, "return chunks[comm.rank]", "return chunks[comm.rank] / comm.size"),
    "q4: float64": changed(SCATTER, "array.copy()", "array.astype('float64')"),
    "q4: float32": changed(SCATTER, "array.copy()", "array.astype('float32')"),
    "q4: all chunks": changed(SCATTER, "return chunks[comm.rank]", "return np.concatenate(chunks)"),
    "q4: the number too": changed(SCATTER, "return chunks[comm.rank]", "return comm.rank, chunks[comm.rank]"),
    "q4: the right neighbour without modulo": changed(
        SCATTER, NEIGHBOURS, "right, left = comm.rank + 1, (comm.rank - 1) % comm.size"
    ),
    "q4: sent and never read": changed(
        SCATTER,
        "return chunks[comm.rank]",
        "if comm.size > 1:\n        comm.send(chunks[comm.rank], right)\n    return chunks[comm.rank]",
    ),
    "q5: all to all": whole(RING, TO_ALL + ALL),
    "q5: through worker 0": whole(RING, STAR + ALL),
    "q5: whole arrays round the ring": whole(RING, ROUND + ALL),
    "q5: the sum goes once round, whole": whole(RING, ONE_CHUNK_AT_A_TIME),
    "q5: one half": whole(
        RING,
        RING.split(BEGIN)[1].split("    for step", 2)[0]
        + "    for step"
        + RING.split("    for step", 2)[1]
        + "    return total.reshape(array.shape)\n",
    ),
    "q5: its own chunk": changed(RING, "return total.reshape(array.shape)", "return chunks[comm.rank]"),
    "q5: the array": whole(RING, "    return array.copy()\n"),
    "q5: one axis": changed(RING, "return total.reshape(array.shape)", "return total"),
    "q5: the chunks as a list": changed(RING, "return total.reshape(array.shape)", "return chunks"),
    "q5: added in the second half": changed(RING, f"        {GATHER}", f"        {INTO}"),
    "q5: not added in the first half": changed(
        RING, INTO, "into[...] = comm.send_receive(out, right, np.empty_like(into), left)"
    ),
    "q5: the second half sends the wrong chunk": changed(
        RING, "chunks[(comm.rank - step) % comm.size], " + OUT, OUT + ", " + IN
    ),
    "q5: not copied": changed(RING, "array.copy().reshape(-1)", "array.reshape(-1)"),
    "q5: not copied, copied at the end": changed(
        RING,
        "array.copy().reshape(-1)",
        "array.reshape(-1)",
        "total.reshape(array.shape)",
        "total.reshape(array.shape).copy()",
    ),
    "q5: the chunks are copies": changed(
        RING,
        "chunks = np.array_split(total, comm.size)",
        "chunks = [c.copy() for c in np.array_split(total, comm.size)]",
    ),
    "q5: receives first": both(
        INTO, "into += comm.receive(np.empty_like(into), left)\n        comm.send(out, right)"
    ),
    "q5: worker 0 sends first, the others receive first": changed(
        RING,
        INTO,
        "if comm.rank == 0:\n            comm.send(out, right)\n        got = comm.receive(np.empty_like(into), left)\n"
        "        if comm.rank:\n            comm.send(out, right)\n        into += got",
    ),
    "q5: one step too few at the end": whole(
        RING,
        "range(comm.size - 2)".join(RING.split(BEGIN)[1].split(END)[0].rsplit("range(comm.size - 1)", 1)),
    ),
    "q5: every second chunk twice": both("range(comm.size - 1)", "range(comm.size)"),
    "q5: the mean": changed(
        RING, "return total.reshape(array.shape)", "return total.reshape(array.shape) / comm.size"
    ),
    "q5: float64": changed(RING, "array.copy()", "array.astype('float64')"),
    "q5: float32": changed(RING, "array.copy()", "array.astype('float32')"),
    "q5: chunks of the same length": changed(
        RING,
        "chunks = np.array_split(total, comm.size)",
        "k = len(total) // comm.size\n    chunks = [total[i * k : i * k + k] for i in range(comm.size)]",
    ),
    "q5: chunks of the same length, the rest in the last": changed(
        RING,
        "chunks = np.array_split(total, comm.size)",
        "k = len(total) // comm.size\n    ends = [*(i * k for i in range(comm.size)), len(total)]\n"
        "    chunks = [total[a:b] for a, b in zip(ends, ends[1:])]",
    ),
    "q5: rows as chunks": changed(RING, "array.copy().reshape(-1)", "array.copy()"),
    "q5: own order of adding": whole(
        RING,
        "    arrays, right, left = [array], (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size\n"
        "    for step in range(comm.size - 1):\n"
        "        arrays.append(comm.send_receive(arrays[-1], right, np.empty_like(array), left))\n"
        "    return sum(arrays[1:], start=array.copy())\n",
    ),
}

HINTS: dict[str, list[str]] = {
    "q4: all to all": [
        "Send one chunk in each step, not the array.",
    ],
    "q4: through worker 0": [
        "Send in each step before you wait.",
    ],
    "q4: whole arrays round the ring": [
        "Send one chunk in each step, not the array.",
    ],
    "q4: the whole sum": [
        "Return your own chunk alone.",
        "The chunks are those of `np.array_split`.",
        "Send one chunk in each step, not the array.",
    ],
    "q4: its own chunk alone": [
        "Add what you receive to your own chunk.",
    ],
    "q4: one step too few": [
        "Add what you receive to your own chunk.",
    ],
    "q4: begins with its own chunk": [
        "Add what you receive to your own chunk.",
    ],
    "q4: begins with its own, and gives back what is whole": [
        "This chunk is the other worker's.",
        "The chunks are those of `np.array_split`.",
    ],
    "q4: leftwards": [
        "Send to the right neighbour only.",
    ],
    "q4: the other way round": [
        "Send to the right neighbour only.",
    ],
    "q4: receives first": [
        "Everybody has to send before anybody can receive.",
    ],
    "q4: even ones receive first": [
        "Send in each step before you wait.",
    ],
    "q4: chunks of the same length": [
        "The chunks are those of `np.array_split`.",
    ],
    "q4: the last one longest": [
        "The chunks are those of `np.array_split`.",
    ],
    "q4: into the array": [
        "Return a new array: others may write into this one afterwards.",
    ],
    "q4: the mean": [
        "It is the sum that is wanted.",
    ],
    "q4: all chunks": [
        "Return your own chunk alone.",
        "The chunks are those of `np.array_split`.",
    ],
    "q5: all to all": [
        "One chunk in each step, not the whole array.",
        "Only one worker may add up a chunk; the others get its result.",
    ],
    "q5: through worker 0": [
        "One chunk in each step, not the whole array.",
    ],
    "q5: whole arrays round the ring": [
        "One chunk in each step, not the whole array.",
        "Only one worker may add up a chunk; the others get its result.",
    ],
    "q5: the sum goes once round, whole": [
        "One chunk in each step, not the whole array.",
    ],
    "q5: its own chunk": [
        "At the end put the chunks together again.",
        "The result has the shape of the array.",
        "Any shape may come, also ().",
    ],
    "q5: the array": [
        "Every worker takes part.",
    ],
    "q5: one axis": [
        "The result has the shape of the array.",
        "Any shape may come, also ().",
    ],
    "q5: not copied": [
        "Return a new array: others may write into this one afterwards.",
    ],
    "q5: receives first": [
        "Everybody has to send before anybody can receive.",
    ],
    "q5: worker 0 sends first, the others receive first": [
        "In each step everybody sends, and only then waits.",
        "Nobody may wait before it has sent.",
    ],
    "q5: every second chunk twice": [
        "One chunk in each step, not the whole array.",
    ],
    "q5: the mean": [
        "It is the sum that is wanted.",
    ],
    "q5: own order of adding": [
        "One chunk in each step, not the whole array.",
        "Only one worker may add up a chunk; the others get its result.",
    ],
}
NEUTRAL = {
    "Pass on the sum, in chunks: print who sends what in which step.",
    "Compare with the worked example: from whom, to whom, what.",
    "Everybody sends and receives N − 1 times.",
    "Chunks differ in length, and so do the arrays that they are received into; after the last worker comes worker 0.",
    "Chunks may differ in length by one, and may be empty.",
    "One chunk in each of 2(N − 1) steps.",
    "Chunks differ in length, and are pieces of an array of one axis.",
}
EQUIVALENT = {
    "q5: 1 → 2": "`reshape` takes any negative number for -1",
}
