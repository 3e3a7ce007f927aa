"""What runs a student's code: the homework's set-up, the cells, then the calls that the tests make.

By now the process stands where it may do no harm (`sandbox_worker`), or where nobody minds (a student's own check). It
reads one job, runs the cells as Jupyter would and reports; then for each test it forks, so that every test meets
the answer fresh: the child calls the answer, sends plain values back and ends. Nothing here is secret and nothing
here judges: expected values, verdicts and the other questions never enter this process.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import sys

from needle_edu.course import messages, source_answers, source_cells
from needle_edu.course.answer import explain, perform
from needle_edu.course.cells import FILE_NAME, python_of, run_cell

SERVED = 79  # exit status of a child that has answered its test to the end


class Pipes:
    """This process's end of the two pipes to the grader."""

    def __init__(self, fd_in: int, fd_out: int):
        self.fd_in, self.fd_out = fd_in, fd_out

    def read(self) -> object:
        """The next message; when the grader has gone, this process ends."""
        return messages.receive(self._read)

    def _read(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = os.read(self.fd_in, count - len(data))
            if not part:
                os._exit(0)
            data += part
        return bytes(data)

    def write(self, value: object) -> None:
        data = memoryview(messages.encode(value))
        while data:
            data = data[os.write(self.fd_out, data) :]


def main(pipes: Pipes, output: int) -> None:
    """Run one question; `output` is how many characters of what the cells print are kept."""
    job = pipes.read()
    assert isinstance(job, dict)
    if "compile" in job:
        pipes.write("started")
        return pipes.write(compiled(job))
    namespace = run_setup(job)
    os.dup2(1, 2)  # until here errors went to whoever waits for the start; from here on to nobody
    pipes.write("started")
    pipes.write(run_cells(job, namespace, output))
    while True:
        match pipes.read():
            case ("begin", bool(texts)):
                pass
            case _:  # the end of a test whose child has died
                continue
        child = os.fork()
        if child == 0:
            serve(namespace, job.get("adapters", ""), pipes, texts)
            os._exit(SERVED)
        with contextlib.suppress(OSError):
            _, status = os.waitpid(child, 0)
            if os.waitstatus_to_exitcode(status) != SERVED:
                pipes.write(("ended", os.waitstatus_to_exitcode(status)))


def compiled(job: dict) -> dict:
    """In a room where nothing else is done: compile a submission's kernels (`needle_edu.course.kernels`)."""
    from needle_edu.course.kernels import compiling

    try:
        return compiling.compile_job(job)
    except Exception as error:
        return {"broken": f"{type(error).__name__}: {error}"[:500]}


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
        exec(compile(source, "<set-up>", "exec", dont_inherit=True), namespace)
    return namespace


def run_cells(job: dict, namespace: dict, limit: int) -> dict:
    """Run the student's helpers and the answer, and return what there is to say about it."""
    output = Output(limit)
    notes: list[str] = []
    outcome: dict = {"error": None, "message": "", "line": 0, "notes": notes, "output": ""}
    sys.stdout = sys.stderr = output
    for source in job["extra"]:
        try:
            exec(compile(definitions(source), "<your extra cell>", "exec", dont_inherit=True), namespace)
        except BaseException as error:
            if len(notes) < 8:
                notes.append(f"an extra cell of yours raised {type(error).__name__[:60]}")
    try:
        if cell := source_cells.read(job["answer"]):
            source_answers.define(cell, namespace, job.get("compiled"))
        else:
            run_cell(job["answer"], namespace)
    except BaseException as error:
        outcome["error"] = messages.Raised(messages.exception_name(error))
        outcome["message"] = (error.msg if isinstance(error, SyntaxError) else str(error))[:500]
        outcome["line"] = last_line(error)
    outcome["output"] = "".join(output.parts)
    sys.stdout = sys.stderr = Output(0)  # from here on a print could only carry the tests' inputs out
    return outcome


def definitions(source: str) -> ast.Module:
    """Keep of an extra cell what an answer may lean on: imports, functions, classes and plain constants."""
    tree = ast.parse(python_of(source))
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    tree.body = [node for node in tree.body if isinstance(node, kinds) or is_constant(node)]
    return tree


def is_constant(node: ast.stmt) -> bool:
    """Whether a line gives a name to a literal or to a lambda."""
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or node.value is None:
        return False
    if isinstance(node.value, ast.Lambda):
        return True
    try:
        ast.literal_eval(node.value)
    except (ValueError, TypeError):
        return False
    return True


def last_line(error: BaseException) -> int:
    """The line of the answer's cell where the error arose, from 1; 0 if nowhere in it."""
    line = error.lineno or 0 if isinstance(error, SyntaxError) else 0
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == FILE_NAME:
            line = step.tb_lineno
        step = step.tb_next
    return line


# --- the calls ----------------------------------------------------------------------------------------------


def serve(namespace: dict, adapters: str, pipes: Pipes, texts: bool) -> None:
    """Answer the calls of one test until it is over; `texts` of exceptions could carry hidden inputs out."""
    while isinstance(message := pipes.read(), tuple):
        try:
            adapter, name, args, kwargs = message
            value: tuple = ("value", perform(namespace, adapter, name, args, kwargs, adapters))
            messages.encode(value)
        except BaseException as error:
            kind = "refused" if type(error) is messages.MessageError else "raised"
            said = (str(error) if kind == "refused" else explain(error, namespace)) if texts else ""
            value = (kind, messages.Raised(messages.exception_name(error)), said[:500])
        pipes.write(value)
