"""The command line that makes a sandbox of bubblewrap, and what to say where it makes none.

bubblewrap (the program ``bwrap``) builds a new root folder from mounts of our choice and starts a program in it, in
namespaces of its own. What is not on this command line does not exist inside: the sandbox holds the system's
programs and libraries, this Python, the package and the simulator, all read-only, and not one file of a user.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from needle_edu.backend.paths import csrc_dir
from needle_edu.course.grading import seccomp

PACKAGE = Path(__file__).resolve().parents[2]
INSTALL = "sudo apt install bubblewrap (Debian, Ubuntu) or sudo dnf install bubblewrap (Fedora)"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32")
SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")
# What the worker needs to make a room for each question; it gives all of them up before a student's code begins.
RIGHTS = ("CAP_SYS_ADMIN", "CAP_SETPCAP", "CAP_SYS_PTRACE")
RIGHTS_OF_ROOT = (*RIGHTS, "CAP_SETUID", "CAP_SETGID", "CAP_KILL")


def command(hide: Iterable[str] = (), *, as_root: bool) -> list[str]:
    """The words before ``-- program``: namespaces, rights, and mounts without what is in `hide`."""
    words = [shutil.which("bwrap") or "bwrap"]
    words += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    if not as_root:
        words += ["--unshare-user", *(["--disable-userns"] if version() >= (0, 8) else [])]
    words += ["--hostname", "sandbox", "--new-session", "--as-pid-1", "--cap-drop", "ALL"]
    for right in RIGHTS_OF_ROOT if as_root else RIGHTS:
        words += ["--cap-add", right]
    words += [*mounts(hide), "--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]


@functools.cache
def version() -> tuple[int, int]:
    """bubblewrap's version; (0, 0) if it does not say."""
    try:
        done = subprocess.run(["bwrap", "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0, 0
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


# --- mounts -------------------------------------------------------------------------------------------------


def mounts(hide: Iterable[str] = ()) -> list[str]:
    """The system, Python, the package, the simulator's sources, read-only; over what is to be hidden, emptiness."""
    wanted = [*python_folders(), PACKAGE, *filter(Path.exists, [csrc_dir() / "cudasim"])]
    found = sorted({path.resolve() for path in wanted})
    system = [Path(place) for place in SYSTEM]
    outermost = [p for p in found if not any(o != p and p.is_relative_to(o) for o in [*system, *found])]
    shown = [*system, *outermost]
    words = _system()
    for path in outermost:
        for parent in list(reversed(path.parents))[1:]:  # bwrap's own would be closed to all but their owner
            words += ["--dir", str(parent)]
        words += ["--ro-bind", str(path), str(path)]
    links = {link: target for path in (*wanted, Path(sys.executable)) for link, target in links_on(path)}
    for link, target in links.items():
        if not _inside(link, shown):
            words += ["--symlink", target, str(link)]
    for name in (str(PACKAGE / "notebooks" / "homework"), *hide):
        path = Path(name).resolve()
        if path.exists() and _inside(path, shown):
            over = ["--tmpfs", str(path), "--remount-ro", str(path)]
            words += over if path.is_dir() else ["--ro-bind", "/dev/null", str(path)]
    return words


def _system() -> list[str]:
    """The system's programs and libraries; some of these folders are links into others on today's systems."""
    words: list[str] = []
    for place in SYSTEM:
        if os.path.islink(place):
            words += ["--symlink", os.readlink(place), place]
        elif os.path.isdir(place):
            words += ["--ro-bind", place, place]
    for file in SYSTEM_FILES:
        words += ["--ro-bind-try", file, file]
    return words


def _inside(path: Path, places: list[Path]) -> bool:
    return any(path.is_relative_to(place) for place in places)


def python_folders() -> Iterator[Path]:
    """What this Python consists of: of each prefix the parts it uses, for the rest may be somebody's home."""
    for prefix in {sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix}:
        for name in ("bin", "lib", "lib64", "pyvenv.cfg"):
            if (path := Path(prefix, name)).exists():
                yield path
    yield from library_folders()


def library_folders() -> list[Path]:
    """Where the libraries that answers use are installed, be it beside Python or in the user's own folder."""
    found = []
    for name in ("numpy", "cffi", "graphviz", "IPython"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            found.append(Path(spec.origin).parents[1])
    return list(dict.fromkeys(found))


def links_on(path: Path, depth: int = 0) -> Iterator[tuple[Path, str]]:
    """The symbolic links on the way to `path`, each with what it says."""
    for place in (*reversed(path.parents), path):
        if place.is_symlink() and depth < 40:
            target = os.readlink(place)
            yield place, target
            rest = path.relative_to(place)
            yield from links_on(Path(os.path.normpath(place.parent / target)) / rest, depth + 1)
            return


# --- where there is no sandbox ----------------------------------------------------------------------------------


def missing() -> str:
    """What must be installed before a sandbox can be tried, as one sentence; empty if nothing."""
    if sys.platform != "linux":
        way = "in WSL2" if sys.platform == "win32" else "in a Linux virtual machine"
        return f"students' work is graded in a sandbox that only Linux can make: run this {way}"
    if shutil.which("bwrap") is None:
        return f"students' work is graded in a sandbox, and bubblewrap, which makes it, is not installed: {INSTALL}"
    if seccomp.library() is None:
        return (
            "students' work is graded in a sandbox, and libseccomp, which keeps it shut, is not installed: "
            "sudo apt install libseccomp2 (Debian, Ubuntu) or sudo dnf install libseccomp (Fedora)"
        )
    return ""


def explain(said: str) -> str:
    """One sentence for a sandbox that did not start, from what bubblewrap said and from this system's settings."""
    if _setting("user/max_user_namespaces") == "0" or "namespaces exceeded" in said:
        why, mend = "user namespaces are switched off", "sudo sysctl user.max_user_namespaces=15000"
    elif _setting("kernel/unprivileged_userns_clone") == "0":
        why = "only root may make user namespaces"
        mend = "sudo sysctl kernel.unprivileged_userns_clone=1"
    elif _setting("kernel/apparmor_restrict_unprivileged_userns") == "1":
        why = "AppArmor keeps programs from making user namespaces (Ubuntu since 23.10)"
        mend = "sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    elif _in_a_container():
        why = "this container may make no namespaces"
        mend = (
            "grade outside it or in a virtual machine, or start it with "
            "--security-opt seccomp=unconfined --security-opt systempaths=unconfined --cap-add SYS_ADMIN"
        )
    else:
        why, mend = (
            "this system does not allow it",
            "grade as an ordinary user of a Linux machine of your own",
        )
    return (
        f"no sandbox for students' work can be made here, because {why} ({said[-200:]}); what helps: {mend}"
    )


def _setting(name: str) -> str:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return ""


def _in_a_container() -> bool:
    return any(map(os.path.exists, ("/.dockerenv", "/run/.containerenv"))) or "container" in os.environ
