"""`needle-edu train NAME`: an application of `needle_edu.training`, trained in the terminal.

The folder that it writes to is a new one each time, `runs/NAME`, `runs/NAME-2` and so on, unless `--out` names another:
nothing that was trained before is lost.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from pathlib import Path

DEVICES = ("cpu", "cpu_numpy", "cuda", "cuda_sim")
BESIDE = {
    "tqdm": "progress bar",
    "matplotlib": "picture of the curves",
    "safetensors": "checkpoint that others read",
}


def describe(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its words."""
    parser.usage = "needle-edu train NAME [OPTION ...]\n       needle-edu train --list"
    parser.epilog = (
        "Ctrl-C ends after the step that is being made and says how to go on; a killed training goes on from its last "
        "checkpoint with the very losses it would have had."
    )
    add = parser.add_argument
    add("name", nargs="?", help="which application, e.g. mlp")
    add("--list", action="store_true", help="show all applications, one a line")
    add("--epochs", type=int, metavar="N", help="how often to go through the data")
    add("--batch-size", type=int, metavar="N", help="examples per step")
    add("--lr", type=float, metavar="X", help="the step size")
    add("--seed", type=int, metavar="N", help="where random numbers start")
    add("--data", metavar="NAME", help="a data set, or a folder with its files; by default what is at hand")
    add("--device", choices=DEVICES, help="what computes (default cpu)")
    add("--steps", type=int, metavar="N", help="stop after N steps")
    add("--small", action="store_true", default=None, help="a trial run: a small model, few examples")
    add(
        "--processes", type=int, metavar="N", help="divide each batch among N processes, which mpiexec starts"
    )
    add("--workers", type=int, default=0, metavar="N", help="processes that read batches ahead (default 0)")
    add("--patience", type=int, metavar="N", help="stop when N epochs have brought nothing better")
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="where checkpoint, curves and result go (default a new runs/NAME)",
    )
    add(
        "--resume",
        action="store_true",
        help="go on with a training: that in --out, else the latest of this name",
    )
    add("--no-progress", action="store_true", help="print only the result")


def main(args: argparse.Namespace) -> int:
    """Train, or list; returns the exit status."""
    from needle_edu import backend, training
    from needle_edu.distributed.cards import own_card
    from needle_edu.distributed.environment import launched
    from needle_edu.training import folder
    from needle_edu.training.applications import named
    from needle_edu.training.parallel import processes

    if args.list:
        width = max(map(len, training.APPLICATIONS))
        for name, kind in training.APPLICATIONS.items():
            print(f"{name:{width}}  {kind.summary}")
        return 0
    if args.name is None:
        print("needle-edu train: which application? --list shows them", file=sys.stderr)
        return 2
    if args.processes is not None and args.processes > 1 and not launched():
        return _start_processes(args.processes)
    first = True
    try:
        parallel = processes()
        first = parallel.first
        kind = named(args.name)
        out = args.out or (folder.latest(kind.name) if args.resume else folder.fresh(kind.name))
        if not parallel.alone:
            out = Path(parallel.communicator.all_gather_texts(os.fspath(out))[0])
        if not parallel.alone and args.device == "cuda":
            own_card(parallel.communicator)
        if first and not args.no_progress:
            _say_what_is_missing()
        result = training.run(
            kind,
            epochs=args.epochs,
            batch_size=args.batch_size,
            lr=args.lr,
            seed=args.seed,
            data=args.data,
            device=None if args.device is None else getattr(backend, args.device)(),
            steps=args.steps,
            small=args.small,
            workers=args.workers,
            patience=args.patience,
            out=out,
            resume=args.resume,
            progress=False if args.no_progress else None,
        )
    except (backend.NeedleError, ValueError, ImportError) as error:
        if first or isinstance(error, backend.DistributedError):
            print(f"needle-edu {_one_line(error)}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(
            f"needle-edu train: there is not enough memory; try a smaller --batch-size, or --small ({error})",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(
            f"needle-edu train: cannot write or read {error.filename or out}: {error.strerror or error}",
            file=sys.stderr,
        )
        return 1
    if not first:
        return {"interrupted": 130, "diverged": 1}.get(result.ended, 0)
    print(result)
    print(f"written to {out}/: {', '.join(sorted(file.name for file in out.iterdir()))}")
    if result.ended in ("interrupted", "steps"):
        print(f"to go on:  needle-edu train {kind.name} --resume --out {out}")
    return {"interrupted": 130, "diverged": 1}.get(result.ended, 0)


def _start_processes(number: int) -> int:
    """Start this very command again in several processes; returns the exit status."""
    from needle_edu.distributed.launching import run_processes

    try:
        return run_processes(number, ["-m", "needle_edu", *sys.argv[1:]])
    except ImportError as error:
        print(f"needle-edu train: {error}", file=sys.stderr)
        return 2


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if text.startswith("train: ") else f"train: {text}"


def _say_what_is_missing() -> None:
    missing = {package: what for package, what in BESIDE.items() if importlib.util.find_spec(package) is None}
    if missing:
        print(
            f"needle-edu: {', '.join(missing)} not installed, so there is no {', no '.join(missing.values())}. "
            "Get it all with:  python -m pip install 'needle_edu[train]'",
            file=sys.stderr,
        )
