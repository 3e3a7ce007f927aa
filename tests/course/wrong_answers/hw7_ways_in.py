"""Homework 7: ways to the sum that are no messages (questions 3 to 6)."""

from . import changed, solutions, whole

SOLUTIONS = solutions("hw7")
BROADCAST, SCATTER, RING, STEP = (SOLUTIONS[q] for q in ("q3", "q4", "q5", "q6"))

# Messages of the right number and size, with nothing in them; the sum comes from a name that all workers see.
BOARD = """\
import numpy as np

BOARD = {}


"""
DUMMIES = """\
    BOARD[comm.rank] = array.copy()
    chunks = np.array_split(np.zeros_like(array).reshape(-1), comm.size)
    right, left = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
    for step in range(HOW_MANY):
        out, into = chunks[(comm.rank - step - 1) % comm.size], chunks[(comm.rank - step - 2) % comm.size]
        comm.send_receive(out, right, np.empty_like(into), left)
    total = sum(BOARD[rank] for rank in range(comm.size))
"""
# What the other threads have in their variables.
FRAMES = """\
    import sys
    own = sys._getframe().f_code
    others = [f.f_locals["array"] for f in sys._current_frames().values() if f.f_code is own]
    total = sum(others) if len(others) == comm.size else sum(others) * (comm.size / len(others))
"""
# What stands in the network's own list of messages.
LIST = """\
    total = array.copy()
    for message in comm._network.messages:
        total = total + message.array
    comm._network.messages.clear()
"""
OWN = "    return np.array_split(total, comm.size)[comm.rank].copy()\n"
SEND = "comm.send(array, (comm.rank + step) % comm.size)"


def dummies(how_many: str) -> str:
    """The lines that send nothing of worth, so many times."""
    return DUMMIES.replace("HOW_MANY", how_many)


WRONG = {
    "q3: empty messages, and a global name": BOARD
    + changed(
        BROADCAST,
        SEND,
        f"BOARD[0] = array.copy()\n                {SEND.replace('array', 'np.zeros_like(array)')}",
        "return array",
        "return array if not own else BOARD[0].copy()",
    ),
    "q3: what the root kept for later": BOARD
    + changed(
        BROADCAST,
        "return array",
        "BOARD.setdefault(comm.size, array.copy())\n    return BOARD[comm.size].copy()",
    ),
    "q3: no message is counted": changed(
        BROADCAST, "return array", "comm._network.messages.clear()\n    return array"
    ),
    "q4: empty messages, and a global name": BOARD + whole(SCATTER, dummies("comm.size - 1") + OWN),
    "q4: a look into other threads": whole(SCATTER, FRAMES + OWN),
    "q4: a look at the list of messages": whole(SCATTER, LIST + OWN),
    "q4: no message is counted": changed(
        SCATTER, "return chunks[comm.rank]", "comm._network.messages.clear()\n    return chunks[comm.rank]"
    ),
    "q4: sends in the name of another": changed(
        SCATTER, "into += comm", "comm._network.send(left, comm.rank, out)\n        into += comm"
    ),
    "q5: empty messages, and a global name": BOARD
    + whole(RING, dummies("2 * (comm.size - 1)") + "    return total\n"),
    "q5: a look into other threads": whole(RING, FRAMES + "    return total\n"),
    "q5: a look at the list of messages": whole(RING, LIST + "    return total\n"),
    "q5: no message is counted": changed(
        RING, "return total.reshape", "comm._network.messages.clear()\n    return total.reshape"
    ),
    "q5: the last result again": BOARD
    + changed(
        RING,
        "return total.reshape(array.shape)",
        "return BOARD.setdefault((comm.size, array.shape), total.reshape(array.shape)).copy()",
    ),
    "q6: a sum of its own": BOARD
    + changed(
        STEP,
        "mean = all_reduce(np.concatenate(own)) / comm.size",
        "all_reduce(np.zeros_like(np.concatenate(own)))\n        mean = np.concatenate(own)",
    ),
    "q6: the optimiser is called off": changed(STEP, "optimizer.step()", "optimizer.step = lambda: None"),
}

HINTS: dict[str, list[str]] = {
    "q4: a look at the list of messages": [
        "Add what you receive to your own chunk.",
    ],
    "q5: a look into other threads": [
        "Every worker takes part.",
    ],
    "q5: a look at the list of messages": [
        "Every worker takes part.",
    ],
    "q5: no message is counted": [
        "Every worker takes part.",
    ],
}
NEUTRAL: set[str] = set()
EQUIVALENT: dict[str, str] = {}
