"""Fetching the files of a data set once, and finding them afterwards.

What was fetched lies in the user's cache folder. A download that was cut off goes on where it stopped. A file counts
only when its digest is right, so a file that is there is a whole one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...backend.arguments import switch
from ...backend.errors import DataError
from ...backend.extras import needed
from .registry import EMBEDDED, File, files_of
from .resume import Resuming

OFFLINE = "NEEDLE_EDU_DATA"


def download(
    name: str,
    folder: str | os.PathLike | None = None,
    *,
    mirrors: Sequence[str] = (),
    progress: bool = True,
    only: str | None = None,
) -> Path:
    """Fetch a data set, if it is not here yet, and return the folder with its files as they were published.

    Archives are unpacked there. With the environment variable `NEEDLE_EDU_DATA`, the folder is the subfolder `name` of
    that one, and nothing is fetched. No test of this project asks a real address.

    Parameters
    ----------
    name : str
        One of `NAMES`: "mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100", "olivetti", "tinyshakespeare", "ptb",
        "cola"; or "minilm", a model, which `models.minilm` reads.
    folder : path, optional
        Where to keep it, in a subfolder `name`; the cache folder of this user if not given.
    mirrors : sequence of str
        Addresses of folders to look in first, such as "http://localhost:8000/"; the digests stay the same.
    progress : bool
        Whether to show a bar.
    only : str, optional
        Fetch only files whose name begins like this, such as "t10k".

    Raises
    ------
    DataError
        If there is no such data set, no address answers, or a file is not the published one.
    ImportError
        If the package pooch is needed and not installed.

    Examples
    --------
    >>> download("mnest")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DataError: download: there is no data set 'mnest'; the names are mnist, fashion-mnist, ...
    """
    files = [file for file in files_of("download", name) if only is None or file.name.startswith(only)]
    switch("download", progress=progress)
    if isinstance(mirrors, str) or not all(isinstance(mirror, str) for mirror in mirrors):
        raise TypeError(
            f"download: mirrors is a list of addresses, such as ['http://here/'], got {mirrors!r:.60}"
        )
    offline = os.environ.get(OFFLINE)
    if folder is None and offline:
        place = Path(offline) / name
        for file in files:
            _find(place, name, file)
        files = [file for file in files if file.unpacked and not (place / file.unpacked).is_dir()]
    else:
        place = _cache(folder) / name
        place.mkdir(parents=True, exist_ok=True)
        offline = None
    with _alone_in(place):
        for file in files:
            there = file.unpacked is not None and (place / file.unpacked).is_dir()
            if not offline and not there:
                _fetch(place, name, file, mirrors, progress)
            if file.unpacked is not None and not there:
                _unpack(place, file)
            if file.members and not offline:  # what is wanted of it lies beside it
                (place / file.name).unlink(missing_ok=True)
    return place


def at_hand(name: str, folder: str | os.PathLike | None = None) -> bool:
    """Whether all of a data set is here, so that `load` needs no network; what comes with needle_edu always is.

    Parameters
    ----------
    name, folder
        As for `download`.

    Raises
    ------
    DataError
        If there is no such data set.

    Examples
    --------
    >>> import tempfile
    >>> at_hand("mnist", tempfile.mkdtemp())
    False
    """
    if name in EMBEDDED:
        return True
    files, offline = files_of("at_hand", name, EMBEDDED), os.environ.get(OFFLINE)
    if folder is None and offline:
        place = Path(offline) / name
    else:
        try:
            place = _cache(folder) / name
        except ImportError:  # no pooch, and so nothing that it has fetched
            return False
    return all(
        found(place, file) or (file.unpacked is not None and (place / file.unpacked).is_dir())
        for file in files
    )


def found(place: Path, file: File) -> Path | None:
    """Where a file lies in a folder, under whichever of its names; None if it is not there."""
    for name in (file.name, *file.other_names):
        if (place / name).is_file():
            return place / name
    return None


@contextlib.contextmanager
def _alone_in(place: Path) -> Iterator[None]:
    """Wait until no other process fetches into this folder, and let none begin; a lock ends with its process."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        with contextlib.suppress(ImportError, OSError):  # no POSIX system, or a file system without locks
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _cache(folder: str | os.PathLike | None) -> Path:
    if folder is not None:
        return Path(folder)
    return Path(needed("download", "pooch", "train", _otherwise()).os_cache("needle_edu"))


def _otherwise() -> str:
    return f"or set {OFFLINE} to a folder that has the files"


def _find(place: Path, name: str, file: File) -> None:
    if found(place, file) is None and not (file.unpacked and (place / file.unpacked).is_dir()):
        raise DataError(
            f"{name}: {place / file.name} is not there; {OFFLINE} is set, so it is not downloaded from {file.urls[0]}"
        )


def _fetch(place: Path, name: str, file: File, mirrors: Sequence[str], progress: bool) -> None:
    pooch = needed("download", "pooch", "train", _otherwise())
    requests = needed("download", "requests", "train")
    part, failures = place / f"{file.name}.part", []
    logger, level = pooch.get_logger(), pooch.get_logger().level
    logger.setLevel("WARNING")
    try:
        for url in [*(mirror.rstrip("/") + "/" + file.name for mirror in mirrors), *file.urls]:
            for _ in range(2):
                way = Resuming(part, progress)
                try:
                    pooch.retrieve(url, f"{file.kind}:{file.hexadecimal}", file.name, place, downloader=way)
                    return
                except requests.RequestException as error:
                    failures.append(f"{url} ({_first_line(error)})")
                except ValueError as error:
                    if "hash" not in str(error):
                        raise
                    if way.resumed:  # what was here before may have been the beginning of something else
                        continue
                    failures.append(f"{url} (its {file.kind} is not the published {file.hexadecimal})")
                break
    finally:
        logger.setLevel(level)
    raise DataError(
        f"{name}: {file.name} could not be downloaded from {' nor from '.join(failures)}; try again when the network "
        f"is there, {_otherwise()}"
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no answer'}"[:200]


def _unpack(place: Path, file: File) -> None:
    """Unpack an archive beside itself, all of it or nothing."""
    assert file.unpacked is not None
    archive = found(place, file)
    assert archive is not None
    import shutil
    import tempfile

    try:
        beside = tempfile.mkdtemp(prefix=".unpacking-", dir=place)
    except OSError:
        raise DataError(
            f"{archive} cannot be unpacked: its folder may not be written to; unpack it there"
        ) from None
    try:
        _extract(archive, beside, file)
        if not Path(beside, file.unpacked).is_dir():
            raise DataError(f"{archive}: holds no folder {file.unpacked}; download it again")
        os.rename(Path(beside, file.unpacked), place / file.unpacked)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _extract(archive: Path, folder: str, file: File) -> None:
    import shutil
    import tarfile
    import zipfile

    try:
        if file.members:
            inside = Path(folder, str(file.unpacked))
            inside.mkdir()
            with zipfile.ZipFile(archive) as packed:
                for member in file.members:  # by names of our own: no name of the archive's makes a path
                    with packed.open(member) as source, open(inside / Path(member).name, "wb") as target:
                        shutil.copyfileobj(source, target)
        elif archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder)  # leaves out what would lie outside
        else:
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")  # refuses what would lie outside, links and devices
    except Exception as error:  # damaged bytes make the readers of archives raise almost anything
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{archive}: no archive, or a damaged one ({error}); download it again") from error
