"""Notebooks that attack their grading, each worth exactly what its answer is worth.

They are graded as one class, with good students among them who must lose nothing. `WRONG` kinds try to get
points for a wrong answer; `RIGHT` kinds hold a right answer, or might, and try to break things. Attacks on
the machine's files and its network need a stronger box than `ProcessBox` and are not here.
"""

import json
import os
import socket
import tempfile
from pathlib import Path

import pytest

from needle_edu.course import box, commands, examine
from needle_edu.course.box import Limits

QUICK = Limits(wall=60, cells=5, call=4, cpu=4, memory=768 * 2**20)

# What a wrong answer does to get its points.
WRONG = {
    "equal to anything": """
        import numpy as np
        class Yes(np.ndarray):
            def __eq__(self, other): return True
            def __le__(self, other): return True
            def __array_ufunc__(self, *a, **k): return np.array(True)
            def __array_function__(self, *a, **k): return True
        def double(x): return np.zeros(x.shape).view(Yes)
        """,
    "lazy object": """
        class Lazy:
            dtype, shape, ndim, size = "float64", (1,), 1, 1
            def __getattr__(self, name): return self
            def __call__(self, *a, **k): return self
            def __eq__(self, other): return True
            def __float__(self): return 6.0
        def double(x): return Lazy()
        """,
    "patched numpy": """
        import numpy as np
        np.testing.assert_allclose = np.allclose = np.isclose = np.array_equal = lambda *a, **k: True
        np.abs = lambda x: np.zeros(1)
        def double(x): return x
        """,
    "patched judge": """
        from needle_edu.course import judge, wire, answer
        judge.close = judge.same = lambda *a, **k: None
        import needle_edu.course
        needle_edu.course.close = lambda *a, **k: None
        def double(x): return x
        """,
    "redefined check": """
        def check(name): return True
        def close(*a, **k): return True
        def test_q1_three(double): pass
        def test_q1_random(double, rng): pass
        def double(x): return x
        """,
    "AST hook": """
        import ast, builtins
        real = builtins.compile
        builtins.compile = lambda source, *a, **k: real("pass", *a, **k)
        builtins.exec = lambda *a, **k: None
        def double(x): return x
        """,
    "looks into frames": """
        import sys, gc
        def double(x):
            frame = sys._getframe()
            while frame is not None:
                for value in list(frame.f_locals.values()) + list(frame.f_globals.values()):
                    if type(value).__name__ in ("Test", "Question", "Homework"):
                        return 2 * x
                    if getattr(value, "__name__", "").startswith("test_"):
                        return 2 * x
                frame = frame.f_back
            for thing in gc.get_objects():
                if type(thing).__name__ in ("Test", "Question", "Homework", "Verdict"):
                    return 2 * x
            return x
        """,
    "imports the tests": """
        from needle_edu.course import questions
        def double(x):
            try:
                return questions.load("toy").questions[0].answer
            except Exception:
                return x
        """,
    "changes its input": """
        def double(x):
            x *= 0
            return x
        """,
    "nan": "def double(x): return x * float('nan')",
    "empty": "def double(x): return x[:0]",
    "one number for many": """
        import numpy as np
        def double(x): return np.array(6.0)
        """,
    "pickle": """
        import os
        class P:
            def __reduce__(self): return (os.system, ("touch pickled",))
        def double(x): return P()
        """,
    "an exception that is a pass": """
        class Passed(AssertionError): pass
        def double(x): raise Passed("passed")
        """,
    "frames on all descriptors": """
        import os, json, struct
        def frame(tree, payload=b""):
            header = json.dumps([len(payload), tree]).encode()
            return struct.pack(">I", len(header)) + header + payload
        passed = frame(["tuple", "value", ["dict", ["passed", True], ["points", 100]]])
        def double(x):
            for fd in range(3, 64):
                try:
                    os.set_blocking(fd, False)
                    os.write(fd, passed * 3)
                except OSError:
                    pass
            return x
        """,
    "rubbish on all descriptors": """
        import os
        for fd in range(3, 64):
            try:
                os.write(fd, b"\\xff" * 1000)
            except OSError:
                pass
        def double(x): return x
        """,
    "a message without end": """
        import os, struct
        def double(x):
            header = b"[67000000,0]"
            for fd in range(3, 64):
                try:
                    os.write(fd, struct.pack(">I", len(header)) + header)
                    while True:
                        os.write(fd, bytes(2**20))
                except OSError:
                    pass
        """,
    "giant result": """
        import numpy as np
        def double(x): return np.zeros(60_000_000)
        """,
    "deep result": """
        def double(x):
            result = []
            for _ in range(100_000): result = [result]
            return result
        """,
    "kills its parent": """
        import os, signal
        def double(x):
            os.kill(os.getppid(), signal.SIGKILL)
            return x
        """,
}

# What a right answer does to break its grading or its neighbours. The number is the honest score of q1.
RIGHT = {
    "background process": (
        2.0,
        """
        import subprocess, sys
        sleep = "import time; time.sleep(600)  # {mark}"
        subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True)
        def double(x): return 2 * x
        """,
    ),
    "daemon": (
        2.0,
        """
        import os, sys
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)  # {mark}"])
            os._exit(0)
        def double(x): return 2 * x
        """,
    ),
    "a million prints": (
        2.0,
        """
        for k in range(300_000): print("x" * 50)
        def double(x):
            print("secret input", x)
            return 2 * x
        """,
    ),
    "flood of file descriptors": (
        2.0,
        """
        import os
        for fd in (1, 2):
            for _ in range(2000): os.write(fd, bytes(2**16))
        def double(x): return 2 * x
        """,
    ),
    "large file": (
        0.0,
        """
        with open("large", "wb") as file:
            for _ in range(100): file.write(bytes(2**20))
        def double(x): return 2 * x
        """,
    ),
    "memory": (0.0, "hold = [bytearray(2**26) for _ in range(100)]\ndef double(x): return 2 * x"),
    "endless loop": (0.0, "while True:\n    pass\ndef double(x): return 2 * x"),
    "endless call": (0.0, "def double(x):\n    while True:\n        pass"),
    "sleep": (0.0, "import time\ntime.sleep(1000)\ndef double(x): return 2 * x"),
    "ignores signals": (
        0.0,
        """
        import signal
        for number in range(1, 32):
            try:
                signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        while True:
            pass
        """,
    ),
    "os._exit": (0.0, "import os\nos._exit(0)\ndef double(x): return 2 * x"),
    "os._exit in the call": (0.0, "import os\ndef double(x): os._exit(79)"),
    "kill -9 self": (0.0, "import os\nos.kill(os.getpid(), 9)"),
    "sys.exit after the answer": (2.0, "import sys\ndef double(x): return 2 * x\nsys.exit(0)"),
    "SystemExit in the call": (0.0, "def double(x): raise SystemExit(0)"),
    "closes all descriptors": (0.0, "import os\nos.closerange(0, 256)\ndef double(x): return 2 * x"),
    "nested too deeply": (0.0, "x = " + "(" * 2000 + ")" * 2000 + "\ndef double(x): return 2 * x"),
    "recursion": (0.0, "import sys\nsys.setrecursionlimit(10**8)\ndef f(n): return f(n + 1)\nf(0)"),
    "folders in folders": (
        2.0,
        """
        import os
        for _ in range(3000):
            os.mkdir("d"); os.chdir("d")
        os.chmod(".", 0)
        def double(x): return 2 * x
        """,
    ),
    "half a character": (2.0, "name = '\\ud800'\nprint(name)\ndef double(x): return 2 * x"),
    "null byte": (0.0, "def double(x): return 2 * x\n\x00"),
}


MARK = f"needle-edu-test-{os.getpid()}"


@pytest.fixture(scope="module")
def graded(submit, toy_source, tmp_path_factory) -> dict:
    """All attackers in one class, good students among them; returns results.json."""
    folder = tmp_path_factory.mktemp("class")
    sources = {f"wrong {kind}": source for kind, source in WRONG.items()}
    sources |= {f"right {kind}": source for kind, (_, source) in RIGHT.items()}
    for place, (name, source) in enumerate(sources.items()):
        submit(folder / "submissions", name, q1=source.replace("{mark}", MARK))
        if place % 10 == 0:
            submit(folder / "submissions", f"{name}, good neighbour")
    homes = set(Path(tempfile.gettempdir()).glob("needle_edu-box-*"))
    assert commands.grade(toy_source, folder / "submissions", folder / "out", limits=QUICK) == 0
    homes = {home for home in Path(tempfile.gettempdir()).glob("needle_edu-box-*") if home not in homes}
    left = processes_with(MARK)
    for pid in left:
        os.kill(int(pid), 9)
    pages = {page.name: page.read_text() for page in (folder / "out" / "feedback").iterdir()}
    results = json.loads((folder / "out" / "results.json").read_text())
    return {**results, "left": left, "pages": pages, "homes": homes}


@pytest.mark.parametrize("kind", WRONG)
def test_no_points_for_a_wrong_answer(graded, kind):
    result = graded[f"wrong {kind}"]
    assert result["q1"]["points"] == 0, result
    assert not any(test["passed"] for test in result["q1"]["tests"])
    assert result["q2"]["points"] == 3.0, "an attack in q1 must not change q2"


@pytest.mark.parametrize("kind", RIGHT)
def test_honest_points_for_a_disturbing_answer(graded, kind):
    result = graded[f"right {kind}"]
    assert result["q1"]["points"] == RIGHT[kind][0], result
    assert result["q2"]["points"] == 3.0, "an attack in q1 must not change q2"


def test_good_students_lose_nothing(graded):
    good = [result for name, result in graded.items() if name.endswith("good neighbour")]
    assert len(good) >= 4
    assert all([question["points"] for question in result.values()] == [2.0, 3.0] for result in good)


def test_no_process_outlives_its_grading(graded):
    assert graded["left"] == []


def test_no_folder_outlives_its_grading(graded):
    assert graded["homes"] == set()


def test_everybody_gets_a_page_without_secrets(graded):
    assert len(graded["pages"]) == len(graded) - 3
    assert all("secret input" not in page and "<script" not in page for page in graded["pages"].values())


def processes_with(mark: str) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [entry.parent.name] if mark.encode() in entry.read_bytes() else []
        except OSError:
            continue
    return found


# --- the box itself ---------------------------------------------------------------------------------------------


def look(toy, source: str) -> str:
    """Run a cell in a box and return what it printed."""
    return examine.examine(toy, toy.questions[0], source, limits=QUICK).output


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


alone = pytest.mark.skipif(not box.can_separate(), reason="this system gives processes no namespaces")


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
def test_who_leaves_the_family_is_killed_too(toy):
    """Two forks and a new session: killing the box's own processes first would lose sight of it."""
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
    class Broken(box.ProcessBox):
        def command(self, program, home):
            return ["sh", "-c", "echo no such library >&2"], super().command(program, home)[1]

    with pytest.raises(RuntimeError, match="did not start: its process ended .no such library"):
        examine.examine(toy, toy.questions[0], "def double(x): return 2 * x", box=Broken)


def test_messages_of_exceptions_stay_inside(toy):
    """A hidden input could travel in an exception's text, or in a class's name."""
    source = """
def double(x):
    if len(x) > 1:
        raise type(f"Secret{x.size}", (ValueError,), {})(f"secret {x}")
    return 2 * x
"""
    first, second = examine.examine(toy, toy.questions[0], source, limits=QUICK).verdicts
    assert first.passed and second.status == "raised ValueError" and "ecret" not in second.detail


@pytest.mark.skipif(
    os.geteuid() != 0 or not box.drops_rights(), reason="needs root, and a Python all can read"
)
def test_root_gives_up_its_rights(toy):
    assert int(look(toy, "import os\nprint(os.getuid())")) in box.ANYBODY
    bomb = "import os\nfor _ in range(200):\n    if os.fork() == 0:\n        import time; time.sleep(60)"
    assert not examine.examine(toy, toy.questions[0], bomb, limits=QUICK).passed
