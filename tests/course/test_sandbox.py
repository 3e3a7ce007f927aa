"""The sandboxes themselves: what a student's code finds in them, and what is left of it afterwards.

What the sandbox keeps out is in `test_isolation.py`, attack by attack; here is what both kinds of sandbox promise.
"""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from needle_edu.course import limits
from needle_edu.course.grading import processes, run_question, sandbox
from needle_edu.course.grading.question_result import Result
from needle_edu.course.grading.sandbox import BubblewrapSandbox, ProcessSandbox
from needle_edu.course.limits import Limits

QUICK = Limits(wall=60, cells=20, call=10, cpu=10, memory=768 * 2**20)
MARK = f"needle-edu-sandbox-test-{os.getpid()}"
TROUBLE = sandbox.trouble()
isolated_only = pytest.mark.skipif(bool(TROUBLE), reason=f"THE SANDBOX IS NOT TESTED: {TROUBLE}")
BOTH = [
    pytest.param(BubblewrapSandbox, id="isolated", marks=isolated_only),
    pytest.param(ProcessSandbox, id="process"),
]
kinds = pytest.mark.parametrize("kind", BOTH)


def examine(toy, source: str, kind=ProcessSandbox, **options) -> Result:
    return run_question.run_question(
        toy, toy.questions[0], source, limits=options.pop("limits", QUICK), sandbox=kind, **options
    )


def look(toy, source: str, kind=ProcessSandbox) -> str:
    """Run a cell in a sandbox and return what it printed."""
    result = examine(toy, source, kind)
    assert result.judged, result.notes
    return result.output


@kinds
def test_the_environment_is_empty(toy, monkeypatch, kind):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    source = """
import os
print(sorted(os.environ))
for process in (1, "self"):
    try:
        print(open(f"/proc/{process}/environ").read())
    except OSError:
        pass
"""
    said = look(toy, source, kind)
    assert "HOME" in said and "hunter2" not in said and "SECRET" not in said
    home = look(toy, "import os\nprint(os.environ['HOME'] == os.getcwd(), *os.listdir('.'))", kind)
    own = (sandbox.PACKAGE, Path(sys.prefix), Path(sys.base_prefix))  # a checkout may lie in /tmp
    assert home.split()[0] == "True" and set(home.split()[1:]) <= {
        path.parts[2] for path in own if path.is_relative_to("/tmp")
    }


def test_home_is_removed_afterwards(toy):
    folder = look(toy, "import os\nopen('file', 'w').write('x')\nprint(os.getcwd(), end='')")
    assert folder and not os.path.exists(folder) and not os.path.exists(os.path.dirname(folder))


@kinds
def test_no_descriptors_of_the_grader(toy, tmp_path, kind):
    source = """
import os
for number in os.listdir("/proc/self/fd"):
    if os.path.lexists(f"/proc/self/fd/{number}"):
        print(number, os.readlink(f"/proc/self/fd/{number}"))
"""
    with open(tmp_path / "open", "w") as file:
        os.set_inheritable(file.fileno(), True)
        said = look(toy, source, kind)
    targets = [line.split()[1].split(":")[0] for line in said.splitlines()]
    assert sorted(set(targets)) == ["/dev/null", "pipe"]
    assert targets.count("pipe") == 2, "no socket of the worker's: only this question's two pipes"


@kinds
def test_limits_are_set_for_good(toy, kind):
    source = """
import resource
for name in ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_CORE"):
    print(name, resource.getrlimit(getattr(resource, name))[1] != resource.RLIM_INFINITY)
"""
    assert look(toy, source, kind).count("True") == 6


@kinds
def test_nothing_of_the_tests_is_in_the_sandbox(toy, kind):
    """Neither tests, nor points, nor the other question: search the whole memory of the process."""
    # Each pattern has a class of one character, so that the search does not find itself.
    source = r"""
import re
words = re.compile(rb"twice three is si[x]|the first seve[n]|def even[s]|def test_q1_thre[e]")
found = set()
with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
    for line in maps:
        span, rights = line.split()[:2]
        if rights.startswith("rw"):
            low, high = (int(end, 16) for end in span.split("-"))
            try:
                memory.seek(low)
                found.update(words.findall(memory.read(high - low)))
            except (OSError, ValueError, OverflowError):
                continue
print(found)
"""
    assert look(toy, source, kind) == "set()\n"
    planted = "planted = 'def even' + 's' * len('s')\n" + source
    assert "def evens" in look(toy, planted, kind)  # the search does find what is there


@kinds
def test_a_sandbox_that_does_not_start_is_not_the_students_fault(toy, kind):
    class Broken(kind):
        def command(self, program):
            return ["sh", "-c", "echo no such library >&2"], super().command(program)[1]

    result = examine(toy, "def double(x): return 2 * x", Broken)
    assert not result.judged and result.points == 0 and not result.passed
    assert "did not start: its process ended (no such library)" in result.notes[0]


@kinds
def test_a_broken_sandbox_costs_one_question(toy, kind):
    """If a worker dies from without, its question is not judged, and the next one gets a new worker.

    What the dead one leaves behind ends too, though nobody is left to end it.
    """
    family: list[int] = []

    def end_worker(sandbox):
        family.extend([*processes.descendants(sandbox.process.pid), sandbox.process.pid])
        worker = family[0] if kind.isolated else sandbox.process.pid  # bwrap's first child; itself
        os.kill(worker, signal.SIGKILL)

    class Fragile(kind):
        started = 0

        def __enter__(self):
            type(self).started += 1
            super().__enter__()
            if self.started == 1:
                threading.Timer(1, end_worker, [self]).start()
            return self

    sleep = "import time\ntime.sleep(5)\ndef double(x): return 2 * x"
    answers = {"q1": (sleep, ()), "q2": ("def evens(n): return list(range(0, 2 * n, 2))", ())}
    first, second = run_question.run_submission(toy, answers, limits=QUICK, sandbox=Fragile)
    assert (first.judged, first.points) == (False, 0) and "not judged" in first.notes[0]
    assert (second.judged, second.points) == (True, 3.0) and Fragile.started == 2
    assert len(family) >= 3
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))


@kinds
def test_one_sandbox_serves_all_questions(toy, kind):
    class Counted(kind):
        started = 0

        def __enter__(self):
            type(self).started += 1
            return super().__enter__()

    answers = {
        "q1": ("import os\nos._exit(3)", ()),
        "q2": ("def evens(n): return list(range(0, 2 * n, 2))", ()),
    }
    first, second = run_question.run_submission(toy, answers, limits=QUICK, sandbox=Counted)
    assert Counted.started == 1 and first.judged and (first.points, second.points) == (0, 3.0)
    assert "its process ended" in first.notes[0]


def test_memory_of_all_processes_together_is_limited(toy):
    """Each of them alone stays below the limit; whatever they share counts once."""
    greedy = """
import os, time
share = bytearray(os.urandom(1000)) * (100 * 1000)
hear, say = os.pipe()
for _ in range({count}):
    if os.fork() == 0:
        hold = bytearray(os.urandom(1000)) * ({size} * 1000)
        os.write(say, b"x")
        time.sleep(60)
for _ in range({count}):
    os.read(hear, 1)
time.sleep(2)
def double(x): return 2 * x
"""
    limits = replace(QUICK, memory=600 * 2**20)
    too_much = examine(toy, greedy.format(count=8, size=150), limits=limits)
    assert {verdict.status for verdict in too_much.verdicts} == {"memory limit"}
    assert "memory limit" in too_much.notes[0] and too_much.judged
    assert examine(toy, greedy.format(count=8, size=10), limits=limits).points == 2.0


# --- what may be said -----------------------------------------------------------------------------------------

SAYS = """
def double(x):
    if len(x) > 1:
        raise type(f"Secret{x.size}", (ValueError,), {})(f"secret {x}")
    raise KeyError("my own words")
"""


@kinds
def test_visible_tests_say_what_check_says(toy, kind):
    """Text and line of an exception come out while no hidden input is inside; afterwards its built-in name only."""
    first, second = examine(toy, SAYS, kind).verdicts
    assert first.status == "raised KeyError" and "my own words" in first.detail and "line 5" in first.detail
    assert second.status == "raised ValueError" and "ecret" not in second.detail + second.message


@kinds
def test_hidden_tests_run_last(toy, kind):
    """Otherwise a hidden input could wait in a file for the next visible test, whose messages are shown."""
    tests = toy.questions[0].tests
    turned = replace(toy.questions[0], tests=tests[::-1])
    count = """
import os
def double(x):
    open("seen", "a").write("x" * len(x))
    raise ValueError(os.stat("seen").st_size)
"""
    hidden, visible = run_question.run_question(toy, turned, count, limits=QUICK, sandbox=kind).verdicts
    assert hidden.test.hidden and "raised ValueError: 1," in visible.detail


@kinds
def test_what_is_forged_after_a_hidden_input_is_not_shown(toy, kind):
    """Messages written straight to the pipe: the grader does not ask the sandbox whether texts may come out."""
    forge = """
import os
from needle_edu.course import messages
def double(x):
    if len(x) > 1:
        for fd in range(3, 64):
            try:
                os.write(fd, messages.encode(("raised", messages.Raised("ValueError"), "forged words")) * 3)
            except OSError:
                pass
    return 2 * x
"""
    result = examine(toy, forge, kind)
    said = " ".join([*result.notes, result.output, *(v.detail + v.message for v in result.verdicts)])
    assert result.verdicts[0].passed and not result.verdicts[1].passed and "forged" not in said


# --- no process outlives the grader ---------------------------------------------------------------------------

GRADER = """
import sys
from needle_edu.course.grading import sandbox
from needle_edu.course.limits import Limits
with getattr(sandbox, sys.argv[1])(Limits()) as sandbox, sandbox.question() as inside:
    source = sys.argv[2]
    inside.ask({"setup": [], "extra": [], "answer": source}, 40)
    print("started", flush=True)
    inside.hear(60)
"""


@kinds
def test_a_killed_grader_takes_its_sandboxes_along(kind, processes_with, tmp_path):
    mark = f"{MARK}-{kind.__name__}"
    source = f"""
import os, sys, time
for daemon in (False, True):
    if os.fork() == 0:
        if daemon:
            os.setsid()
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)  # {mark}"])
time.sleep(600)
"""
    words = [sys.executable, "-c", GRADER, kind.__name__, source]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as grader:
        assert grader.stdout.readline() == "started\n"
        until(lambda: len(processes_with(f"# {mark}")) >= 3)  # the grader itself and two below
        grader.kill()
    until(lambda: processes_with(mark) == [])
    until(lambda: list(tmp_path.iterdir()) == [])


KILLED_AT = """
import os, signal, sys
from needle_edu.course.grading.sandbox import ProcessSandbox
from needle_edu.course.limits import Limits
reached = getattr(ProcessSandbox, sys.argv[1])
def killed(*arguments):
    reached(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(ProcessSandbox, sys.argv[1], killed)
with ProcessSandbox(Limits()) as box, box.question() as inside:
    pass
"""


@pytest.mark.parametrize("moment", ["make_home", "_stop"])
def test_a_grader_killed_before_or_after_a_question_leaves_no_folder(moment, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT, moment], env=environment, check=False, timeout=100
    )
    assert done.returncode == -signal.SIGKILL
    until(lambda: list(tmp_path.iterdir()) == [])


def until(condition, seconds: float = 20.0) -> None:
    """Wait for a condition, and insist."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


ORPHAN = """
import os, sys, time
from needle_edu.course.grading import sandbox_worker
inside, grader = os.pipe()
worker = os.getpid()
if os.fork():
    os._exit(0)
os.close(grader)
while os.getppid() == worker:
    time.sleep(0.01)
limits = {"cpu": 60, "memory": 2**30, "file": 2**20, "processes": 16, "output": 100}
order = {"isolated": False, "user": None, "home": sys.argv[1], "limits": limits, "running": 0}
sandbox_worker.question(order, inside, os.open("/dev/null", os.O_WRONLY), worker)
"""


def test_a_question_that_begins_after_its_worker_has_died_ends(processes_with, tmp_path):
    # It happens when the worker is killed just after it has forked: nobody is left who would end the question.
    code = [sys.executable, "-c", ORPHAN, str(tmp_path)]
    with subprocess.Popen(code, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        ended = select.select([process.stdout], [], [], 20)[0]
        for left in processes_with(str(tmp_path)):
            os.kill(int(left), signal.SIGKILL)
    assert ended, "the question's first process waits for ever"


@kinds
def test_a_sandbox_outlives_the_thread_that_started_it(kind):
    """Linux ties "die with your parent" to the parent's THREAD; graders start sandboxes in threads that end."""
    sandbox = kind(QUICK)
    thread = threading.Thread(target=sandbox.__enter__)
    thread.start()
    thread.join()
    try:
        time.sleep(0.2)
        with sandbox.question() as inside:
            assert inside.ask({"setup": [], "extra": [], "answer": ""}, 40) == "started"
    finally:
        sandbox.__exit__(None, None, None)


# --- cleaning up touches nothing of others --------------------------------------------------------------------


def test_only_descendants_are_killed():
    """Not whoever else runs under the same user id."""
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(sleep) as stranger:
        nested = f"import subprocess, sys; subprocess.Popen({sleep!r}).wait()"
        with subprocess.Popen([sys.executable, "-c", nested]) as parent:
            until(lambda: len(processes.descendants(parent.pid)) == 1)
            (child,) = processes.descendants(parent.pid)
            processes.kill_tree(parent.pid)
            assert parent.wait(20) in (-signal.SIGKILL, 0)  # 0 if it saw the end of its child before its own
        until(lambda: not Path(f"/proc/{child}").exists())
        assert stranger.poll() is None
        stranger.kill()


def test_a_lent_user_runs_nothing_and_is_lent_once():
    with processes.lend_user() as one, processes.lend_user() as other:
        assert one != other and {one, other} <= set(processes.ANYBODY)
        assert processes.threads_of(one) == processes.threads_of(other) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a stranger's process")
def test_a_user_with_processes_is_not_lent(monkeypatch):
    taken, free = processes.ANYBODY[0], processes.ANYBODY[1]
    monkeypatch.setattr(processes, "_order", iter([taken, free]))
    with subprocess.Popen(["sleep", "60"], user=taken) as stranger:
        with processes.lend_user() as user:
            assert user == free
        assert stranger.poll() is None
        stranger.kill()


def test_removing_a_folder_follows_no_link(tmp_path):
    """Neither out of it nor instead of it; nor does it open what a link points to."""
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o500)
    (tmp_path / "file").write_text("kept")
    home = tmp_path / "home"
    home.mkdir()
    (home / "folder").symlink_to(outside)
    (home / "file").symlink_to(tmp_path / "file")
    (home / "itself").symlink_to(home)
    processes.remove_tree(str(home))
    assert not home.exists() and (tmp_path / "file").read_text() == "kept"
    assert outside.is_dir() and outside.stat().st_mode & 0o777 == 0o500
    home.symlink_to(outside)
    processes.remove_tree(str(home))
    assert outside.is_dir() and outside.stat().st_mode & 0o777 == 0o500


def test_removing_a_folder_of_any_depth_and_mode(tmp_path):
    home = tmp_path / "home"
    build = """
import os, sys
os.mkdir(sys.argv[1]); os.chdir(sys.argv[1])
for number in range(3000):
    open(f"file {number}", "w").close()
    os.mkdir("d"); os.chdir("d")
os.mkdir("closed"); open("closed/file", "w").close()
os.chmod("closed", 0); os.chmod(".", 0); os.chmod(sys.argv[1], 0)
"""
    subprocess.run([sys.executable, "-c", build, str(home)], check=True)
    processes.remove_tree(str(home))
    assert not home.exists()


# --- root -----------------------------------------------------------------------------------------------------

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")


@root_only
@kinds
def test_root_gives_up_its_rights(toy, kind):
    if kind is ProcessSandbox and not sandbox.readable_to_anybody():
        assert "grade as an ordinary user" in ProcessSandbox.trouble()
        return
    said = look(toy, "import os\nprint(os.getresuid(), os.getresgid(), os.getgroups())", kind)
    user = int(said.strip("(").split(",")[0])
    assert user in processes.ANYBODY and said == f"({user}, {user}, {user}) ({user}, {user}, {user}) []\n"
    bomb = "import os\nfor _ in range(200):\n    if os.fork() == 0:\n        import time; time.sleep(60)"
    assert not examine(toy, bomb, kind).passed


@pytest.mark.parametrize(("load", "passes"), [(0, False), (50, True)])
def test_on_a_busy_machine_an_answer_has_longer(toy, monkeypatch, load, passes):
    """Processes that want to run, fifty for each processor: the limit counts fourfold."""
    monkeypatch.setattr(os, "getloadavg", lambda: (load * os.cpu_count(), 0, 0))
    source = "import time\ndef double(x):\n    time.sleep(1.5)\n    return x * 2\n"
    result = examine(toy, source, limits=replace(QUICK, call=1.0))
    verdict = result.verdicts[0]
    assert verdict.passed == passes and (passes or verdict.status == "time limit")


@pytest.mark.parametrize(("load", "factor"), [(0, 1), (0.9, 1), (2.5, 2.5), (100, 4)])
def test_how_much_longer(monkeypatch, load, factor):
    processors = len(os.sched_getaffinity(0))
    monkeypatch.setattr(os, "getloadavg", lambda: (load * processors, 50, 50))
    assert limits.patience(3.0) == pytest.approx(3 * factor)
    monkeypatch.delattr(os, "getloadavg")
    assert limits.patience(3.0) == 3
