"""An installed wheel, in an empty folder, with nothing of the checkout in sight: every command works.

Two wheels are built, each from a source distribution: one with a compiler, one without (pure Python; it then says
its one sentence and runs on the NumPy reference).
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from email.parser import BytesParser
from pathlib import Path

import pytest

from needle_edu.backend import paths

REPO = Path(__file__).parents[2]
SOURCES = (
    "pyproject.toml",
    "setup.py",
    "MANIFEST.in",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "needle_edu",
    "csrc",
    "docs",
    "notebooks",
    "tests",
)
BARE_PATH = "/nonexistent"


def build(folder: Path, **environment: str) -> Path:
    """A source distribution from a copy of the sources, and a wheel from that; returns the wheel's path."""
    copy = folder / "source"
    copy.mkdir(parents=True)
    skip = shutil.ignore_patterns("__pycache__", "*.so", ".ipynb_checkpoints", "my-*")
    for name in SOURCES:
        source = REPO / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=skip)
        else:
            shutil.copy(source, copy / name)
    for stray in ("my-hw1/hw1.ipynb", "homework/hw1/solutions.ipynb"):  # what an instructor's clone may hold
        (copy / "notebooks" / stray).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / "notebooks/homework/hw1/hw1.ipynb", copy / "notebooks" / stray)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(copy)]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, folder: Path) -> Path:
    """What `pip install` would put into site-packages."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


class Installed:
    """A wheel in a folder of its own, run from an empty folder with an empty cache."""

    def __init__(self, site: Path, empty: Path, **environment: str):
        self.site, self.empty = site, empty
        empty.mkdir()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("NEEDLE_EDU")},
            "PYTHONPATH": str(site),
            "NEEDLE_EDU_CACHE": str(empty.parent / "cache"),
            **environment,
        }

    def python(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.empty,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def needle_edu(self, *words: str) -> subprocess.CompletedProcess:
        done = self.python("-m", "needle_edu", *words)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Without kernels of its own: compiling them takes minutes, see `test_wheel_runs_its_own_kernels`."""
    return build(tmp_path_factory.mktemp("wheel"), NEEDLE_EDU_NATIVE="0")


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The kernels are those that this checkout has compiled: the sources are the same."""
    folder = tmp_path_factory.mktemp("installed")
    cache = str(paths.cache_dir())
    return Installed(unpack(wheel, folder / "site"), folder / "empty", NEEDLE_EDU_CACHE=cache)


def test_wheel_carries_course_and_sources(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "needle_edu/csrc/include/needle_kernels.h",
        "needle_edu/csrc/cpu/elementwise_kernels.c",
        "needle_edu/notebooks/start.ipynb",
        "needle_edu/notebooks/gallery.ipynb",
        "needle_edu/notebooks/homework/hw1/hw1.ipynb",
        "needle_edu/cli/jupyter/labconfig/page_config.json",
        "needle_edu/py.typed",
    ):
        assert needed in names
    lectures = {
        f"needle_edu/notebooks/lectures/{file.name}" for file in REPO.glob("notebooks/lectures/*.ipynb")
    }
    assert len(lectures) > 1 and lectures <= set(names)


def secret_lines(source: str) -> list[str]:
    """What stands between the marks of solutions and hidden tests, without blanks."""
    lines, inside = [], False
    for line in source.splitlines():
        inside = "### BEGIN" in line or (inside and "### END" not in line)
        if inside and line.strip():
            lines.append(line.strip())
    return lines


def around(words: str, end: int) -> str:
    """An end of line with five letters before and five behind it."""
    return words[max(end - 5, 0) : end + 6]


def by_end_of_line(pairs: set[str]) -> dict[str, list[str]]:
    """Pairs of lines by what stands `around` the end of the first; those with fewer letters there under ``""``."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        own = around(pair, pair.index("\n"))
        found.setdefault(own if len(own) == 11 else "", []).append(pair)
    return found


def found_in(text: str, pairs: dict[str, list[str]]) -> list[str]:
    """The pairs that stand somewhere in a text. To look for all of them in all of a wheel takes ten seconds; so those
    are left out whose end of line the text has nowhere."""
    ends = {around(text, match.start()) for match in re.finditer("\n", text)}
    return [pair for own in {"", *(ends & pairs.keys())} for pair in pairs.get(own, ()) if pair in text]


def test_pairs_of_lines_are_found():
    pairs = {
        "value = first\nreturn value",
        "x\nreturn value",
        "value = first\nx",
        "value = other\nreturn value",
    }
    text = "#     value = first\nreturn value(x)\nx\nreturn value"
    found = found_in(text, by_end_of_line(pairs))
    assert set(found) == {"value = first\nreturn value", "x\nreturn value"}


def test_wheel_holds_no_answers(wheel):
    """Neither a solution nor a hidden test, in no file: not the homework's, not the code's, nor a test's."""
    sources = sorted((REPO / "notebooks" / "homework").glob("*/*.ipynb"))
    cells = [cell for source in sources for cell in json.loads(source.read_text())["cells"]]
    kept, secret = set(), []
    for cell in cells:
        lines = secret_lines("".join(cell["source"]))
        secret.append(lines)
        shown = Counter(line.strip() for line in "".join(cell["source"]).splitlines())
        kept |= set(shown - Counter(lines))  # a line may stand in a visible test and in a hidden one
    assert sum(map(len, secret)) > 150
    with zipfile.ZipFile(wheel) as archive:
        texts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    assert not [name for name in texts if name.startswith(("tests/", "needle_edu/tests/"))]
    homework = "needle_edu/notebooks/homework/"
    there = sorted(name for name in texts if name.startswith("needle_edu/notebooks/") and "hw" in name)
    files = [f"{name}/{name}{end}" for name in ("hw1", "hw2", "hw4") for end in (".ipynb", "_adapters.py")]
    files += ["hw3/hw3.ipynb", "hw3/hw3.toml", "hw5/hw5.ipynb", "hw5/hw5.toml", "hw5/hw5_adapters.py"]
    files += ["hw6/hw6.ipynb", "hw6/hw6.toml", "hw6/hw6_adapters.py"]
    files += ["hw7/hw7.ipynb", "hw7/hw7.toml", "hw7/hw7_adapters.py"]
    assert [name.removeprefix(homework) for name in there if not name.endswith("README.md")] == sorted(files)
    # Two lines that follow one another say more than one: `return order` stands in many a program.
    pairs = {
        f"{a}\n{b}" for lines in secret for a, b in zip(lines, lines[1:], strict=False) if len(a + b) > 50
    }
    assert len(pairs) > 500
    known = by_end_of_line(pairs)
    for name, text in texts.items():
        if name.startswith(homework) and name.endswith(".ipynb"):
            cells = json.loads(text)["cells"]
            text = "\n".join("".join(cell["source"]) for cell in cells)
            assert text.count("raise NotImplementedError()") >= 5 and "withheld=" in text
            found = {line.strip() for line in text.splitlines()}
            assert not [line for lines in secret for line in lines if line in found - kept - {"", ")"}]
            assert "### BEGIN" not in text
        flat = "\n".join(re.sub(r'^[\s"]*|(\\n)?",?$', "", line) for line in text.splitlines())
        assert not found_in(flat, known), name


def test_source_distribution_is_whole(wheel):
    """Who has only the archive can run the tests and read the docs."""
    with tarfile.open(next(wheel.parent.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for needed in ("Makefile", "CONTRIBUTING.md", "docs/ops.md", "tests/conftest.py", "csrc/tests/run.sh"):
        assert needed in names


def test_metadata(wheel):
    """What an index shows: licences with their texts, the oldest Python, extras, and a description."""
    with zipfile.ZipFile(wheel) as archive:
        folder = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")).rpartition(
            "/"
        )[0]
        metadata = BytesParser().parsebytes(archive.read(f"{folder}/METADATA"))
        names = archive.namelist()
    assert metadata["License-Expression"] == "MIT AND CC-BY-4.0"
    assert metadata.get_all("License-File") == ["LICENSE", "needle_edu/data/files/README.md"]
    assert all(f"{folder}/licenses/{name}" in names for name in metadata.get_all("License-File"))
    assert metadata["Requires-Python"] == ">=3.11"
    assert {"lab", "rl", "test", "teach", "text", "train", "parity"} <= set(
        metadata.get_all("Provides-Extra")
    )
    core = [line.split(";")[0] for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert [re.match(r"\w+", line).group() for line in core] == ["numpy", "cffi", "graphviz"]
    assert "import needle_edu as ndl" in metadata.get_payload()


@pytest.mark.slow
def test_wheel_runs_its_own_kernels(tmp_path):
    wheel = build(tmp_path / "wheel")
    assert [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]
    installed = Installed(unpack(wheel, tmp_path / "site"), tmp_path / "empty")
    show = "n.__file__, n.cpu().native, (n.Tensor([1., 2.]) * 3).sum().numpy()"
    code = f"import needle_edu as n; print({show}, sep=chr(10))"
    done = installed.python("-c", code)
    assert done.returncode == 0, done.stderr
    where, native, value = done.stdout.split("\n")[:3]
    assert where.startswith(str(installed.site))
    assert native == "True" and value == "[9.]"
    assert "compiling" not in done.stderr, "the kernels in the wheel were not used"


def test_embedded_data_comes_along_with_its_licences(installed):
    code = "from needle_edu import data as d; print(*(len(d.load(n)) for n in ('digits', 'thumbnails', 'sentences')))"
    done = installed.python("-c", code)
    assert done.stdout.split() == ["1438", "4000", "6000"], done.stderr
    note = (installed.site / "needle_edu/data/files/README.md").read_text(encoding="utf-8")
    assert "Copyright © 2017 Zalando SE" in note and "CC BY 4.0" in note


def solve(file: Path) -> None:
    """Fill in the answers from the checkout."""
    source = json.loads((REPO / "notebooks/homework/hw1/hw1.ipynb").read_text())["cells"]
    answers = {c["id"]: c["source"] for c in source if c["metadata"].get("nbgrader", {}).get("solution")}
    work = json.loads(file.read_text())
    for cell in work["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    file.write_text(json.dumps(work))


def test_commands_from_an_empty_folder(installed):
    assert installed.needle_edu("--version").stdout.startswith("needle_edu ")
    assert "C kernels" in installed.needle_edu("doctor").stdout
    assert "hw1" in installed.needle_edu("homework", "list").stdout
    installed.needle_edu("homework", "start", "hw1", "my-hw1")
    assert json.loads((installed.empty / "my-hw1" / "hw1.ipynb").read_text())["nbformat"] == 4
    assert installed.python("-m", "needle_edu", "check", "my-hw1").returncode == 1  # nothing is solved yet
    solve(installed.empty / "my-hw1" / "hw1.ipynb")
    assert "5 of 5 questions pass" in installed.needle_edu("check", "my-hw1").stdout
    assert re.match(r"4\.", installed.needle_edu("lab", "--version").stdout.splitlines()[-1])
    assert (installed.empty / "needle-edu-course" / "start.ipynb").exists()
    installed.needle_edu("notebooks", "course")
    assert (installed.empty / "course" / "start.ipynb").exists()
    assert not (installed.empty / "course" / "homework").exists(), "the homework sources carry the solutions"
    done = installed.python(
        "-m", "needle_edu.as_needle", "-c", "import needle as ndl; print(ndl.Tensor([2.]).exp)"
    )
    assert done.returncode == 0, done.stderr


def test_grading_takes_the_instructors_archive(installed):
    """The installed package has no hidden tests; what says so says how to get them, and the archive has them."""
    submissions = installed.empty / "class" / "ada"
    submissions.mkdir(parents=True)
    assert installed.needle_edu("homework", "start", "hw1", str(submissions)).returncode == 0
    done = installed.python("-m", "needle_edu", "grade", "hw1", "class", "--out", "none")
    assert done.returncode == 1 and "homework pack hw1 hw1-instructor.zip" in done.stderr
    assert not (installed.empty / "none").exists()
    archive = installed.empty / "hw1-instructor.zip"
    words = ["homework", "pack", "hw1", str(archive)]
    assert installed.python("-m", "needle_edu", *words).returncode == 1 and not archive.exists()
    subprocess.run([sys.executable, "-m", "needle_edu", *words], cwd=REPO, check=True)
    installed.needle_edu("grade", archive.name, "class", "--out", "grades")
    assert (installed.empty / "grades" / "grades.csv").read_text().startswith("student,")


def test_notebooks_are_never_overwritten(installed):
    installed.needle_edu("notebooks", "kept")
    mine = installed.empty / "kept" / "start.ipynb"
    mine.write_text("mine")
    installed.needle_edu("notebooks", "kept")
    assert mine.read_text() == "mine"


def test_without_a_compiler(tmp_path):
    """Installing succeeds, the wheel is pure, and the NumPy reference runs after one sentence."""
    wheel = build(tmp_path / "wheel", PATH=BARE_PATH, CC="")
    assert "none-any" in wheel.name
    assert not [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".so")]
    bare = Installed(unpack(wheel, tmp_path / "site"), tmp_path / "empty", PATH=BARE_PATH, CC="")
    code = (
        "import needle_edu as n; t = n.Tensor([1., 2.]); t + t; print((t * t).sum().numpy(), n.cpu().native)"
    )
    done = bare.python("-c", code)
    assert done.stdout.split("\n")[0] == "[5.] False"
    said = [line for line in done.stderr.split("\n") if line.strip()]
    assert len(said) == 1 and "compiler" in said[0], done.stderr
