"""The look of a check's report in Jupyter.

It must read on a light page and on a dark one, and for those who do not see red and green apart. So text has the
page's own colour and size; red and green are only the ground of a small badge that brings its own white text (contrast
5 on either), and the badge says pass or fail in words. Expected and got stand under each other in the font of code,
where digits line up. All style is inline: a front end that strips it still shows every word in the right order.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from needle_edu.course.pictures import picture
from needle_edu.course.testing import Verdict, common_trouble

_GREEN, _RED = "#1a7f37", "#cf222e"
_CODE = (
    "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:var(--jp-code-font-size,.93em)"
)


def report_html(summary: str, verdicts: Sequence[Verdict]) -> str:
    """Return the report on one question as HTML.

    Parameters
    ----------
    summary : str
        Its first line.
    verdicts : sequence of Verdict
        One for each test; what is said of all alike is said once.
    """
    passed = all(verdict.passed for verdict in verdicts)
    if trouble := common_trouble(verdicts):
        rows = _row(False, escape(trouble))
    else:
        rows = "".join(_row_of(verdict) for verdict in verdicts)
    return (
        f'<div class="needle-check" style="border-left:4px solid {_colour(passed)};padding:2px 0 2px 12px;'
        f'line-height:1.5"><div style="font-weight:600">{escape(summary)}</div>{rows}</div>'
    )


def _colour(passed: bool) -> str:
    return _GREEN if passed else _RED


def _row(passed: bool, text: str) -> str:
    badge = (
        f"flex:none;align-self:flex-start;background:{_colour(passed)};color:#fff;border-radius:3px;"
        "width:4.6em;text-align:center;font-weight:600;white-space:nowrap"
    )
    word = "✓ pass" if passed else "✗ fail"
    return (
        '<div style="display:flex;gap:.75em;margin:.4em 0">'
        f'<span style="{badge}">{word}</span> <div style="min-width:0;overflow-wrap:anywhere">{text}</div></div>'
    )


def _row_of(verdict: Verdict) -> str:
    title = escape(verdict.test.title)
    return _row(verdict.passed, title if verdict.passed else title + _difference(verdict))


def _difference(verdict: Verdict) -> str:
    """What a failed test has to say; what was expected and what came stand one under the other."""
    found = verdict.mismatch
    if found is None or verdict.test.hidden or not (found.expected or found.got):
        return f"<div>{escape(verdict.message)}</div>"
    what = str(found).removesuffix(f": expected {found.expected}, got {found.got}")
    value = '<span style="white-space:pre-wrap;overflow-wrap:anywhere">'
    hint = f"<div><strong>Hint:</strong> {escape(verdict.hint)}</div>" if verdict.hint else ""
    return (
        f"<div>{escape(what)}</div>"
        f'<div style="{_CODE};display:grid;grid-template-columns:max-content minmax(0,1fr);column-gap:1em;'
        'margin:.2em 0">'
        f"<span>expected </span>{value}{escape(found.expected)}</span> "
        f"<span>got </span>{value}{escape(found.got)}</span></div>{hint}{picture(found)}"
    )
