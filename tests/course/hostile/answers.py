"""Answers that attack their grading: `WRONG` ones want points, `RIGHT` ones would break things for others."""

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
    "patched comparison": """
        from needle_edu.course import answer, compare, messages
        compare.close = compare.same = lambda *a, **k: None
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
