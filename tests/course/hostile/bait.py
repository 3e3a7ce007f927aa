"""A machine with something to lose: runs hostile answers in a sandbox, and looks after each what has changed.

It is a program of its own, so that the tests can start it as root, as an ordinary user, or where nobody may make
namespaces. It reads a job in JSON from its standard input (`main` says which) and writes what came out. The bait lies
in a folder of its own; the package, the processes and the temporary folders of the machine are watched as well.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

TOKEN = "needle-edu-token-hunter2"


class Bait:
    """Files, sockets and a process that a hostile answer must not reach; a context manager."""

    def __init__(self, folder: Path, toy: str, mark: str):
        self.folder, self.toy, self.mark = folder, toy, mark

    def __enter__(self) -> Bait:
        self.folder.mkdir()
        (self.folder / "secret.txt").write_text("secret")
        (self.folder / "grades.csv").write_text("eve,0\n")
        other = self.folder / "submissions" / "eve"
        other.mkdir(parents=True)
        (other / "toy.ipynb").write_text("{}")
        self.held = open(self.folder / "secret.txt")  # noqa: SIM115
        os.set_inheritable(self.held.fileno(), True)
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.path, self.abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.path.bind(str(self.folder / "socket"))
        self.abstract.bind(f"\0{self.mark}")
        for listener in (self.path, self.abstract):
            listener.listen()
        self.bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        self.before = self.state()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bystander.kill()
        self.bystander.wait()
        for thing in (self.held, self.tcp, self.path, self.abstract):
            thing.close()

    def names(self) -> dict:
        """What stands in braces in an attack."""
        return {
            "bait": str(self.folder),
            "toy": self.toy,
            "mark": self.mark,
            "token": TOKEN,
            "port": self.tcp.getsockname()[1],
            "grader": os.getpid(),
            "bystander": self.bystander.pid,
        }

    def state(self) -> dict[str, str]:
        """Everything that must stay as it is, by name."""
        import needle_edu

        found = {}
        roots = [self.folder, Path(needle_edu.__file__).parent]
        for path in (path for root in roots for path in root.rglob("*") if "__pycache__" not in path.parts):
            about = path.lstat()
            text = path.read_bytes() if path.is_file() else b""
            found[str(path)] = f"{about.st_mode:o} {about.st_mtime_ns} {hashlib.sha256(text).hexdigest()}"
        places = [
            *roots,
            Path(sys.prefix),
            *map(Path, ("/usr/lib", "/usr/bin", "/etc", "/", "/tmp", "/dev/shm")),
        ]
        for place in places:
            for name in glob.glob(f"{place}/*{self.mark}*") + glob.glob(f"{place}/*left-behind*"):
                found[name] = "left"
        return found

    def changes(self) -> list[str]:
        """What is not as it was at the last look: files, connections, processes."""
        now, before = self.state(), self.before
        said = [f"changed: {name}" for name in {*now, *before} if now.get(name) != before.get(name)]
        self.before = now
        for what, listener in (("tcp", self.tcp), ("socket", self.path), ("abstract", self.abstract)):
            listener.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                said.append(f"reached: {what}")
        if self.bystander.poll() is not None:
            said.append("killed: a bystander")
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                line = entry.read_bytes()
                if f"# {self.mark}".encode() in line or b"# left-behind" in line:
                    said.append(f"still running: {line.decode(errors='replace')}")
                    os.kill(int(entry.parent.name), 9)
        return said


def main() -> None:
    """Run a job: ``{"toy", "folder", "sandbox", "limits", "answers": {name: [answer to q1, answer to q2]}}``."""
    from needle_edu.course import limits, questions
    from needle_edu.course.grading import sandbox
    from needle_edu.course.grading.run_question import run_submission

    job = json.load(sys.stdin)
    os.environ["SECRET_TOKEN"] = TOKEN
    kind = getattr(sandbox, job["sandbox"])
    if kind is sandbox.ProcessSandbox and os.geteuid() == 0:
        sys.exit(
            "without isolation hostile answers run as an ordinary user only: as root they could change everything"
        )
    report: dict = {"user": os.getuid(), "trouble": kind.trouble(), "caution": kind.caution(), "answers": {}}
    if not report["trouble"]:
        toy = questions.load(job["toy"])
        most = limits.Limits(**job["limits"])
        with Bait(Path(job["folder"]) / "bait", job["toy"], job["mark"]) as bait:
            for name, (first, second) in job["answers"].items():
                names = {**bait.names(), **job["names"]}
                if name not in job["verbatim"]:
                    first = job["try"] + textwrap.dedent(first).format(**names)
                answers = {"q1": (textwrap.dedent(first), ()), "q2": (second, ())}
                results = list(run_submission(toy, answers, limits=most, sandbox=kind))
                report["answers"][name] = {
                    "points": [result.points for result in results],
                    "judged": [result.judged for result in results],
                    "notes": [note for result in results for note in result.notes],
                    "printed": [result.output for result in results],
                    "messages": [[v.message for v in result.verdicts] for result in results],
                    "changes": bait.changes(),
                }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
