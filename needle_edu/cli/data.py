"""`needle-edu data NAME`: a data set, or the files of a pretrained model, fetched and checked once and kept."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def describe(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its words."""
    parser.usage = "needle-edu data NAME [OPTION ...]\n       needle-edu data --list"
    parser.epilog = (
        "A download that was cut off goes on where it stopped; a file counts only when its digest is the "
        "published one."
    )
    add = parser.add_argument
    add("name", nargs="?", help="which, e.g. fashion-mnist or minilm")
    add("--list", action="store_true", help="show all names, and which are here already")
    add("--folder", type=Path, metavar="DIR", help="where to; by default this user's cache")
    add("--mirror", action="append", default=[], metavar="URL", help="a folder to look in first")
    add("--no-progress", action="store_true", help="show no bar")


def main(args: argparse.Namespace) -> int:
    """Fetch, or list; returns the exit status."""
    from needle_edu.backend import NeedleError
    from needle_edu.data import NAMES, download
    from needle_edu.data.downloads import at_hand

    if args.list:
        for name in NAMES:
            print(
                f"{name:{max(map(len, NAMES))}}  {'here' if at_hand(name, args.folder) else 'not here yet'}"
            )
        return 0
    if args.name is None:
        print("needle-edu data: which? --list shows the names", file=sys.stderr)
        return 2
    try:
        place = download(args.name, args.folder, mirrors=args.mirror, progress=not args.no_progress)
    except (NeedleError, ImportError) as error:
        print(f"needle-edu data: {' '.join(str(error).split())}", file=sys.stderr)
        return 2 if args.name not in NAMES else 1
    except OSError as error:
        print(f"needle-edu data: cannot write {error.filename}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{args.name} is in {place}")
    return 0
