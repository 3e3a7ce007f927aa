"""The page a student gets back: built from verdicts, never from the executed notebook.

Everything that comes from outside (names, notes, printed text) is escaped, and characters that act instead
of showing (control characters, those that turn the writing direction) are made visible. The page may load
nothing and run nothing: its policy is ``default-src 'none'``. Of a hidden test it shows title, verdict and
hint only.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

from needle_edu.course.questions import common_trouble
from needle_edu.course.run_question import Result

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1f2328}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #d0d7de}td:first-child{white-space:nowrap;width:4.5rem}"
    ".pass{color:#1a7f37}.fail{color:#cf222e}"
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


def safe_name(student: str) -> str:
    """A file name for a student's page: letters, digits, ``-`` and ``_``, and a hash where that lost
    something.

    >>> safe_name("ada")
    'ada'
    >>> safe_name("../ada").startswith("ada-")
    True
    """
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", student).strip("-")[:60]
    if plain == student and plain.lower() not in {"con", "nul", "aux", "prn"}:
        return plain
    return (
        f"{plain or 'student'}-{hashlib.sha256(student.encode('utf-8', 'surrogateescape')).hexdigest()[:8]}"
    )


def page(student: str, homework: str, results: list[Result], notes: list[str]) -> str:
    """Return the feedback page of one student as HTML."""
    total, maximum = sum(r.points for r in results), sum(r.question.points for r in results)
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name=viewport content="width=device-width">'
        f"<title>{_text(homework)}: feedback</title><style>{STYLE}</style></head><body>",
        f"<h1>{_text(homework)}: {points(total)} of {points(maximum)} points</h1>",
        f"<p>for <bdi>{_text(student)}</bdi></p>",
    ]
    if notes:
        parts.append("<h2>Notes</h2><ul>" + "".join(f"<li>{_text(note)}</li>" for note in notes) + "</ul>")
    parts += [_question(result) for result in results]
    parts.append("<p><small>Each question is graded alone, with the set-up and this answer only.</small></p>")
    return "\n".join([*parts, "</body></html>\n"])


def points(value: float) -> str:
    """Points without a needless ``.0``.

    >>> points(2.0), points(2.5)
    ('2', '2.5')
    """
    return f"{value:g}"


def _question(result: Result) -> str:
    kind, question = "pass" if result.passed else "fail", result.question
    rows, trouble = [], common_trouble(result.verdicts)
    if trouble:
        rows.append(f"<tr><td class=fail>✗ fail</td><td>{_text(trouble)}</td></tr>")
    for verdict in () if trouble else result.verdicts:
        hidden = " <small>(hidden)</small>" if verdict.test.hidden else ""
        word = "✓ pass" if verdict.passed else "✗ fail"
        message = "" if verdict.passed else f"<br><small>{_text(verdict.message)}</small>"
        rows.append(
            f"<tr><td class={'pass' if verdict.passed else 'fail'}>{word}</td>"
            f"<td>{_text(verdict.test.title)}{hidden}{message}</td></tr>"
        )
    notes = "".join(f"<li>{_text(note)}</li>" for note in result.notes)
    return (
        f"<h2 class={kind}>{_text(question.name)}: {points(result.points)} of {points(question.points)}</h2>"
        f"<table>{''.join(rows)}</table>"
        + (f"<ul>{notes}</ul>" if notes else "")
        + (
            f"<p>Printed by the cells:</p><pre>{_text(result.output, keep=chr(10))}</pre>"
            if result.output
            else ""
        )
    )


def _text(text: str, keep: str = "") -> str:
    return html.escape(visible(text, keep))
