"""Compiling C into a shared library: the one builder for our kernels, for tests and for students' kernels.

`shared_library` names the library after a hash of all that goes into it: the sources, the files they
include, the flags. If the cache has that name, nothing is compiled. Otherwise each source becomes an object
file (several at a time, each cached in the same way, so that a change in one file compiles one file) and
the objects are linked.

Only the standard library is used here: `pip install` runs this file before numpy is there.
"""

import functools
import os
import platform
import re
import shlex
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import BuildError
from .cache import cached, key_of

COMPILERS = ("cc", "gcc", "clang")
FLAGS = (
    "-O3",
    "-std=gnu11",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fvisibility=hidden",
    "-fPIC",
    "-pthread",
)
HOW_TO_GET_A_COMPILER = "Debian, Ubuntu: sudo apt install gcc; macOS: xcode-select --install"
_DISK_IS_FULL = (
    "No space left on device",
    "Disk quota exceeded",
    "File too large",
    "File size limit exceeded",
)
_INCLUDE = re.compile(rb'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)


class Source(NamedTuple):
    """One run of the compiler: a C file and the flags that only this run gets."""

    path: Path
    flags: tuple[str, ...] = ()


class CompilerFailed(BuildError):
    """The compiler ran, and failed: another attempt takes as long and will most likely end alike."""


class _SourcesChanged(BuildError):
    """What was compiled is not what the name of the library was made from."""


def find_compiler() -> list[str] | None:
    """Return the command of the C compiler: $CC, else the first of cc, gcc and clang; None without one.

    Raises
    ------
    BuildError
        $CC is no command: a quotation mark in it is never closed.
    """
    try:
        chosen = shlex.split(os.environ.get("CC", ""))
    except ValueError as error:
        raise BuildError(
            f"$CC is {os.environ['CC']!r}, which is no command ({error}); unset CC or correct it"
        ) from None
    for command in [chosen] if chosen else [[name] for name in COMPILERS]:
        if shutil.which(command[0]):
            return command
    return None


@functools.lru_cache(8)
def gcc_version(command: tuple[str, ...]) -> int:
    """Return the major version of a compiler that is GCC; 0 if it is another one, or does not run."""
    try:
        import subprocess

        said = subprocess.run(
            [*command, "-dM", "-E", "-x", "c", os.devnull], capture_output=True, text=True, timeout=30
        ).stdout
    except (OSError, ImportError, subprocess.SubprocessError):
        return 0
    found = re.search(r"#define __GNUC__ (\d+)", said)
    return int(found[1]) if found and "__clang__" not in said else 0


def shared_library(
    name: str,
    sources: Iterable[Source | Path],
    *,
    include: Sequence[Path] = (),
    flags: Sequence[str] = FLAGS,
    link: Sequence[str] = (),
    compiler: Sequence[str] | None = None,
    folder: Path | None = None,
    announce: str = "",
    fresh: bool = False,
    retry: bool = True,
    room: int = 4 << 20,
) -> Path:
    """Return the path of a shared library compiled from C sources, out of the cache if it is there.

    Parameters
    ----------
    name : str
        The library becomes ``{name}-{hash}.so``.
    sources : iterable of Source or Path
        The files to compile.
    include : sequence of Path
        Folders that ``#include "..."`` looks into after the file's own.
    flags, link : sequence of str
        For every run of the compiler, and for the last one.
    compiler : sequence of str, optional
        Its command; default `find_compiler()`.
    folder : Path, optional
        Where to put the library; default the user's cache.
    announce : str
        Printed on stderr if there is something to compile.
    fresh : bool
        Compile every source, even if the cache has it: what it has does not load.
    retry : bool
        Start again, once, if a source changes while it is compiled.
    room : int
        Bytes that the build needs on the disk; see `cache.cached`.

    Raises
    ------
    BuildError
        There is no compiler, or it failed; carries the compiler's own message.
    """
    runs = [source if isinstance(source, Source) else Source(Path(source)) for source in sources]
    texts = [_text_with_includes(run.path, include) for run in runs]
    parts: list[bytes | str] = [name, sys.platform, platform.machine(), *(compiler or ()), *flags, *link]
    for run, text in zip(runs, texts, strict=True):
        parts += [run.path.name, *run.flags, text]
    file_name = f"{name}-{key_of(parts)}.so"

    def make(temporary: Path) -> Path:
        command = _working_compiler(compiler)
        if announce:
            print(announce, file=sys.stderr, flush=True)
        options = [*flags, *(f"-I{path}" for path in include)]
        jobs = [
            (
                [*command, *options, *run.flags],
                run.path,
                _object_key([*command, *flags, *run.flags], include, text),
            )
            for run, text in zip(runs, texts, strict=True)
        ]
        objects = _compile_all(jobs, temporary.parent / "objects", temporary, fresh)
        if texts != [_text_with_includes(run.path, include) for run in runs]:
            _forget(objects)  # their names tell of the texts as they were
            raise _SourcesChanged("a source file changed while it was compiled; try again")
        library = temporary / file_name
        soname = "-install_name" if sys.platform == "darwin" else "-soname"
        linking = [
            "-shared",
            f"-Wl,{soname},{file_name}",
            *map(str, objects),
            "-lm",
            *link,
            "-o",
            str(library),
        ]
        try:
            _run([*command, *options, *linking], library, temporary)
        except BuildError:
            _forget(objects)  # a damaged one may be why; the next attempt shall not meet it again
            raise
        return library

    try:
        return cached(file_name, make, folder, fresh, room)
    except _SourcesChanged:  # somebody is editing: once more, with the texts of now
        if retry:
            return shared_library(
                name,
                runs,
                include=include,
                flags=flags,
                link=link,
                compiler=compiler,
                folder=folder,
                fresh=fresh,
                retry=False,
                room=room,
            )
        raise


def _object_key(command: list[str], include: Sequence[Path], text: bytes) -> str:
    """Return the name of the object that `command` makes of a file whose `text` has all that it includes.

    Where the folders lie makes no difference, so copies of one checkout share their objects. With debugging
    information it does: an object then tells a debugger where its sources are.
    """
    debugging = any(flag.startswith("-g") for flag in command)
    return key_of([*command, *(map(str, include) if debugging else ()), text])


def _text_with_includes(path: Path, include: Sequence[Path]) -> bytes:
    """Return the text of a C file followed by that of every file it includes in quotes, each once."""
    seen: dict[Path, bytes] = {}

    def visit(file: Path) -> None:
        if file in seen:
            return
        seen[file] = text = file.read_bytes()
        for name in _INCLUDE.findall(text):
            places = (place / os.fsdecode(name) for place in (file.parent, *include))
            found = next((place for place in places if place.is_file()), None)
            if found is not None:
                visit(found)

    visit(path)
    return b"\0".join(seen.values())


def _working_compiler(compiler: Sequence[str] | None) -> list[str]:
    command = list(compiler) if compiler else find_compiler()
    if command is None or not shutil.which(command[0]):
        wanted = shlex.join(command or []) or os.environ.get("CC", "").strip()
        if wanted:
            raise BuildError(f"the C compiler {wanted!r} (from $CC) was not found; unset CC or correct it")
        raise BuildError(f"no C compiler was found ({', '.join(COMPILERS)}). {HOW_TO_GET_A_COMPILER}")
    return command


def _compile_all(
    jobs: list[tuple[list[str], Path, str]], folder: Path, temporary: Path, fresh: bool
) -> list[Path]:
    """Compile (command, source, key) jobs side by side; return the objects, unless `fresh` from the cache."""
    from concurrent.futures import ThreadPoolExecutor

    folder.mkdir(parents=True, exist_ok=True)
    _forget_old(folder)

    def compile_one(job: tuple[list[str], Path, str]) -> Path:
        command, source, key = job
        target = folder / f"{source.stem}-{key}.o"
        if target.exists() and not fresh:
            os.utime(target)  # still in use: see _forget_old
            return target
        unfinished = temporary / target.name
        _run([*command, "-c", str(source), "-o", str(unfinished)], source, temporary)
        os.replace(unfinished, target)
        return target

    workers = max(2, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(compile_one, job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _forget(objects: Iterable[Path]) -> None:
    for path in objects:
        path.unlink(missing_ok=True)


def _forget_old(folder: Path, days: float = 30) -> None:
    """Remove object files that no build has used for some time; other builds may remove some meanwhile."""
    import time

    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > days * 86400:
                path.unlink()


def _run(command: list[str], about: Path, temporary: Path) -> None:
    """Run the compiler, its own files in `temporary`; on failure raise BuildError with the start of its message."""
    try:
        import subprocess

        result = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
    except (OSError, ImportError) as error:  # a browser's Python has no processes
        raise BuildError(f"{command[0]} could not be run: {error}") from error
    if result.returncode == 0:
        return
    said = result.stderr.strip() or result.stdout.strip() or f"exit status {result.returncode}"
    lines = said.splitlines()
    shown = "\n".join(lines[:20]) + ("\n..." if len(lines) > 20 else "")
    if any(sentence in said for sentence in _DISK_IS_FULL):
        raise CompilerFailed(
            f"{command[0]} could not make {about.name}, because the disk is full ({temporary.parent}); "
            "make room there, or name another folder: NEEDLE_EDU_CACHE=/some/folder"
        )
    raise CompilerFailed(
        f"{command[0]} could not make {about.name}:\n{shown}\n(command: {shlex.join(command)})"
    )
