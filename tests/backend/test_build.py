"""The builder: it compiles once, survives interruption, damage and company, and says clearly what is missing."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from needle_edu.backend import BuildError, paths
from needle_edu.backend.build import builder, cache, cpu_library, index

ROOT = Path(paths.__file__).resolve().parents[2]
ANSWER = '#include "answer.h"\n__attribute__((visibility("default"))) int answer(void) { return ANSWER; }\n'


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A C file with an include, and an empty cache."""
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path / "cache"))
    (tmp_path / "answer.h").write_text("#define ANSWER 42\n")
    (tmp_path / "answer.c").write_text(ANSWER)
    return tmp_path / "answer.c"


def answer_of(library: Path) -> int:
    import ctypes

    return ctypes.CDLL(str(library)).answer()


def python(
    code: str, cache_dir: Path, timeout: float = 120, root: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess:
    """Run Python in a process of its own, on this checkout and with a cache of its own."""
    full = {**os.environ, "PYTHONPATH": str(root), "NEEDLE_EDU_CACHE": str(cache_dir), **environment}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, env=full, capture_output=True, text=True, timeout=timeout)


def test_compiles_once_and_again_when_an_included_file_changes(source, compiler, capfd):
    library = builder.shared_library("answer", [source], announce="compiling")
    assert answer_of(library) == 42
    again = builder.shared_library("answer", [source], announce="compiling")
    assert again == library
    assert capfd.readouterr().err.count("compiling") == 1
    (source.parent / "answer.h").write_text("#define ANSWER 43\n")
    changed = builder.shared_library("answer", [source], announce="compiling")
    assert changed != library
    assert answer_of(changed) == 43


def copy_of_sources(folder: Path, answer: int) -> tuple[list[Path], Path]:
    """Two C files, of which one includes a header from `folder`/include: the files, and that folder."""
    (folder / "include").mkdir(parents=True)
    (folder / "include" / "answer.h").write_text(f"#define ANSWER {answer}\n")
    (folder / "answer.c").write_text(ANSWER)
    (folder / "other.c").write_text("int other(void) { return 1; }\n")
    return [folder / "answer.c", folder / "other.c"], folder / "include"


def test_copies_of_the_sources_share_object_files(source, compiler, tmp_path):
    """Two worktrees that differ in a header compile again only what includes it, wherever they lie."""
    made = {}
    for name, answer in {"first": 42, "second": 42, "changed": 43}.items():
        files, include = copy_of_sources(tmp_path / name, answer)
        library = builder.shared_library("answer", files, include=[include], fresh=name == "second")
        made[name] = sorted(path.name for path in (library.parent / "objects").iterdir())
        assert answer_of(library) == answer
    assert made["first"] == made["second"]
    assert [name.split("-")[0] for name in made["first"]] == ["answer", "other"]
    assert [name.split("-")[0] for name in made["changed"]] == ["answer", "answer", "other"]


def test_with_debugging_information_an_object_belongs_to_its_folder(source, compiler, tmp_path):
    """A debugger is told where the sources are; it shall not be shown those of another copy."""
    for name in ("first", "second"):
        files, include = copy_of_sources(tmp_path / name, 42)
        library = builder.shared_library(name, files, include=[include], flags=("-g", "-fPIC"))
    assert len(list((library.parent / "objects").glob("answer-*.o"))) == 2


def test_flags_are_part_of_the_name(source, compiler):
    assert builder.shared_library("answer", [source]) != builder.shared_library(
        "answer", [source], flags=("-O1", "-fPIC")
    )


def test_the_compilers_message_reaches_the_reader(source, compiler):
    source.write_text("int answer(void) { return undefined_name; }\n")
    with pytest.raises(BuildError, match="answer.c") as caught:
        builder.shared_library("answer", [source])
    assert "undefined_name" in str(caught.value)
    assert not list(cache.default_folder().glob("*.so"))


def test_a_truncated_or_altered_library_is_made_again(source, compiler):
    library = builder.shared_library("answer", [source])
    whole = library.read_bytes()
    library.write_bytes(whole[: len(whole) // 2])
    assert builder.shared_library("answer", [source]).stat().st_size == len(whole)
    library.write_bytes(b"x" * len(whole))
    os.utime(library, ns=(0, 0))
    assert answer_of(builder.shared_library("answer", [source])) == 42


def test_building_afresh_trusts_no_object_file(source, compiler):
    """After a crash of the machine a file may have its name but no content; the linker accepts an empty one."""
    library = builder.shared_library("answer", [source])
    for path in (library.parent / "objects").iterdir():
        path.write_bytes(b"")
    assert answer_of(builder.shared_library("answer", [source], fresh=True)) == 42


def test_a_killed_build_leaves_nothing_that_looks_like_a_library(source, compiler, tmp_path):
    slow = tmp_path / "slow-cc"
    slow.write_text(f'#!/bin/sh\ntouch {tmp_path}/started\nsleep 30\nexec {compiler[0]} "$@"\n')
    slow.chmod(0o755)
    code = (
        "from needle_edu.backend.build import builder; "
        f"builder.shared_library('answer', [r'{source}'], flags=('-fPIC',))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CC": str(slow)}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)  # the process this test started, and its compiler
    process.wait()
    folder = next(path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    assert not list(folder.glob("*.so"))
    assert list(folder.glob(".answer-*")), "the build was killed before it began"
    slow.write_text(f'#!/bin/sh\nexec {compiler[0]} "$@"\n')
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert len(list(folder.glob("*.so"))) == 1
    assert not list(folder.glob(".answer-*")), "the leftovers of the killed build are still there"


def test_two_processes_compile_once(source, compiler, tmp_path):
    code = f"""
        from needle_edu.backend.build import builder
        print(builder.shared_library('answer', [r'{source}'], announce='compiling'))
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in started]
    assert said[0][0] == said[1][0] != ""
    assert sum(errors.count("compiling") for _, errors in said) == 1


def test_a_source_edited_during_compilation_is_compiled_again(source, compiler, tmp_path):
    """Otherwise the cache would keep the new text's code under the old text's name."""
    header = source.parent / "answer.h"
    editing = tmp_path / "editing-cc"
    editing.write_text(f'#!/bin/sh\necho "#define ANSWER 7" > {header}\nexec {compiler[0]} "$@"\n')
    editing.chmod(0o755)
    library = builder.shared_library("answer", [source], compiler=[str(editing)])
    assert answer_of(library) == 7
    header.write_text("#define ANSWER 42\n")
    assert answer_of(builder.shared_library("answer", [source])) == 42


def test_no_compiler_is_one_sentence_and_numpy_computes(tmp_path):
    result = python(
        """
        from needle_edu.backend import cpu, native
        device = cpu()
        assert not device.native and device.enabled() and device.kernels.add_dense
        device.kernels, cpu().allocate(0, 3)
        print(native.form, native.reason)
        """,
        tmp_path,
        PATH=str(tmp_path),
        CC="",
    )
    assert result.returncode == 0, result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "sudo apt install gcc" in result.stderr
    assert result.stdout.startswith("None no C compiler was found")


def test_a_wrong_cc_is_named(tmp_path):
    result = python("from needle_edu.backend import cpu; cpu().kernels", tmp_path, CC="no-such-cc")
    assert "no-such-cc" in result.stderr
    assert "unset CC" in result.stderr


def test_without_python_h_the_dlopen_form_is_used(compiler):
    result = python(
        """
        import sysconfig
        usual = sysconfig.get_path
        sysconfig.get_path = lambda name, *rest: "/nowhere" if name == "include" else usual(name, *rest)
        from needle_edu.backend import cpu, native
        from needle_edu.backend.build import cache
        cpu().kernels
        assert "Python.h" in native.reason or native.form == "api"  # api: the extension was in the cache before
        library = native.library_path
        from needle_edu.backend import BuildError
        from needle_edu.backend.build import cpu_library
        try:
            cpu_library.python_extension(library, fresh=True)
        except BuildError as error:
            print(error)
        """,
        paths.cache_dir(),
    )
    assert result.returncode == 0, result.stderr
    assert "python3-dev" in result.stdout


@pytest.mark.slow
def test_a_damaged_extension_is_replaced(compiler, tmp_path):
    """The whole library is built into an empty cache once; then each file is damaged in turn.

    A copy of the sources is built, laid out as in an installed wheel: editing the checkout meanwhile does no harm.
    """
    package = tmp_path / "copy" / "needle_edu"
    shutil.copytree(paths.csrc_dir(), package / "csrc")
    shutil.copytree(Path(paths.__file__).parent, package / "backend")
    (package / "__init__.py").write_text("")
    tmp_path = tmp_path / "cache"
    show = (
        "from needle_edu.backend import cpu, native; cpu().kernels; print(native.form, native.library_path)"
    )
    first = python(show, tmp_path, 400, package.parent)
    assert first.returncode == 0, first.stderr
    assert first.stderr.count("compiling the C kernels") == 1
    assert first.stdout.startswith(("api", "dlopen")), first.stderr
    form, library = first.stdout.split()
    for file in [Path(library), *tmp_path.glob("_needle_cpu-*.so")]:
        file.write_bytes(file.read_bytes()[:5000])
        result = python(show, tmp_path, 400, package.parent)
        assert result.stdout == first.stdout, result.stderr
    assert python(show, tmp_path, root=package.parent).stderr == ""


def test_an_unwritable_cache_falls_back_to_a_private_folder(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path / "file" / "below"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = paths.cache_dir()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("squatter", [lambda path: path.write_text(""), lambda path: path.symlink_to("/tmp")])
def test_a_name_that_somebody_took_in_the_temporary_folder_is_not_used(squatter, tmp_path, monkeypatch):
    """Anybody may make a file there; what is loaded from it would run as this user."""
    taken = tmp_path / f"needle_edu-{os.getuid()}"
    squatter(taken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("NEEDLE_EDU_CACHE", "/dev/null/nowhere")
    folder = paths.cache_dir()
    assert folder != taken and folder.parent == tmp_path and folder.is_dir()


def test_a_user_without_a_home_gets_a_private_folder(tmp_path, monkeypatch):
    """As in a container that runs under a user id of its own: no HOME, and no entry in the list of users."""
    monkeypatch.delenv("NEEDLE_EDU_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert paths.cache_dir().parent == tmp_path


def test_a_note_that_finds_no_folder_is_not_written(monkeypatch):
    def nowhere():
        raise FileNotFoundError("no usable temporary directory")

    monkeypatch.setattr(index, "default_folder", nowhere)
    assert index.recall("test", "") is None
    index.remember("test", "", [])


def test_a_note_is_believed_only_while_nothing_changed(tmp_path, monkeypatch):
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)  # a compiler of one's own has a cache of its own
    made = tmp_path / "made"
    made.write_text("1")
    sources = index.state_of_sources()
    assert "needle_kernels.h" in sources and "cpu_library.py" in sources
    assert index.recall("test", sources) is None
    index.remember("test", sources, [made])
    assert index.recall("test", sources) == [made]
    assert index.recall("test", sources + "x") is None
    made.write_text("22")
    assert index.recall("test", sources) is None


def test_the_library_covers_other_processors_and_sanitizers():
    isas = {flag for run in cpu_library.cpu_sources(paths.csrc_dir(), "aarch64") for flag in run.flags}
    assert {"-DND_ISA=base", "-DND_ISA=neon", "-DND_ISAS_ARM64"} <= isas
    assert not [flag for flag in isas if flag.startswith("-mavx")]
    other = {flag for run in cpu_library.cpu_sources(paths.csrc_dir(), "riscv64") for flag in run.flags}
    assert "-DND_ISA=base" in other and not [flag for flag in other if "ND_ISAS" in flag]
