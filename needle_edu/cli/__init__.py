"""The command line: `needle-edu lab | doctor | homework start | check | grade | notebooks`.

Each command is a thin door to a function that can be called from Python too; this file only parses words.
Exit status: 0 done, 1 not passed or not done (said in one sentence), 2 wrong words.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from needle_edu._version import __version__


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    parser = argparse.ArgumentParser(
        prog="needle-edu", description="A deep-learning framework to read, and the course that goes with it."
    )
    parser.add_argument("--version", action="version", version=f"needle_edu {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    lab = commands.add_parser("lab", help="open JupyterLab at the start page of the course", add_help=False)
    lab.add_argument(
        "options", nargs=argparse.REMAINDER, help="passed on to JupyterLab, e.g. --no-browser --port=8890"
    )

    commands.add_parser("doctor", help="say what this machine has, and how to get what is missing")

    notebooks = commands.add_parser("notebooks", help="copy the course's notebooks into a folder")
    notebooks.add_argument("folder", type=Path, help="where to; files that are already there are kept")

    homework = commands.add_parser("homework", help="list the homeworks, or start one")
    actions = homework.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="the homeworks of the course")
    start = actions.add_parser("start", help="write your copy of a homework into a folder")
    start.add_argument("name", help="which homework, e.g. hw1")
    start.add_argument("folder", type=Path, help="where to, e.g. my-hw1")
    start.add_argument(
        "--force", action="store_true", help="start over; the earlier work is kept beside it as a backup"
    )

    check = commands.add_parser("check", help="check a homework folder: exit status 0 only if all passes")
    check.add_argument("folder", type=Path, help="the folder that `homework start` wrote")

    grade = commands.add_parser("grade", help="grade a folder of submissions, one sub-folder per student")
    grade.add_argument("name", help="which homework, e.g. hw1")
    grade.add_argument("submissions", type=Path, help="the folder of submissions")
    grade.add_argument(
        "--out", type=Path, required=True, help="where grades.csv, results.json and feedback/ go"
    )
    grade.add_argument("--jobs", type=int, default=2, help="how many submissions at a time (default 2)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == ["lab"]:  # everything after `lab` belongs to JupyterLab, `--help` too
        from needle_edu.cli import lab

        return lab.open_lab(words[1:])
    args = build_parser().parse_args(words)
    try:
        return _run(args)
    except KeyboardInterrupt:
        print("\nneedle-edu: stopped.", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int:
    if args.command == "doctor":
        from needle_edu.cli import doctor

        return doctor.main()
    if args.command == "notebooks":
        from needle_edu.cli import lab

        return lab.copy_notebooks(args.folder)
    from needle_edu.course import commands

    if args.command == "homework" and args.action == "list":
        return commands.list_homeworks()
    if args.command == "homework":
        return commands.start(args.name, args.folder, force=args.force)
    if args.command == "check":
        return commands.check(args.folder)
    return commands.grade(args.name, args.submissions, args.out, jobs=args.jobs)
