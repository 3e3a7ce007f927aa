"""The command line: `needle-edu lab | train | data | cuda run, build, check, profile | doctor | notebooks |
homework list, start, pack | check | grade`.

Each command is a thin door to a function that can be called from Python too; this file only parses words.
Exit status: 0 done, 1 not passed or not done (said in one sentence), 2 wrong words.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from needle_edu._version import __version__
from needle_edu.cli import cuda, data, train

__all__ = ["build_parser", "main"]

EXAMPLES = """\
examples:
  needle-edu lab                           read, run and step through the lectures
  needle-edu train lenet --epochs 5        train a network here and now; --list names all
  needle-edu data minilm                   a model that turns sentences into vectors
  needle-edu cuda check my_backend.cu      what is wrong with kernels of your own, without a card
  needle-edu cuda run sum.cu -- 1000       a whole CUDA program, and its arguments
  needle-edu homework start hw1 my-hw1     your copy of homework 1
  needle-edu check my-hw1                  what passes, and where the rest first differs
  needle-edu grade hw1 class --out grades  a class: one sub-folder, notebook or zip per student
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command; a command's help line heads its own `--help` too."""
    parser = argparse.ArgumentParser(
        prog="needle-edu",
        description="A deep-learning framework to read, and the course that goes with it.",
        epilog=EXAMPLES,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, max_help_position=16),
    )
    parser.add_argument("--version", action="version", version=f"needle_edu {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(among: Any, name: str, text: str, **more: Any) -> argparse.ArgumentParser:
        return among.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", **more)

    lab = command(commands, "lab", "open JupyterLab at the start page of the course")
    lab.usage = "needle-edu lab [JUPYTERLAB OPTION ...]"
    lab.epilog = (
        "Opens your own copy of the course, needle-edu-course/: at the top of a checkout, elsewhere in the current "
        "folder. What you have changed in it is kept. All options go to JupyterLab, for example --no-browser "
        "--port=8890; `jupyter lab --help` lists them."
    )

    train.describe(command(commands, "train", "train one of the applications that come with needle_edu"))

    data.describe(command(commands, "data", "fetch a data set, or a pretrained model"))

    cuda.describe(command(commands, "cuda", "check or profile CUDA of your own, without a graphics card"))

    command(commands, "doctor", "say what this machine has, and how to get what is missing")

    notebooks = command(commands, "notebooks", "copy the course's notebooks into a folder, or renew a copy")
    notebooks.add_argument("folder", type=Path, help="where to; what you have changed there is kept")

    homework = command(commands, "homework", "list the homeworks, start one, or pack one for grading")
    actions = homework.add_subparsers(dest="action", metavar="ACTION", required=True)
    command(actions, "list", "show the homeworks of the course and their points")
    start = command(actions, "start", "write your copy of a homework into a folder")
    start.add_argument("name", help="which homework, e.g. hw1")
    start.add_argument("folder", type=Path, help="where to, e.g. my-hw1")
    start.add_argument(
        "--force", action="store_true", help="start over; the earlier work is kept beside it as a backup"
    )

    pack = command(actions, "pack", "for instructors: write a homework with its solutions into an archive")
    pack.add_argument("name", help="which homework, e.g. hw1; its sources must be at hand, as in a clone")
    pack.add_argument("archive", type=Path, help="where to, e.g. hw1-instructor.zip; `grade` takes it")

    check = command(commands, "check", "check a homework folder: exit status 0 only if all passes")
    check.add_argument("folder", type=Path, help="the notebook or its folder, e.g. my-hw1")

    grade = command(
        commands, "grade", "grade a folder of submissions: a sub-folder, notebook or zip per student"
    )
    grade.epilog = (
        "Each result is written as soon as it is there. Stopped or killed, the same command goes on where it was, and "
        "grades again only submissions that have changed. Exit status 1: somebody could not be judged."
    )
    grade.add_argument(
        "name", help="the instructor's archive, e.g. hw1-instructor.zip; in a clone the name will do: hw1"
    )
    grade.add_argument("submissions", type=Path, help="the folder of submissions")
    grade.add_argument(
        "--out", type=Path, required=True, help="where grades.csv, results.json and feedback/ go"
    )
    grade.add_argument(
        "--jobs",
        type=_at_least_one,
        default=2,
        metavar="N",
        help="how many submissions at a time (default 2)",
    )
    grade.add_argument(
        "--unsafe-no-isolation",
        action="store_true",
        help="run student code under limits only: it can read your files, and more",
    )
    return parser


def _at_least_one(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"wanted a whole number of at least 1, got {word!r}")
    return int(word)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that cannot show a sign shows a question mark
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["lab"] and not {"-h", "--help"} & set(words):  # the other words belong to JupyterLab
            from needle_edu.cli import lab

            return lab.open_lab(words[1:])
        if not words:
            build_parser().print_help(sys.stderr)
            return 2
        words, arguments = cuda.split_arguments(words)
        args = build_parser().parse_args(words, argparse.Namespace(arguments=arguments))
        status = _run(args)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("\nneedle-edu: stopped.", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int:
    if args.command == "train":
        return train.main(args)
    if args.command == "data":
        return data.main(args)
    if args.command == "cuda":
        return cuda.main(args)
    if args.command == "doctor":
        from needle_edu.cli import doctor

        return doctor.main()
    if args.command == "notebooks":
        from needle_edu.cli import lab

        return lab.copy_notebooks(args.folder)
    from needle_edu.course import commands

    if args.command == "homework" and args.action == "list":
        return commands.list_homeworks()
    if args.command == "homework" and args.action == "pack":
        return commands.pack(args.name, args.archive)
    if args.command == "homework":
        return commands.start(args.name, args.folder, force=args.force)
    if args.command == "check":
        return commands.check(args.folder)
    return commands.grade(
        args.name, args.submissions, args.out, jobs=args.jobs, isolated=not args.unsafe_no_isolation
    )


def __dir__() -> list[str]:
    return sorted(__all__)
