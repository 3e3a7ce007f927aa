"""What grading leaves behind in its folder, so that nothing is lost when it is killed.

``students/NAME.json`` is the record of one student, written as soon as it is there, in one step, and with the feedback
page. ``grading.json`` says what the records depend on: the homework (as a digest), how it ran, and the seed of the
tests' random inputs. A later run with the same answers to these takes every record whose submission has not
changed, and grades only the rest. `grades.csv` and `results.json` are made from records; see `results`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from needle_edu._version import __version__
from needle_edu.backend.files import whole_file
from needle_edu.course import feedback
from needle_edu.course.grading.handed_in import Entry
from needle_edu.course.limits import Limits
from needle_edu.course.questions import Homework

Record = dict  # plain data, as JSON holds it; see `results.record_of`
SPACE, PER_STUDENT = 2**21, 2**16  # bytes that the results of a class should find, and of a student


class OutError(Exception):
    """The folder for the results cannot be used; the message says why."""


class Folder:
    """The folder of the results, while one grading writes into it; made by `opened`.

    Attributes
    ----------
    seed : int
        For the tests' random inputs: the one of the earlier run that this one goes on with, or a new one.
    begun : bool
        Whether there was an earlier run of the same homework, unchanged.
    changed : bool
        Whether there was one of the same name, but of another content.
    """

    def __init__(self, out: Path, homework: Homework, conditions: str, seed: int | None):
        self.out = out
        digest = hashlib.sha256(f"{digest_of(homework)} {__version__} {conditions}".encode()).hexdigest()
        before = _read(out / "grading.json")
        if before and before.get("homework") != homework.name:
            raise OutError(
                f"{out} holds the results of {feedback.visible(str(before.get('homework')))}; "
                f"choose another folder for {homework.name}"
            )
        known = before.get("digest") == digest and isinstance(before.get("seed"), int)
        self.begun = known and seed in (None, before["seed"])
        self.changed = bool(before) and not self.begun
        self.seed = before["seed"] if self.begun else secrets.randbits(32) if seed is None else seed
        self.run = hashlib.sha256(f"{digest} {self.seed}".encode()).hexdigest()
        self._digest, self._homework = digest, homework.name
        for folder in (out, out / "students", out / "feedback"):
            for left in folder.glob(".*.part"):  # of a run that was killed while it wrote
                left.unlink(missing_ok=True)

    def begin(self) -> None:
        """Write down what the records to come depend on: from here on a killed run can go on."""
        for name in ("students", "feedback"):
            (self.out / name).mkdir(exist_ok=True)
        what = {"homework": self._homework, "digest": self._digest, "seed": self.seed}
        write_whole(self.out / "grading.json", json.dumps(what, indent=1) + "\n")

    def has(self, entry: Entry) -> bool:
        """Whether there is a record of this run about the student, whatever was handed in then."""
        return _read(self.out / "students" / f"{entry.page}.json").get("run") == self.run

    def earlier(self, entry: Entry, submission: str) -> Record | None:
        """The record of a student, if it is of this very submission and came to a judgement."""
        record = _read(self.out / "students" / f"{entry.page}.json")
        same = (record.get("run"), record.get("submission"), record.get("student"), record.get("judged")) == (
            self.run,
            submission,
            entry.student,
            True,
        )
        return record if same and submission else None

    def write(self, entry: Entry, record: Record, page: str) -> None:
        """Keep a record and the page made from it."""
        write_whole(self.out / "feedback" / f"{entry.page}.html", page)
        text = json.dumps({**record, "run": self.run}, indent=1, ensure_ascii=False)
        write_whole(self.out / "students" / f"{entry.page}.json", text + "\n")


@contextmanager
def opened(
    out: Path, homework: Homework, submissions: Path, count: int, conditions: str, seed: int | None = None
) -> Iterator[Folder]:
    """Try whether the results of `count` students can be written into `out`, and keep other runs off it.

    Raises
    ------
    OutError
        If they cannot; nothing has been graded then.
    """
    _keep_apart(out, submissions)
    with contextlib.ExitStack() as stack:
        try:
            if out.exists() and not out.is_dir():
                raise OutError(f"{out} is a file; a folder for the results is wanted")
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_locked(out))
            _probe(out, SPACE + count * PER_STUDENT)
            folder = Folder(out, homework, conditions, seed)
        except OSError as error:
            raise OutError(f"cannot write into {out} ({error.strerror or error})") from None
        yield folder


def _keep_apart(out: Path, submissions: Path) -> None:
    """Results must not pass for submissions, nor the other way round."""
    handed_in = submissions.resolve()
    if out.resolve().is_relative_to(handed_in):
        raise OutError(f"{out} is inside {submissions}, where it would pass for a student; choose another")
    for place in ((out / "students").resolve(), (out / "feedback").resolve()):
        if place.is_relative_to(handed_in) or handed_in.is_relative_to(place):
            raise OutError(f"the results in {place} would be among the submissions; choose another folder")


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system takes back from a process that is killed."""
    import fcntl

    fd = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutError(f"another grading is writing into {out}; wait for it, or choose another") from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(fd)


def _probe(out: Path, size: int) -> None:
    """Write something and take it away again: a folder may look writable and be read-only, over quota or full."""
    free = shutil.disk_usage(out).free
    if free < size:
        raise OutError(f"{out} has {free:,} bytes left, and {size:,} are wanted; free some space first")
    probe = out / f".probe-{os.getpid()}.part"
    try:
        with open(probe, "wb") as file:
            file.write(bytes(2**20))
            file.flush()
            os.fsync(file.fileno())
    finally:
        with contextlib.suppress(FileNotFoundError):
            probe.unlink()


def digest_of(homework: Homework) -> str:
    """A digest of all that a homework's verdicts depend on: cells, tests, points."""
    questions = [repr(replace(question, tests=())) for question in homework.questions]
    parts = [homework.file_name, homework.adapters, repr(homework.setup), repr(homework.released), *questions]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()


def conditions_of(sandbox: str, limits: Limits) -> str:
    """How submissions are run, in words: results of another sandbox or other limits are not mixed in."""
    return f"{sandbox} {asdict(replace(limits, hide=()))}"


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step: whoever reads it sees all of it, or what was there before."""
    with whole_file(path, encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)


def _read(path: Path) -> dict:
    """A JSON object from a file of ours; empty if there is none, or it cannot be read."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
