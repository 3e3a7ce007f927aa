"""The sandbox itself: what a student's code finds in it, what it can't reach, and what is left of it afterwards."""

import os
import socket

import pytest

from needle_edu.course import run_question, sandbox
from needle_edu.course.sandbox import Limits

# Loops end by their processor time; what is honest may wait for a busy machine.
QUICK = Limits(wall=90, cells=20, call=15, cpu=4, memory=768 * 2**20)
MARK = f"needle-edu-sandbox-test-{os.getpid()}"


def look(toy, source: str) -> str:
    """Run a cell in a sandbox and return what it printed."""
    return run_question.run_question(toy, toy.questions[0], source, limits=QUICK).output


def test_the_environment_is_empty(toy, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    said = look(toy, "import os\nprint(sorted(os.environ))\nprint(open('/proc/self/environ').read())")
    assert "hunter2" not in said and "SECRET" not in said
    home = look(toy, "import os\nprint(os.environ['HOME'] == os.getcwd(), os.listdir('.'))")
    assert home == "True []\n"


def test_home_is_removed_afterwards(toy):
    folder = look(toy, "import os\nopen('file', 'w').write('x')\nprint(os.getcwd(), end='')")
    assert folder and not os.path.exists(folder)


def test_no_descriptors_of_the_grader(toy, tmp_path):
    with open(tmp_path / "open", "w") as file:
        os.set_inheritable(file.fileno(), True)
        source = """
import os
for number in os.listdir("/proc/self/fd"):
    if os.path.lexists(f"/proc/self/fd/{number}"):
        print(os.readlink(f"/proc/self/fd/{number}"))
"""
        said = look(toy, source)
    assert str(tmp_path) not in said and "null" in said


def test_limits_are_set_for_good(toy):
    source = """
import resource
for name in ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_NPROC", "RLIMIT_NOFILE", "RLIMIT_CORE"):
    print(name, resource.getrlimit(getattr(resource, name))[1] != resource.RLIM_INFINITY)
"""
    assert look(toy, source).count("True") == 6


def test_nothing_of_the_tests_is_in_the_box(toy):
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
    assert look(toy, source) == "set()\n"
    planted = "planted = 'def even' + 's' * len('s')\n" + source
    assert "def evens" in look(toy, planted)  # the search does find what is there


alone = pytest.mark.skipif(not sandbox.can_separate(), reason="this system gives processes no namespaces")


@alone
def test_other_processes_are_out_of_reach(toy):
    """Not to be signalled, not to be counted; even those of the same user."""
    source = """
import os
try:
    os.kill(-1, 9)
except ProcessLookupError:
    print("nobody there")
print(os.getpid() < 10)
"""
    assert look(toy, source) == "nobody there\nTrue\n"


@alone
def test_there_is_no_network(toy):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        source = f"import socket\nprint(socket.socket().connect_ex(('127.0.0.1', {port})))"
        socket.create_connection(("127.0.0.1", port)).close()
        assert int(look(toy, source)) != 0


@alone
def test_rights_over_the_own_namespace_are_given_up(toy):
    said = look(toy, "print([line for line in open('/proc/self/status') if line.startswith('CapEff')])")
    assert "CapEff:\\t0000000000000000" in said


@alone
def test_who_leaves_the_family_is_killed_too(toy, processes_with):
    """Two forks and a new session: killing the sandbox's own processes first would lose sight of it."""
    source = f"""
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)  # {MARK}-left"])
    os._exit(0)
import signal, time
time.sleep(0.5)
for pid in range(1, 8):
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGSTOP if pid == 1 else 0)
        except OSError:
            pass
"""
    look(toy, source)
    assert processes_with(f"{MARK}-left") == []


def test_a_box_that_does_not_start_is_not_the_students_fault(toy):
    class Broken(sandbox.ProcessSandbox):
        def command(self, program, home):
            return ["sh", "-c", "echo no such library >&2"], super().command(program, home)[1]

    with pytest.raises(RuntimeError, match="did not start: its process ended .no such library"):
        run_question.run_question(toy, toy.questions[0], "def double(x): return 2 * x", sandbox=Broken)


def test_messages_of_exceptions_stay_inside(toy):
    """A hidden input could travel in an exception's text, or in a class's name."""
    source = """
def double(x):
    if len(x) > 1:
        raise type(f"Secret{x.size}", (ValueError,), {})(f"secret {x}")
    return 2 * x
"""
    first, second = run_question.run_question(toy, toy.questions[0], source, limits=QUICK).verdicts
    assert first.passed and second.status == "raised ValueError" and "ecret" not in second.detail


@pytest.mark.skipif(
    os.geteuid() != 0 or not sandbox.drops_rights(), reason="needs root, and a Python all can read"
)
def test_root_gives_up_its_rights(toy):
    assert int(look(toy, "import os\nprint(os.getuid())")) in sandbox.ANYBODY
    bomb = "import os\nfor _ in range(200):\n    if os.fork() == 0:\n        import time; time.sleep(60)"
    assert not run_question.run_question(toy, toy.questions[0], bomb, limits=QUICK).passed
