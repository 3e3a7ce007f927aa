"""Homework 6: how long values live (question 6), and a memory plan (7)."""

from . import changed, solutions

SOLUTIONS = solutions("hw6")
LIVES, PLAN = SOLUTIONS["q6"], SOLUTIONS["q7"]

END = "found, end = {}, len(program.body)"
READINGS = "readings = [(place, one.inputs) for place, one in enumerate(program.body)]"
START = "found[one.name] = place, place"
LONGER = "found[name] = found[name][0], place"
MEET = "if lives[other][0] <= last and first <= lives[other][1]"
ORDER = "sorted(lives, key=nbytes.get, reverse=True)"
ROOM = "if places[name] + nbytes[name] <= start:"
ON = "places[name] = max(places[name], end)"
PLAN_BODY = PLAN[PLAN.index("    ### BEGIN") : PLAN.index("    ### END")]


def plan(body: str) -> str:
    """Another body of question 7."""
    return PLAN.replace(PLAN_BODY, body)


STACKED = """    places, at = {}, 0
    for name in lives:
        places[name] = at
        at += nbytes[name]
    return places
"""
RING = """    places, at, size = {}, 0, 2 * max(nbytes.values(), default=0)
    for name in sorted(lives, key=lives.get):
        at = 0 if at + nbytes[name] > size else at
        places[name] = at
        at += nbytes[name]
    return places
"""
BUFFERS = """    places, free, at = {}, [], 0
    for name in sorted(lives, key=lives.get):
        mine = [slot for slot in free if slot[1] >= nbytes[name] and slot[2] < lives[name][0]]
        slot = mine[0] if mine else [at, nbytes[name], 0]
        if not mine:
            free.append(slot)
            at += nbytes[name]
        slot[2] = lives[name][1]
        places[name] = slot[0]
    return places
"""
ON_TOP = """    places = {}
    for name in sorted(lives, key=nbytes.get, reverse=True):
        first, last = lives[name]
        ends = [
            places[other] + nbytes[other]
            for other in places
            if lives[other][0] <= last and first <= lives[other][1]
        ]
        places[name] = max(ends, default=0)
    return places
"""

WRONG = {
    "q6: the first reading": changed(
        LIVES, "if name in found:", "if name in found and found[name] == (found[name][0], found[name][0]):"
    ),
    "q6: results end where they are made": changed(
        LIVES, "[*readings, (end, program.results())]", "readings"
    ),
    "q6: the end is the last place": changed(LIVES, END, "found, end = {}, len(program.body) - 1"),
    "q6: updates forgotten": changed(LIVES, "program.results()", "program.outputs"),
    "q6: outputs forgotten": changed(LIVES, "program.results()", "[name for name, _ in program.updates]"),
    "q6: all live to the end": changed(LIVES, START, "found[one.name] = place, end"),
    "q6: all live from the beginning": changed(LIVES, START, "found[one.name] = 0, place"),
    "q6: from one": changed(
        LIVES,
        "for place, one in enumerate(program.body):\n        found",
        "for place, one in enumerate(program.body, 1):\n        found",
    ),
    "q6: one place longer": changed(LIVES, LONGER, "found[name] = found[name][0], place + 1"),
    "q6: one place shorter": changed(LIVES, "[(place, one.inputs)", "[(place - 1, one.inputs)"),
    "q6: inputs are values, too": changed(
        LIVES, "if name in found:", "found.setdefault(name, (0, 0))\n            if name in found:"
    ),
    "q6: sources live for ever": changed(
        LIVES, "    return found\n", "    return found | {name: (0, end) for name in program.sources}\n"
    ),
    "q6: unread values left out": changed(
        LIVES,
        "    return found\n",
        "    return {name: life for name, life in found.items() if life[0] != life[1]}\n",
    ),
    "q6: unread values end before they begin": changed(LIVES, START, "found[one.name] = place, -1"),
    "q6: the length of a life": changed(
        LIVES, LONGER, "found[name] = found[name][0], place - found[name][0]"
    ),
    "q6: the last place alone": changed(
        LIVES, "    return found\n", "    return {name: life[1] for name, life in found.items()}\n"
    ),
    "q6: the first operand alone": changed(LIVES, "(place, one.inputs)", "(place, one.inputs[:1])"),
    "q6: the last operand alone": changed(LIVES, "(place, one.inputs)", "(place, one.inputs[-1:])"),
    "q6: pairs": changed(LIVES, "    return found\n", "    return list(found.items())\n"),
    "q6: the first result alone": changed(LIVES, "(end, program.results())", "(end, program.outputs[:1])"),
    "q6: reading overwrites the beginning": changed(LIVES, LONGER, "found[name] = place, place"),
    "q7: no sharing": plan(STACKED),
    "q7: everything at 0": plan("    return dict.fromkeys(lives, 0)\n"),
    "q7: a ring": plan(RING),
    "q7: buffers of fixed size": plan(BUFFERS),
    "q7: always on top": plan(ON_TOP),
    "q7: the smallest first": changed(PLAN, ", reverse=True", ""),
    "q7: by birth": changed(PLAN, ORDER, "sorted(lives, key=lives.get)"),
    "q7: by death": changed(PLAN, ORDER, "sorted(lives, key=lambda name: lives[name][1])"),
    "q7: by name": changed(PLAN, ORDER, "sorted(lives)"),
    "q7: as they come": changed(PLAN, ORDER, "lives"),
    "q7: the shortest life first": changed(
        PLAN, ORDER, "sorted(lives, key=lambda name: lives[name][1] - lives[name][0])"
    ),
    "q7: ends do not meet": changed(PLAN, MEET, MEET.replace("<=", "<")),
    "q7: the beginning does not meet": changed(PLAN, "first <= lives[other][1]", "first < lives[other][1]"),
    "q7: the end does not meet": changed(PLAN, "[0] <= last", "[0] < last"),
    "q7: only the beginning counts": changed(PLAN, MEET, "if lives[other][0] <= first <= lives[other][1]"),
    "q7: lives inside are forgotten": changed(
        PLAN,
        MEET,
        "if lives[other][0] <= first <= lives[other][1] or lives[other][0] <= last <= lives[other][1]",
    ),
    "q7: all are alive together": changed(PLAN, f"\n            {MEET}", ""),
    "q7: neighbours need a byte between": changed(PLAN, "+ nbytes[name] <= start", "+ nbytes[name] < start"),
    "q7: any gap will do": changed(PLAN, ROOM, "if places[name] < start:"),
    "q7: gaps not sorted": changed(PLAN, "in sorted(taken)", "in taken"),
    "q7: sorted by the end": changed(PLAN, "sorted(taken)", "sorted(taken, key=lambda pair: pair[::-1])"),
    "q7: behind the last end seen": changed(PLAN, ON, "places[name] = end"),
    "q7: ends forgotten": changed(PLAN, "place + nbytes[other])", "place + nbytes[name])"),
    "q7: pairs of places": changed(
        PLAN, "    return places\n", "    return {n: (p, p + nbytes[n]) for n, p in places.items()}\n"
    ),
    "q7: rounded to cache lines": changed(
        PLAN, "nbytes[name] <= start", "-(-nbytes[name] // 64) * 64 <= start"
    ).replace("max(places[name], end)", "max(places[name], -(-end // 64) * 64)"),
    "q7: lives used up": changed(PLAN, "    return places\n", "    lives.clear()\n    return places\n"),
    "q7: half of the small ones left out": changed(PLAN, ORDER, f"{ORDER}[: max(1, len(lives) - 1)]"),
    "q7: floats": changed(
        PLAN, "    return places\n", "    return {name: float(place) for name, place in places.items()}\n"
    ),
}

HINTS: dict[str, list[str]] = {
    "q6: the first reading": ["A value lives until it is read for the last time, not for the first."],
    "q6: results end where they are made": [
        "What is returned lives to the end, which is after the last instruction."
    ],
    "q6: the end is the last place": [
        "What is returned lives to the end, which is after the last instruction."
    ],
    "q6: updates forgotten": ["What is written lives to the end, too."],
    "q6: outputs forgotten": ["What is returned lives to the end, which is after the last instruction."],
    "q6: unread values left out": ["Even what nobody reads has a place while it is computed."],
    "q6: the last operand alone": ["A value lives until it is read for the last time, not for the first."],
    "q6: the first result alone": ["What is written lives to the end, too."],
    "q7: no sharing": ["That is every value in a place of its own: let them share."],
    "q7: all are alive together": ["That is every value in a place of its own: let them share."],
}
NEUTRAL: set[str] = {
    "Take one value of a small graph and follow it with your finger.",
    "Which two are alive together? Both ends belong to a life: at one place a value is read while another is written.",
    "Is the gap large enough, and free for the whole life?",
    "Take four values and draw their lives: which of them meet, one inside another, too?",
    "Draw these four as in the picture: which gap could be used?",
    "The largest first, each at the lowest place that is free for its whole life.",
}
EQUIVALENT: dict[str, str] = {}
