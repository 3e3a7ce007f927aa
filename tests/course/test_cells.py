"""A cell runs as it does in Jupyter, IPython's additions to Python included; plain Python needs no IPython."""

import subprocess
import sys

import pytest

from needle_edu.course import cells

# cell -> what it prints; each runs in Jupyter
IPYTHON = {
    "t = %timeit -n1 -r1 -o 1 + 1\nprint(t.loops)": "1\n",
    "!echo {3 + 4}": "7\n",
    "words = !printf 'a\\nb'\nprint(list(words))": "['a', 'b']\n",
    "!exit 3\nprint(_exit_code)": "3\n",
    "def f():\n    said = !echo inside\n    return said[0]\nprint(f())": "inside\n",
    "def f(): 'help of f'\nf?": "help of f",
    "?len": "Return the number of items",
    "%%bash\necho from bash": "from bash\n",
    "%matplotlib inline\n%load_ext autoreload\n%autoreload 2\nprint('on')": "on\n",
    "get_ipython().run_line_magic('matplotlib', 'inline')\nprint('on')": "on\n",
    "%time x = 3\nprint(x)": "3\n",
}
PYTHON = {
    "def f(x: int): pass\nprint(f.__annotations__)": "{'x': <class 'int'>}\n",
    "%%time\ndef f(): return 4\nprint(f())": "4\n",
    "    x = 1\n    print(x)": "1\n",
    ">>> y = 5\n>>> print(y)": "5\n",
    "import asyncio\nprint(await asyncio.sleep(0, result=6))": "6\n",
    "async def g():\n    yield 7\nasync for z in g():\n    print(z)": "7\n",
    "text = '''\n%d percent\n!not a command\n'''\nprint(len(text))": "27\n",
}
ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
if sys.argv[2] == "no IPython":
    sys.modules["IPython"] = None
from needle_edu.course.cells import run_cell
run_cell(sys.stdin.read(), {"__name__": "__main__"})
assert sys.argv[2] != "plain" or "IPython" not in sys.modules
"""


def run(source: str, tmp_path, how: str) -> subprocess.CompletedProcess:
    """Run a cell in a process of its own: IPython's shell would stay in this one."""
    folder = cells.__file__.rpartition("/needle_edu/")[0]
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "NEEDLE_EDU_NATIVE": "0"}
    words = [sys.executable, "-I", "-c", ALONE, folder, how]
    return subprocess.run(
        words, input=source, capture_output=True, text=True, env=env, cwd=tmp_path, timeout=120, check=False
    )


@pytest.mark.parametrize("source", [*IPYTHON, *PYTHON])
def test_as_jupyter_runs_it(source, tmp_path):
    pytest.importorskip("IPython")
    done = run(source, tmp_path, "")
    assert done.returncode == 0, done.stderr
    assert ({**IPYTHON, **PYTHON})[source] in done.stdout


@pytest.mark.parametrize("source", ["x = 1", "%%time\nx = 1", "import asyncio\nawait asyncio.sleep(0)"])
def test_python_loads_no_ipython(source, tmp_path):
    done = run(source, tmp_path, "plain")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("%matplotlib inline\n!ls\nprint(1)", "1\n"),
        ("def f(x):\n    t = %timeit -o g(x)\n    len?\n    return x\nprint(f(2))", "2\n"),
        ("x = 3 % 2\nprint(x)", "1\n"),
    ],
)
def test_without_ipython_its_additions_do_nothing(source, printed, tmp_path):
    done = run(source, tmp_path, "no IPython")
    assert (done.returncode, done.stdout) == (0, printed), done.stderr


def test_what_is_no_python_is_a_syntax_error_at_its_line(tmp_path):
    with pytest.raises(SyntaxError) as caught:
        cells.run_cell("x = 1\ny = = 2", {})
    assert caught.value.lineno == 2 and caught.value.filename == cells.FILE_NAME


def test_an_error_keeps_its_line_below_a_magic(tmp_path):
    pytest.importorskip("IPython")
    done = run("%matplotlib inline\nx = 1\n1 / 0", tmp_path, "")
    assert 'File "<your answer>", line 3' in done.stderr and "ZeroDivisionError" in done.stderr
