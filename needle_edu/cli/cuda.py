"""`needle-edu cuda run | build | check | profile | lint FILE.cu`: CUDA of one's own, without card and notebook.

The file is compiled as it is. A whole program, with a `main`, runs in a process of its own, with the arguments behind
``--``. Of a pybind11 module such as ``ndarray_backend_cuda.cu`` the functions are called, from fill to reduce, and
compared with NumPy; with a script, `cuda()` and ``import ndarray_backend_cuda`` are the module while the script runs.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import re
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ORDERS = ("forward", "reverse", "lockstep", "seeded")


def describe(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its words."""
    parser.epilog = (
        "The file is a program, with int main(), or a Python module in CUDA, as homework 3 of the course Deep Learning "
        "Systems has it: PYBIND11_MODULE(ndarray_backend_cuda, m). It needs g++ and no card, a module pybind11 and "
        "Python's headers, too. Exit status: the program's own; 1: something was found, or a result is not NumPy's."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("run", "run a program, as fast as the simulator can"),
        ("check", "run it under the checker: races, accesses out of bounds, reads of nothing"),
        ("profile", "count what its kernels cost, line by line: sectors, bank conflicts, divergence"),
        ("build", "compile it for the simulator; a module can be imported by Python then"),
        ("lint", "say what g++ takes in it and nvcc refuses; any .cu file, and nothing is compiled"),
    ):
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        action.add_argument("file", type=Path, metavar="FILE.cu")
        if name == "lint":
            continue
        if name != "build":
            action.usage = f"needle-edu cuda {name} [OPTION ...] FILE.cu [-- ARGUMENT ...]"
            action.epilog = "What stands behind -- are the arguments of the program's main()."
            action.add_argument(
                "--timeout",
                type=_at_least_zero(float),
                metavar="SECONDS",
                help="of a program (default 60; 0: no limit)",
            )
            action.add_argument("--order", choices=ORDERS, help="in which order threads run")
            action.add_argument("--seed", type=_at_least_zero(int), default=0, help="of the order seeded")
        if name == "build":
            action.add_argument("--out", type=Path, metavar="DIR", help="where to (default: beside the file)")
            action.add_argument(
                "--flavour", choices=("plain", "check", "profile"), default="plain", help="(default plain)"
            )
        elif name != "run":
            action.add_argument(
                "--run", type=Path, metavar="SCRIPT", help="a Python program that uses a module"
            )
            action.add_argument("--html", type=Path, metavar="PAGE", help="write the report as a page, too")


def main(args: argparse.Namespace) -> int:
    """Build, or run and report; returns the exit status."""
    from needle_edu import backend

    try:
        if args.action == "lint":
            return _lint(args)
        return _of_program(args) if _is_program(args) else _of_module(args)
    except backend.BuildError as error:
        print(f"needle-edu cuda: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"needle-edu cuda: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


def _at_least_zero(kind: type) -> Callable[[str], Any]:
    """What argparse reads such a number with."""

    def read(word: str) -> Any:
        with contextlib.suppress(ValueError):
            if 0 <= kind(word) < float("inf"):
                return kind(word)
        raise argparse.ArgumentTypeError(f"wanted a number of at least 0, got {word!r}")

    return read


def split_arguments(words: list[str]) -> tuple[list[str], list[str] | None]:
    """Return the words of the command, and the program's arguments, those behind ``--``; None without it.

    Examples
    --------
    >>> split_arguments(["cuda", "run", "sum.cu", "--", "-n", "100"])
    (['cuda', 'run', 'sum.cu'], ['-n', '100'])
    """
    if words[:1] != ["cuda"] or "--" not in words:
        return words, None
    at = words.index("--")
    return words[:at], words[at + 1 :]


def _is_program(args: argparse.Namespace) -> bool:
    """Whether the file has a `main` and is no module; words that go with the other kind only are an error."""
    from needle_edu.backend import BuildError
    from needle_edu.backend.cudasim.whole_programs import kind_of

    given = {
        "program": [name for name in ("run", "out") if getattr(args, name, None)],
        "module": ["timeout"] if getattr(args, "timeout", None) is not None else [],
    }
    kind = kind_of(args.file)
    if given[kind]:
        other = "module" if kind == "program" else "program"
        raise BuildError(f"--{given[kind][0]} is for a {other}, and {args.file} is a {kind}")
    if getattr(args, "arguments", None) is not None and (kind == "module" or args.action == "build"):
        raise BuildError(
            f"what stands behind -- is for a main() that runs; {args.action} of a {kind} has none"
        )
    if kind == "module" and args.action == "run":
        raise BuildError(f"{args.file} is a module, which has no main() to run; `check` calls its functions")
    return kind == "program"


def _of_program(args: argparse.Namespace) -> int:
    """Compile a program; run it, unless that was all; returns its exit status, or 1 if something was found."""
    from needle_edu.backend.cudasim import whole_programs
    from needle_edu.backend.cudasim.profile import read_profile
    from needle_edu.backend.cudasim.report import read_report

    flavour = {"run": "plain", "build": getattr(args, "flavour", "")}.get(args.action, args.action)
    library = whole_programs.build_program(args.file, flavour)
    if args.action == "build":
        how = "run" if flavour == "plain" else flavour
        print(
            f"{args.file.name} compiles ({flavour}); to run it: needle-edu cuda {how} {args.file} [-- ARGUMENT ...]"
        )
        return 0
    if args.action != "run":
        _remark(args.file)
    ending = whole_programs.run_program(
        library,
        getattr(args, "arguments", None) or (),
        name=str(args.file.with_suffix("")),
        order=args.order,
        seed=args.seed,
        timeout=60 if args.timeout is None else args.timeout,
    )
    if ending.sentence:
        print(f"{args.file.name}: {ending.sentence}", file=sys.stderr)
    report: Any = None
    if ending.facts is not None:
        report = (read_report if args.action == "check" else read_profile)(ending.facts, {})
    elif args.action != "run":
        print(f"{args.file.name}: it ended too early for a report", file=sys.stderr)
    checked = args.action == "check"
    if ending.error and not (checked and report):
        print(f"{args.file.name}: it left an error of the device behind: {ending.error}", file=sys.stderr)
    if report is not None:
        _show(args, report)
    bad = checked and (report is None or not report.clean or ending.error)
    return ending.status or int(bool(bad))


def _of_module(args: argparse.Namespace) -> int:
    return _build(args) if args.action == "build" else _watch(args)


def _build(args: argparse.Namespace) -> int:
    from needle_edu.backend.cudasim import modules

    library = modules.build_module(args.file, args.flavour)
    name = modules.module_name(args.file.read_text(encoding="utf-8", errors="replace"))
    folder = args.out or args.file.parent
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{name}.so"
    shutil.copyfile(library, target)
    print(
        f"{target}: import {name} from a Python that runs in {folder}; it computes on the simulator ({args.flavour})"
    )
    return 0


def _lint(args: argparse.Namespace) -> int:
    from needle_edu.backend.cudasim import lint

    remarks = lint(args.file.read_text(encoding="utf-8", errors="replace"), args.file.name)
    print("\n".join(map(str, remarks)) or f"{args.file.name}: nothing that nvcc is known to refuse")
    return int(any(not one.note for one in remarks))


def _watch(args: argparse.Namespace) -> int:
    from needle_edu.backend.cudasim import modules, open_simulator

    module = modules.load_module(args.file, args.action)
    _remark(args.file)
    simulator = open_simulator()
    simulator.clear_report()
    simulator.clear_profile()
    with simulator.settings(order=args.order, seed=args.seed):
        bad = _exercise(module) if args.run is None else _run(module, args.run)
    report: Any = simulator.report() if args.action == "check" else simulator.profile()
    _show(args, report)
    return int(bad or (args.action == "check" and not report.clean))


def _remark(file: Path) -> None:
    """Print what nvcc would refuse in the file."""
    from needle_edu.backend.cudasim import lint

    for remark in lint(file.read_text(encoding="utf-8", errors="replace"), file.name):
        print(remark)


def _show(args: argparse.Namespace, report: Any) -> None:
    """Print a report of the checker or the profiler, and write its page."""
    print()
    print(report.listing() or report)
    if args.html:
        args.html.write_text(
            f'<!doctype html><meta charset="utf-8"><title>{args.file.name}</title>{report.to_html()}\n'
        )
    if args.action == "check" and len(report):
        print(f"\n{report}")


def _exercise(module: Any) -> bool:
    from needle_edu.backend.cudasim.exercise import exercise

    outcomes = exercise(module)
    print("\n".join(map(str, outcomes)))
    return not all(outcome.fine for outcome in outcomes)


def _run(module: Any, script: Path) -> bool:
    """Run the script with the module as `cuda()`; returns whether it failed."""
    import traceback

    from needle_edu.backend.cudasim.student_engine import use_module

    text = script.read_text(encoding="utf-8")
    importlib.import_module("needle_edu.backend_ndarray")  # with it devices have their kernel modules
    runtime = use_module(module)
    sys.modules[module.__name__.rpartition(".")[2]] = module
    if re.search(r"^\s*(?:import|from)\s+needle\b", text, re.MULTILINE):
        from needle_edu import aliasing

        aliasing.install_as("needle")
    argv = sys.argv
    sys.argv = [str(script)]
    failed = False
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as end:
        failed = bool(end.code)
    except Exception:
        traceback.print_exc()
        failed = True
    finally:
        sys.argv = argv
    if runtime.on_module:
        print(f"\non the module: {_named(runtime.on_module)}")
        print(f"on the CPU, for it lacks them: {_named(runtime.on_cpu)}")
    return failed


def _named(counts: Any) -> str:
    return ", ".join(f"{name} ({n})" for name, n in sorted(counts.items())) or "nothing"
