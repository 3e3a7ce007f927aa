"""`needle-edu cuda build | check | profile FILE.cu`: a student's CUDA on the simulator, without a notebook.

The file is a pybind11 module such as ``ndarray_backend_cuda.cu``, compiled as it is. Without a script its functions are
called from fill to reduce and compared with NumPy; with one, `cuda()` and ``import ndarray_backend_cuda`` are the
module while the script runs.
"""

from __future__ import annotations

import argparse
import importlib
import re
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

ORDERS = ("forward", "reverse", "lockstep", "seeded")


def describe(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its words."""
    parser.epilog = (
        "The file is a Python module in CUDA, as homework 3 of the course Deep Learning Systems has it: "
        "PYBIND11_MODULE(ndarray_backend_cuda, m). It needs g++, pybind11 and Python's headers, and no card. "
        "Exit status 1: something was found, or a result is not NumPy's."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("check", "run it under the checker: races, accesses out of bounds, reads of nothing"),
        ("profile", "count what its kernels cost, line by line: sectors, bank conflicts, divergence"),
        ("build", "compile it into a module that Python can import, for the simulator"),
    ):
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        action.add_argument("file", type=Path, metavar="FILE.cu")
        if name == "build":
            action.add_argument("--out", type=Path, metavar="DIR", help="where to (default: beside the file)")
            action.add_argument(
                "--flavour", choices=("plain", "check", "profile"), default="plain", help="(default plain)"
            )
        else:
            action.add_argument("--run", type=Path, metavar="SCRIPT", help="a Python program that uses it")
            action.add_argument("--order", choices=ORDERS, help="in which order threads run")
            action.add_argument("--seed", type=int, default=0, help="of the order seeded")
            action.add_argument("--html", type=Path, metavar="PAGE", help="write the report as a page, too")


def main(args: argparse.Namespace) -> int:
    """Build, or run and report; returns the exit status."""
    from needle_edu import backend

    try:
        return _build(args) if args.action == "build" else _watch(args)
    except backend.BuildError as error:
        print(f"needle-edu cuda: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"needle-edu cuda: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2


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


def _watch(args: argparse.Namespace) -> int:
    from needle_edu.backend.cudasim import lint, modules, open_simulator

    module = modules.load_module(args.file, args.action)
    for remark in lint(args.file.read_text(encoding="utf-8", errors="replace"), args.file.name):
        print(remark)
    simulator = open_simulator()
    simulator.clear_report()
    simulator.clear_profile()
    with simulator.settings(order=args.order, seed=args.seed):
        bad = _exercise(module) if args.run is None else _run(module, args.run)
    report: Any = simulator.report() if args.action == "check" else simulator.profile()
    print()
    print(report.listing() or report)
    if args.html:
        args.html.write_text(
            f'<!doctype html><meta charset="utf-8"><title>{args.file.name}</title>{report.to_html()}\n'
        )
    if args.action == "check" and len(report):
        print(f"\n{report}")
    return int(bad or (args.action == "check" and not report.clean))


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
