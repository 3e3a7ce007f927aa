"""The page a student gets back: built from the student's record, never from the executed notebook.

Everything that comes from outside (names, notes, printed text) is escaped, and characters that act instead
of showing (control characters, those that turn the writing direction) are made visible. The page may load
nothing and run nothing: its policy is ``default-src 'none'``. Of a hidden test it shows title, verdict and
hint only.
"""

from __future__ import annotations

import html
import unicodedata

LINES = "\n"  # lines of a message or of what was printed stay lines
RULE = "A question counts when all its tests pass; otherwise it gives no points."
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1f2328}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #d0d7de}td:first-child{white-space:nowrap;width:4.5rem}"
    ".pass{color:#1a7f37}.fail{color:#cf222e}.none{color:#57606a}"
    "td p{margin:.2rem 0;padding-left:.7rem;border-left:3px solid #cf222e;white-space:pre-line;overflow-wrap:anywhere}"
    "pre{background:#f6f8fa;padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere}small{color:#57606a}"
)


def visible(text: str, keep: str = "") -> str:
    """Make control, bidirectional and other invisible characters (except those in `keep`) readable.

    >>> visible("a\\x1b[31mb\\u202ec")
    'a\\\\x1b[31mb\\\\u202ec'
    """
    shown = []
    for char in text:
        hide = unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        shown.append(char.encode("unicode_escape").decode() if hide and char not in keep else char)
    return "".join(shown)


def page(homework: str, record: dict) -> str:
    """Return the feedback page of one student as HTML; a record is what `results.record_of` makes."""
    questions = record["questions"]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name=viewport content="width=device-width">'
        f"<title>{_text(homework)}: feedback</title><style>{STYLE}</style></head><body>",
        f"<h1>{_text(homework)}: {score(questions.values())}</h1>",
        f"<p>for <bdi>{_text(record['student'])}</bdi></p>",
        f"<p>{RULE} Each question is graded alone, with the set-up and this answer only.</p>",
    ]
    if notes := record["notes"]:
        parts.append("<h2>Notes</h2><ul>" + "".join(f"<li>{_text(note)}</li>" for note in notes) + "</ul>")
    parts += [_question(name, question) for name, question in questions.items()]
    return "\n".join([*parts, "</body></html>\n"])


def score(questions) -> str:
    """Points of points, in words; without a number where one is missing.

    >>> score([{"points": 2.0, "max": 2.0}, {"points": 0.0, "max": 3.0}])
    '2 of 5 points'
    >>> score([{"points": 2.0, "max": 2.0}, {"points": None, "max": 3.0}])
    'not judged'
    """
    questions = list(questions)
    if any(question["points"] is None for question in questions):
        return "not judged"
    total, maximum = (sum(question[key] for question in questions) for key in ("points", "max"))
    return f"{points(total)} of {points(maximum)} points"


def points(value: float | None) -> str:
    """Points without a needless ``.0``; nothing where none were given, which is not 0.

    >>> points(2.0), points(2.5), points(None)
    ('2', '2.5', '')
    """
    return "" if value is None else f"{value:g}"


def _question(name: str, question: dict) -> str:
    rows = []
    if question["trouble"]:
        rows.append(f"<tr><td class=fail>✗ fail</td><td>{_text(question['trouble'], LINES)}</td></tr>")
    for test in () if question["trouble"] or question["points"] is None else question["tests"]:
        hidden = " <small>(hidden)</small>" if test["hidden"] else ""
        kind, word = ("pass", "✓ pass") if test["passed"] else ("fail", "✗ fail")
        message = "" if test["passed"] else f"<p>{_text(test['message'], LINES)}</p>"
        rows.append(f"<tr><td class={kind}>{word}</td><td>{_text(test['name'])}{hidden}{message}</td></tr>")
    notes = "".join(f"<li>{_text(note)}</li>" for note in question["notes"])
    printed = f"<p>Printed by the cells:</p><pre>{_text(question['output'], LINES)}</pre>"
    colour = "none" if question["points"] is None else "pass" if question["points"] else "fail"
    return (
        f"<h2 class={colour}>{_text(name)}: {score([question])}</h2>"
        + (f"<table>{''.join(rows)}</table>" if rows else "")
        + (f"<ul>{notes}</ul>" if notes else "")
        + (printed if question["output"] else "")
    )


def _text(text: str, keep: str = "") -> str:
    return html.escape(visible(text, keep))
