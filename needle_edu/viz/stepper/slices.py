"""Parts of large arrays, on demand: what the live stepper can show beyond the recorded sample.

While it records, a `Keeper` copies the arrays of which a snapshot keeps only a sample, up to `KEPT_BYTES` in all. They
live as long as the widget.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from needle_edu.autograd.arrays import readable
from needle_edu.autograd.events import Event
from needle_edu.graph import Snapshot, take_snapshot
from needle_edu.graph.recorder import Aside
from needle_edu.viz.stepper.numbers import array_parts
from needle_edu.viz.stepper.steps import Step

KEPT_BYTES = 256 << 20
SHOWN = 1000  # elements of a part; a larger one is shown as every large array is
PART = re.compile(r"(-?\d*):(-?\d*)(?::(-?\d*))?|(-?\d+)|(\.\.\.|…)")


class Keeper(Aside):
    """A recorder that also keeps large arrays whole, as long as there is room.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> with Keeper() as keeper:
    ...     x = ndl.Tensor(np.arange(100.0)) * 2
    >>> [(snapshot.size, keeper.whole(snapshot)[-1].item()) for _, snapshot in keeper.records if snapshot]
    [(100, 99.0), (100, 198.0)]
    """

    def __init__(self, room: int = KEPT_BYTES):
        super().__init__()
        self.room = room
        self._arrays: dict[
            int, np.ndarray
        ] = {}  # by the identity of the snapshot, which the records keep alive

    def write(self, event: Event, array: Any) -> None:
        """Keep an event, and its array if the snapshot does not hold it."""
        super().write(event, array)
        snapshot = self.records[-1][1] if self.records else None
        if snapshot is None or snapshot.sample is None or self.full:
            return
        data = readable(array)
        if data.nbytes <= self.room:
            self.room -= data.nbytes
            self._arrays[id(snapshot)] = data.copy()

    def whole(self, snapshot: Snapshot | None) -> np.ndarray | None:
        """All numbers of which `snapshot` is a picture, or None if they were not kept."""
        if snapshot is None or snapshot.array is not None:
            return None if snapshot is None else snapshot.array
        return self._arrays.get(id(snapshot))


def parse_slice(text: str) -> tuple:
    """What stands between the brackets of an indexing, such as "0:3, -1" or "..., ::2".

    Raises
    ------
    ValueError
        Anything but whole numbers, slices of them and one "...".

    Examples
    --------
    >>> parse_slice("0:3, -1, ::2")
    (slice(0, 3, None), -1, slice(None, None, 2))
    """
    index: list[Any] = []
    for part in text.strip().removeprefix("[").removesuffix("]").split(","):
        match = PART.fullmatch(part.strip().replace(" ", ""))
        if match is None:
            raise ValueError(
                f"{part.strip() or 'nothing'}: wanted whole numbers and slices, such as 0:3, -1, ::2"
            )
        if match[4]:
            index.append(int(match[4]))
        elif match[5]:
            index.append(Ellipsis)
        else:
            index.append(slice(*(int(n) if n else None for n in match.groups()[:3])))
    return tuple(index)


def shown_part(keeper: Keeper | None, step: Step, role: str, text: str) -> list[str]:
    """A part of the array that plays `role` in a step, as pieces of the panel; what is wrong is said in words."""
    shown = next((s for s in (*step.given, *([step.result] if step.result else ())) if s.role == role), None)
    whole = keeper.whole(shown.numbers) if keeper and shown else None
    if whole is None:
        return ['<p class="pending">these numbers were not kept whole</p>']
    try:
        part = np.asarray(whole[parse_slice(text)])
    except (ValueError, IndexError) as error:
        words = str(error).replace("&", "&amp;").replace("<", "&lt;")
        return [f'<p class="pending">{words}</p>']
    snapshot = take_snapshot(part, SHOWN)
    assert snapshot is not None
    return [f'<div class="slice">shape {part.shape}</div>', *array_parts(snapshot)]
