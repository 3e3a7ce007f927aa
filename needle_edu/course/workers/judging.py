"""What a test says of a run of several workers: did it come to its end, what did each get, what went over the wires?

A test gets what the adapter `workers` reports as plain values, `found`, made where the student's code lives, and
believes nothing: what is not there as it should be is an answer that does not pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from needle_edu.course.answer import Answer
from needle_edu.course.compare import Mismatch, same

KINDS = ("deadlock", "time limit", "too many messages")


def results(found: dict[str, Any], left_over: bool = False) -> list:
    """Return what each worker got, if all came to their end.

    Parameters
    ----------
    found : dict
        What ``answer.workers(…)`` returned.
    left_over : bool
        Whether messages that nobody has received are allowed.

    Raises
    ------
    Mismatch
        With the status ``"found deadlock (…)"``, ``"time limit"``, ``"too many messages"`` or ``"found unread"``.
    """
    if found["trouble"]:
        kind, text = found["trouble"]
        if kind == "deadlock":
            raise Mismatch("found deadlock (your workers wait for each other)", "none", f"{text}"[:300])
        raise Mismatch(kind if kind in KINDS else "no end", "an end", f"{text}"[:300])
    if found["unread"] and not left_over:
        raise Mismatch("found unread messages", "0", f"{found['unread']}, which no worker has received")
    return list(found["results"])


def traffic(found: dict[str, Any], what: str, least: float | None = None, most: float | None = None) -> None:
    """Raise `Mismatch` unless what went over the wires is within bounds.

    Parameters
    ----------
    what : str
        ``"messages"``: of all workers. ``"sent"``: messages of the worker that sent most. ``"numbers"``: elements of
        arrays that the busiest worker sent, or received if that is more. ``"links"``: how many were used; a link leads
        from one worker to another, one way. ``"steps"``: how many went by until the last message was sent
        (`needle_edu.course.workers.network`).
    least, most : float, optional
        The bounds, which are allowed themselves. What an answer cannot do without is a lower bound.
    """
    value = counted(found)[what]
    if least is not None and not value >= least:
        raise Mismatch(f"too few {what}", f"at least {least:.4g}", f"{value:.4g}")
    if most is not None and not value <= most:
        raise Mismatch(f"too many {what}", f"at most {most:.4g}", f"{value:.4g}")


def counted(found: dict[str, Any]) -> dict[str, int]:
    """What `traffic` compares."""
    sent, out, back, links = Counter[int](), Counter[int](), Counter[int](), set()
    for source, to, _, array in messages(found):
        sent[source] += 1
        out[source] += array.size
        back[to] += array.size
        links.add((source, to))
    return {
        "messages": sent.total(),
        "sent": max(sent.values(), default=0),
        "numbers": max([*out.values(), *back.values()], default=0),
        "links": len(links),
        "steps": max((step for _, _, step, _ in messages(found)), default=0),
    }


def messages(found: dict[str, Any]) -> list[tuple[int, int, int, np.ndarray]]:
    """All messages, in the order in which they were sent: from, to, step, array."""
    heads = [(int(source), int(to), int(step)) for source, to, step in found["heads"]]
    return [(*head, array) for head, array in zip(heads, found["arrays"], strict=True)]


def alone_too(answer: Answer, found: dict[str, Any], arguments: Sequence[Sequence]) -> None:
    """Let each worker run once more, alone, with the messages that it received: it must give and send the same.

    So nothing but messages goes from worker to worker: no global name, no file, no look into another's variables.
    """
    every = messages(found)
    for rank, own in enumerate(arguments):
        arriving = [[source, array] for source, to, _, array in every if to == rank]
        again = answer.worker_alone(rank, len(arguments), arriving, list(own))
        try:
            same(again["result"], found["results"][rank])
            same(again["sent"], [[to, array] for source, to, _, array in every if source == rank])
        except (Mismatch, KeyError, TypeError):
            raise Mismatch("another result with the same messages and without the other workers") from None
