"""The program inside a sandbox: runs a student's cells, then calls the answer as it is told.

It is started as ``python -I sandbox_worker.py IN OUT FOLDER``; without these words it only tries whether it could shut
itself off, and tells by its exit status. It shuts itself off from the other processes and the
network where Linux lets it (`separate`), sets its limits, reads one job (the cells), runs them in plain
Python, and reports. Then for each test it forks, so that every test meets the answer fresh: the child calls
the answer, sends plain values back and ends. Nothing here is secret and nothing here judges: expected
values, verdicts and the other questions never enter this process.
"""

import ast
import contextlib
import ctypes
import io
import os
import resource
import signal
import sys
from collections.abc import Iterable

SERVED = 79  # exit status of a child that has answered its test to the end
SUBREAPER = 36  # prctl: orphans of this process become its children, so that they can be found and killed
NEW_MOUNTS, READ_ONLY, BIND = 0x2_0000, 1, 4096
NEW_USER, NEW_PROCESSES, NEW_NETWORK, NEW_IPC = 0x1000_0000, 0x2000_0000, 0x4000_0000, 0x0800_0000
CAPABILITIES = 0x2008_0522  # the version of capset's arguments


def main(fd_in: int, fd_out: int, folder: str) -> None:
    """Run one job: read it from `fd_in`, answer on `fd_out`; `folder` is where needle_edu is."""
    sys.path.insert(0, folder)
    from needle_edu.course import wire

    def read(count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = os.read(fd_in, count - len(data))
            if not part:
                os._exit(0)
            data += part
        return bytes(data)

    def write(value) -> None:
        data = memoryview(wire.encode(value))
        while data:
            data = data[os.write(fd_out, data) :]

    job = wire.receive(read)
    alone = separate(job["limits"]["hide"])
    if alone and (first := os.fork()):  # a namespace of processes begins with a child, and dies with it
        os.close(fd_out)
        os.waitpid(first, 0)
        os._exit(0)
    set_limits(job["limits"], alone)
    worker = os.fork()
    if worker:  # the parent runs nothing of the student's; it keeps the family together until it is killed
        with contextlib.suppress(OSError):
            _, status = os.waitpid(worker, 0)
            write(("ended", os.waitstatus_to_exitcode(status)))
        os.close(fd_out)
        while True:
            signal.pause()
    if alone:
        give_up_capabilities()
    namespace = run_setup(job)
    os.dup2(1, 2)  # until here errors went to whoever waits for the start; from here on to nobody
    write("started")
    write(run_cells(job, namespace))
    while True:
        if wire.receive(read) != "begin":  # the end of a test whose child has died
            continue
        child = os.fork()
        if child == 0:
            serve(namespace, job, read, write, wire)
            os._exit(SERVED)
        with contextlib.suppress(OSError):
            _, status = os.waitpid(child, 0)
            if os.waitstatus_to_exitcode(status) != SERVED:
                write(("ended", os.waitstatus_to_exitcode(status)))


def separate(hide: Iterable[str] = ()) -> bool:
    """Move this process into namespaces of its own; False where the system knows or allows no such thing.

    Its children then see, signal and trace no process but their own, have no network, and their number is
    counted apart from the user's other processes. The folders and files of `hide` are empty for them; other
    files are as reachable as before.
    """
    if sys.platform != "linux":
        return False
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None)
    if libc.unshare(NEW_USER | NEW_MOUNTS | NEW_PROCESSES | NEW_NETWORK | NEW_IPC) != 0:
        return False
    maps = {"setgroups": "deny", "uid_map": f"{user} {user} 1", "gid_map": f"{group} {group} 1"}
    for name, text in maps.items():  # the same names for user and group as outside; without them: nobody
        with contextlib.suppress(OSError), open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    for path in map(os.fsencode, hide):
        if os.path.isdir(path):
            libc.mount(b"hidden", path, b"tmpfs", ctypes.c_ulong(READ_ONLY), b"size=4k")
        else:
            libc.mount(b"/dev/null", path, None, ctypes.c_ulong(BIND), None)
    return True


def give_up_capabilities() -> None:
    """Whoever makes a namespace has all rights over it; the student's code needs none."""
    ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(CAPABILITIES, 0), (ctypes.c_uint32 * 6)())


def set_limits(limits: dict, alone: bool) -> None:
    """Lower this process's limits for good; those it has already stay where they are lower."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)
    wanted = {
        resource.RLIMIT_CPU: limits["cpu"] + 1,
        resource.RLIMIT_AS: limits["memory"],
        resource.RLIMIT_FSIZE: limits["file"],
        resource.RLIMIT_NOFILE: 128,
        resource.RLIMIT_CORE: 0,
    }
    if alone or os.path.isdir("/proc"):  # elsewhere nobody can say how many there are already
        wanted[resource.RLIMIT_NPROC] = limits["processes"] + (2 if alone else threads_of_this_user())
    for which, value in wanted.items():
        _, hard = resource.getrlimit(which)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        soft = max(value - 1, 1) if which == resource.RLIMIT_CPU else value  # SIGXCPU, then SIGKILL
        if sys.platform != "darwin" or which != resource.RLIMIT_AS:  # macOS knows its name only
            resource.setrlimit(which, (soft, value))


def threads_of_this_user() -> int:
    """How many threads the user runs already: the limit of processes counts them all."""
    count = 0
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if entry.isdigit() and os.stat(f"/proc/{entry}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{entry}/task"))
    return count


# --- the cells ----------------------------------------------------------------------------------------------


class Output(io.TextIOBase):
    """What cells print, up to a limit; the rest is dropped."""

    def __init__(self, limit: int):
        self.parts: list[str] = []
        self.left = limit

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        part = str(text)[: self.left]
        self.left -= len(part)
        if part:
            self.parts.append(part)
        return len(text)


def run_setup(job: dict) -> dict:
    """Run the homework's own imports; return the namespace they make."""
    namespace = {"__name__": "__main__", "display": lambda *objects, **options: None}
    for source in job["setup"]:
        exec(compile(source, "<set-up>", "exec"), namespace)
    return namespace


def run_cells(job: dict, namespace: dict) -> dict:
    """Run the student's helpers and the answer, and return what there is to say about it."""
    from needle_edu.course.cells import run_cell

    output = Output(job["limits"]["output"])
    notes: list[str] = []
    outcome = {"error": None, "message": "", "line": 0, "notes": notes, "output": ""}
    sys.stdout = sys.stderr = output
    for source in job["extra"]:
        try:
            exec(compile(definitions(source), "<your extra cell>", "exec"), namespace)
        except BaseException as error:
            if len(notes) < 8:
                notes.append(f"an extra cell of yours raised {type(error).__name__[:60]}")
    try:
        run_cell(job["answer"], namespace)
    except BaseException as error:
        outcome["error"] = wire_name(error)
        outcome["message"] = (error.msg if isinstance(error, SyntaxError) else str(error))[:500]
        outcome["line"] = last_line(error)
    outcome["output"] = "".join(output.parts)
    sys.stdout = sys.stderr = Output(0)  # from here on a print could only carry the tests' inputs out
    return outcome


def definitions(source: str) -> ast.Module:
    """Keep of an extra cell what an answer may lean on: imports, functions, classes and plain constants."""
    from needle_edu.course.cells import python_of

    tree = ast.parse(python_of(source))
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    tree.body = [node for node in tree.body if isinstance(node, kinds) or is_constant(node)]
    return tree


def is_constant(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign):
        return False
    try:
        ast.literal_eval(node.value)
    except (ValueError, TypeError):
        return False
    return True


def wire_name(error: BaseException):
    from needle_edu.course import wire

    return wire.Raised(wire.exception_name(error))


def last_line(error: BaseException) -> int:
    """The line of the answer's cell where the error arose, from 1; 0 if nowhere in it."""
    line = error.lineno or 0 if isinstance(error, SyntaxError) else 0
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == "<your answer>":
            line = step.tb_lineno
        step = step.tb_next
    return line


# --- the calls ----------------------------------------------------------------------------------------------


def serve(namespace: dict, job: dict, read, write, wire) -> None:
    """Answer the calls of one test until it is over."""
    from needle_edu.course.answer import explain, perform

    while True:
        message = wire.receive(read)
        if message is None:
            return
        try:
            value: tuple = ("value", perform(namespace, *message))
            wire.encode(value)
        except BaseException as error:
            kind = "refused" if type(error) is wire.WireError else "raised"
            said = str(error) if kind == "refused" else explain(error, namespace)
            text = said[:500] if job["messages"] else ""  # a text could carry hidden inputs out
            value = (kind, wire.Raised(wire.exception_name(error)), text)
        write(value)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(not separate())
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
