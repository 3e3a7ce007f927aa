"""Rewritten sources in the cache: to rewrite our own kernels takes a second and a half, to read them a tenth of one."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..build import cache, pruning
from .rewriter import rewrite, source_tree

RULES = (
    "by_value.py",
    "device_words.py",
    "launch_macros.py",
    "leaving.py",
    "own_names.py",
    "rewriter.py",
    "shared_memory.py",
    "source_functions.py",
    "source_text.py",
    "spelling.py",
    "unsupported.py",
)
COMPLETE = "complete"  # the file that is written last: a hash of the others


def rewritten(sources: Sequence[Path], text: str | None, flavour: str) -> Path:
    """Return a folder with the C++ of CUDA files (`a.cu.cpp` of `a.cu`), and of all that they include from beside them.

    Its name is a hash of the sources, of where they lie (``#line`` says so), and of the rules.

    Parameters
    ----------
    text : str, optional
        What the only file says.
    flavour : str
        Each has a folder of its own, so that object files do not mix.

    Raises
    ------
    CudaSyntaxError
        The source is no CUDA, or has what the simulator lacks.
    """
    read: dict[str, tuple[Path, str]] = {}
    for source in sources:
        read.update(source_tree(source, text))
    parts = [part for name, (file, content) in read.items() for part in (name, str(file), content)]
    folder = cache.default_folder() / "cuda" / cache.key_of([_rules(), flavour, *parts])
    roots = {source.name for source in sources}
    places = {name: folder / (f"{name}.cpp" if name in roots else name) for name in read}
    if _is_intact(folder, places.values()):
        for place in places.values():
            pruning.mark_used(place)
        return folder
    written = [rewrite(content, str(file)) for file, content in read.values()]
    for place, content in zip(places.values(), written, strict=True):
        _write(place, content)
    _write(folder / COMPLETE, cache.key_of(written))
    return folder


@functools.cache
def _rules() -> str:
    """A hash of the modules that rewrite: other rules make other files."""
    return cache.key_of([(Path(__file__).parent / name).read_bytes() for name in RULES])


def _is_intact(folder: Path, places: Iterable[Path]) -> bool:
    try:
        return (folder / COMPLETE).read_text() == cache.key_of([place.read_text() for place in places])
    except (OSError, UnicodeDecodeError):
        return False


def _write(place: Path, content: str) -> None:
    """Write a file whole: another process may be compiling it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(f".{place.name}.{os.getpid()}")
    unfinished.write_text(content)
    os.replace(unfinished, place)
