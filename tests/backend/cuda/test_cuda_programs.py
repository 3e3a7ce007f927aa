"""Whole CUDA programs, with a `main`, on the simulator: run, checked, profiled, and every way in which they end."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from needle_edu.backend import BuildError
from needle_edu.backend.cudasim import whole_programs
from needle_edu.cli import main
from needle_edu.cli.cuda import split_arguments

PROGRAMS = Path(__file__).parent / "programs"
ENDS = PROGRAMS / "ends.cu"
LINE = 1 + ENDS.read_text()[: ENDS.read_text().index("a[threadIdx.x] = 1")].count("\n")


@pytest.fixture
def cuda(simulator, capfd, tmp_path, monkeypatch):
    """A function: the exit status of a command, what it printed, and what it said on the standard error."""
    monkeypatch.chdir(tmp_path)  # a program that crashes may leave a file behind

    def call(*words):
        status = main(["cuda", *map(str, words)])
        return status, *capfd.readouterr()

    return call


def test_the_checker_and_each_way_to_end(cuda):
    """Whatever ends the program, its output and what the checker found are there, and the status is its own."""
    for word, status, said in (
        ("return", 2, ""),
        ("exit", 3, ""),
        ("_exit", 4, ""),
        ("abort", 128 + signal.SIGABRT, "ends.cu: signal 6 ended it: Aborted\n"),
        ("throw", 128 + signal.SIGABRT, "ends.cu: signal 6 ended it: Aborted\n"),
        ("fault", 128 + signal.SIGSEGV, "ends.cu: signal 11 ended it: Segmentation fault\n"),
        ("else", 1, ""),
        ("reset", 1, ""),
    ):
        got, out, error = cuda("check", ENDS, "--timeout", 300, "--", word, "--seed")
        assert got == status, (word, out, error)
        last = "last\n" if word in ("return", "exit", "else", "reset") else ""
        assert out.startswith(f"3 kernel host stream\n{last}\n{ENDS}\n"), (word, out)
        assert f"{ENDS}:{LINE}: out-of-bounds in past_the_end, block (0, 0, 0), thread (4, 0, 0)\n" in out
        assert error.endswith(said) and (said or not error), (word, error)
    got, out, error = cuda("check", ENDS, "--timeout", 300, "--", "clean")
    assert (got, error) == (0, "")
    assert out == "2 kernel host stream\nlast\n\nthe checker found nothing wrong\n"


def test_a_loop_that_never_ends_is_stopped(cuda):
    status, _, error = cuda("check", ENDS, "--timeout", 1, "--", "loop")
    assert status == 124
    assert error.startswith(
        "ends.cu: it had not ended after 1 s, and was stopped; does a loop of its host code"
    )


@pytest.mark.slow
def test_ctrl_c_and_the_end_of_the_command_end_the_program(cuda):
    """Neither leaves a process behind: the output's other end is closed when the last of them has ended."""
    assert cuda("run", ENDS, "--", "clean")[0] == 0
    for number, status in ((signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)):
        command = [sys.executable, "-m", "needle_edu.cli", "cuda", "run", str(ENDS), "--timeout", "300"]
        with subprocess.Popen(
            [*command, "--", "loop"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                assert process.stdout.readline() == "2 kernel host stream\n"
                process.send_signal(number)
                said, _ = process.communicate(timeout=120)
            finally:
                process.kill()
        assert process.returncode == status
        assert said == ("\nneedle-edu: stopped.\n" if number == signal.SIGINT else "")


@pytest.mark.slow
def test_run_says_what_the_program_did_not_ask_for(cuda):
    path = Path("unasked.cu")
    path.write_text("__global__ void k(int *a) { *a = 1; }\nint main() { k<<<1, 2000>>>(nullptr); }\n")
    status, out, error = cuda("run", path)
    assert (status, out) == (0, "")
    assert error.startswith(
        "unasked.cu: it left an error of the device behind: cudaErrorInvalidConfiguration: "
    )
    path.write_text(
        "int main() { char s[5000] = {}; for (char &c : s) c = 'a'; s[4999] = 0; return printf(\"%s\", s) != 4999; }\n"
    )
    assert cuda("run", path) == (0, "a" * 4999, "")


WHOLE = {  # program, its arguments: what it prints; one of them is wrong
    ("vector_add", "1000"): r"\[Vector addition of 1000 elements\]\nby .*\nthread three\nTest PASSED\nDone\n",
    ("reduction", "1000"): r"500500\n",
    ("transpose",): r"transposed\n",
    ("matmul",): r"worst 0\n",
    ("race",): r"turned\n",
}


@pytest.mark.slow
@pytest.mark.parametrize("words", WHOLE)
def test_programs(cuda, words):
    """Each in the three ways. What the checker finds in the wrong one is in its two lines."""
    file, arguments = PROGRAMS / f"{words[0]}.cu", ("--", *words[1:])
    status, out, error = cuda("run", file, *arguments)
    assert re.fullmatch(WHOLE[words], out) and not error
    assert status == 0
    checked, out, error = cuda("check", file, "--order", "reverse", *arguments)
    assert re.match(WHOLE[words], out) and not error
    if words[0] == "race":
        assert checked == 1 and re.search(r"race\.cu:[56]: race in turn, block \(0, 0, 0\)", out)
    else:
        assert checked == 0 and out.endswith("\nthe checker found nothing wrong\n")
    status, out, error = cuda("profile", file, *arguments)
    assert re.match(WHOLE[words], out) and ": 1 launch, grid (" in out and not error


@pytest.mark.slow
def test_a_program_reads_and_has_no_arguments(simulator, tmp_path):
    command = [sys.executable, "-m", "needle_edu.cli", "cuda"]

    def ask(*words, given=""):
        return subprocess.run(
            [*command, *map(str, words)], input=given, capture_output=True, text=True, timeout=300
        )

    done = ask("run", PROGRAMS / "histogram.cu", given="hello\nworld\n")
    assert (done.returncode, done.stdout) == (0, "d 1\ne 1\nh 1\nl 3\no 2\nr 1\nw 1\n"), done.stderr
    done = ask("check", PROGRAMS / "histogram.cu")
    assert done.returncode == 4 and done.stderr == "no input\n"
    assert done.stdout == "\nnothing was checked: no kernel has run under the checker\n"
    page = tmp_path / "page.html"
    done = ask("check", PROGRAMS / "histogram.cu", "--html", page, "--", given="a")
    assert done.returncode == 0 and page.read_text().startswith("<!doctype html>")
    done = ask("build", PROGRAMS / "histogram.cu", "--flavour", "check")
    assert done.stdout.startswith("histogram.cu compiles (check); to run it: needle-edu cuda check "), (
        done.stderr
    )


def test_which_files_are_programs(tmp_path):
    path = tmp_path / "a.cu"

    def kind(text):
        path.write_text(text)
        return whole_programs.kind_of(path)

    for text in (
        "int main() { }",
        "int\nmain(void)\n{ }",
        "int main(int argc, const char *const argv[]) { }",
        "int main(int, char **, char **) { }",
        "auto main(int n, char* a[]) -> int { }",
        'extern "C" {\n#include "a.h"\nint main() try { } catch (...) { }\n}',
        "namespace a { int main(float) { } }\nstruct S { void main() { } };\nint main() { }",
    ):
        assert kind(text) == "program", text
    assert kind("PYBIND11_MODULE(a, m) { }\nint main() { }") == "module"
    for text in (
        "int x;",
        "int main();",
        "// int main() { }",
        "void f() { int main(3); { } }",
        "int domain() { }",
    ):
        with pytest.raises(
            BuildError, match=r"a\.cu defines neither main\(\) nor a module; wanted int main\("
        ):
            kind(text)
    for text in (
        "void main() { }",
        "main() { }",
        "int main(float x) { }",
        "int main(int n) { }",
        "int main(int n, char *a) { }",
        "int main(int n, char **a, int b) { }",
    ):
        declared = re.escape(text.removesuffix(" { }"))
        with pytest.raises(
            BuildError, match=rf"a\.cu:2: {declared}; wanted int main\(\) or int main\(int argc,"
        ):
            kind(f"\n{text}")


def test_words_of_the_command(tmp_path, capsys):
    program, module = tmp_path / "p.cu", tmp_path / "m.cu"
    program.write_text("int main() { }\n")
    module.write_text("PYBIND11_MODULE(a, m) { }\n")
    for words, said in (
        (("check", program, "--run", "a.py"), f"--run is for a module, and {program} is a program"),
        (("build", program, "--out", "here"), f"--out is for a module, and {program} is a program"),
        (("check", module, "--timeout", "3"), f"--timeout is for a program, and {module} is a module"),
        (
            ("check", module, "--", "3"),
            "what stands behind -- is for a main() that runs; check of a module has none",
        ),
        (
            ("build", program, "--"),
            "what stands behind -- is for a main() that runs; build of a program has none",
        ),
        (("run", module), f"{module} is a module, which has no main() to run; `check` calls its functions"),
        (("run", tmp_path / "none.cu"), f"{tmp_path / 'none.cu'}: No such file or directory"),
    ):
        assert main(["cuda", *map(str, words)]) == 2
        assert capsys.readouterr().err == f"needle-edu cuda: {said}\n"
    for words in (("--timeout", "-1"), ("--timeout", "inf"), ("--seed", "x")):
        with pytest.raises(SystemExit, match="2"):
            main(["cuda", "check", str(program), *words])
        assert f"{words[0]}: wanted a number of at least 0, got '{words[1]}'" in capsys.readouterr().err
    assert split_arguments(["cuda", "run", "a", "--", "--", "b"]) == (["cuda", "run", "a"], ["--", "b"])
    assert split_arguments(["lab", "--", "b"]) == (["lab", "--", "b"], None)


def test_wrong_arguments_of_the_functions(tmp_path):
    path = tmp_path / "a.cu"
    path.write_text("int f() { return 0; }\n")
    with pytest.raises(BuildError, match=r"^build_program: .*a\.cu defines no main\(\); wanted int main\("):
        whole_programs.build_program(path)
    with pytest.raises(BuildError, match=r"^build_program: .*none\.cu cannot be read: No such file"):
        whole_programs.build_program(tmp_path / "none.cu")
    with pytest.raises(ValueError, match=r"^build_program: no flavour 'fast'; there are plain"):
        whole_programs.build_program(path, "fast")
    with pytest.raises(ValueError, match=r"^run_program: no thread order 'fast'"):
        whole_programs.run_program(path, order="fast")
