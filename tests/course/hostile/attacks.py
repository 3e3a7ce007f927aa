"""Attacks on the machine that grades: each tries a door, and prints ``OPEN: …`` if it gives way.

All of them hold a right answer, so their honest score is full marks, if they leave themselves alive to be judged. None
does harm where it succeeds: it touches only files, sockets and processes that `bait.py` has put there. The names in
braces are filled in there.
"""

TRY = """
import ctypes, os, platform, socket, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)

def attempt(what, action):
    try:
        result = action()
    except (OSError, ValueError, ImportError) as error:
        print("shut:", what, type(error).__name__)
    else:
        print("shut: nothing at" if result is False else "OPEN:", what, result)

def call(name, *words):
    ctypes.set_errno(0)
    result = getattr(libc, name)(*[ctypes.c_long(w) if isinstance(w, int) else w for w in words])
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result

def in_child(action):
    "What a child that tries an action says: so that nothing of it stays with us."
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException:
            os._exit(1)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise OSError("refused")
"""

ATTACKS = {
    "read the teacher's files": """
        attempt("secret", lambda: open("{bait}/secret.txt").read())
        attempt("folder", lambda: os.listdir("{bait}"))
        """,
    "change the teacher's files": """
        attempt("write", lambda: open("{bait}/grades.csv", "a").write("100"))
        attempt("create", lambda: open("{bait}/new", "w").write("x"))
        attempt("remove", lambda: os.remove("{bait}/secret.txt"))
        attempt("rename", lambda: os.rename("{bait}/grades.csv", "{bait}/gone.csv"))
        """,
    "read another submission": """
        attempt("submission", lambda: open("{bait}/submissions/eve/toy.ipynb").read())
        attempt("list", lambda: os.listdir("{bait}/submissions"))
        """,
    "read solutions and hidden tests": """
        import needle_edu
        attempt("notebook", lambda: open("{toy}").read())
        root = os.path.dirname(os.path.dirname(needle_edu.__file__))
        for name in ("notebooks", "tests", ".git", "needle_edu/notebooks/homework"):
            attempt(name, lambda: os.listdir(os.path.join(root, name)) or False)
        start = time.monotonic()
        for folder, folders, files in os.walk("/"):
            if folder == "/":
                folders[:] = sorted(set(folders) - {{"usr", "proc", "sys"}})
            if time.monotonic() - start > 2:  # a large disk; the cell has a time limit
                break
            for name in set(files) & {{"hw1.ipynb", "toy.ipynb", "test_hw1.py"}}:
                print("OPEN:", folder, name)
        """,
    "change the package": """
        import needle_edu
        here = os.path.dirname(needle_edu.__file__)
        python = sys.prefix if not sys.prefix.startswith("/tmp/") else os.path.join(sys.prefix, "lib")
        for folder in (here, python, os.path.dirname(os.__file__), "/usr/lib", "/usr/bin", "/etc", "/"):
            attempt(folder, lambda: open(os.path.join(folder, "{mark}"), "w"))
        attempt("append", lambda: open(needle_edu.__file__, "a"))
        attempt("mode", lambda: os.chmod(needle_edu.__file__, os.stat(needle_edu.__file__).st_mode & 0o7777))
        attempt("time", lambda: os.utime(needle_edu.__file__))
        """,
    "the network": """
        attempt("tcp", lambda: socket.create_connection(("127.0.0.1", {port}), 3).send(b"hello"))
        attempt("udp", lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", {port})))
        attempt("tcp6", lambda: socket.socket(socket.AF_INET6))
        attempt("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
        """,
    "a unix socket of the teacher's": """
        def say(address):
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(address)
                return line.send(b"hello")
        attempt("by path", lambda: say("{bait}/socket"))
        attempt("abstract", lambda: say("\\0{mark}"))
        """,
    "signals to the grader": """
        attempt("grader", lambda: os.kill({grader}, 0))
        attempt("bystander", lambda: os.kill({bystander}, 0))
        attempt("group", lambda: os.killpg({grader}, 0))
        """,
    "the grader's memory and environment": """
        attempt("memory", lambda: open("/proc/{grader}/mem", "rb"))
        attempt("environment", lambda: open("/proc/{grader}/environ", "rb").read())
        attempt("command", lambda: b"run.py" in open("/proc/{grader}/cmdline", "rb").read())
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                attempt(entry, lambda: b"{token}" in open(f"/proc/{{entry}}/environ", "rb").read())
        """,
    "environment and descriptors": """
        attempt("environment", lambda: "{token}" in str(os.environ))
        for number in os.listdir("/proc/self/fd"):
            attempt(number, lambda: "{bait}" in os.readlink(f"/proc/self/fd/{{number}}"))
        """,
    "tracing": """
        attempt("trace me", lambda: in_child(lambda: call("ptrace", 0, 0, 0, 0)))
        def read_child():
            import signal
            child = os.fork()
            if child == 0:
                signal.pause()
            here, there = ctypes.create_string_buffer(8), ctypes.create_string_buffer(b"abcdefg")
            class Vector(ctypes.Structure):
                _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
            local = Vector(ctypes.cast(here, ctypes.c_void_p), 8)
            remote = Vector(ctypes.cast(there, ctypes.c_void_p), 8)
            try:
                return call("process_vm_readv", child, ctypes.byref(local), 1, ctypes.byref(remote), 1, 0)
            finally:
                os.kill(child, 9)
                os.waitpid(child, 0)
        attempt("another's memory", read_child)
        """,
    "namespaces and mounts": """
        for flag in (0x10000000, 0x20000, 0x20000000, 0x40000000, 0x08000000, 0x04000000, 0x02000000, 0x80):
            attempt(hex(flag), lambda: in_child(lambda: call("unshare", flag)))
        attempt("clone", lambda: call("syscall", {clone}, 0x10000000 | 17, 0, 0, 0, 0) or os._exit(0))
        attempt("mount", lambda: call("mount", b"x", b"/tmp", b"tmpfs", 0, None))
        attempt("umount", lambda: call("umount2", b"/tmp", 2))
        attempt("chroot", lambda: in_child(lambda: call("chroot", b"/tmp")))
        """,
    "refused system calls": """
        calls = {calls}
        def refused(number):
            libc.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 5)
            if ctypes.get_errno() in (1, 38):  # not permitted, no such call
                raise OSError
        for name, number in calls.items():
            attempt(name, lambda: in_child(lambda: refused(number)))
        """,
    "memory that no limit counts": """
        attempt("memfd", lambda: os.memfd_create("x"))
        attempt("System V memory", lambda: call("shmget", 0, 4096, 0o1600))
        attempt("System V semaphores", lambda: call("semget", 0, 1, 0o1600))
        attempt("System V messages", lambda: call("msgget", 0, 0o1600))
        """,
    "who I am": """
        attempt("root", lambda: 0 in os.getresuid() + os.getresgid() and os.getresuid())
        attempt("become root", lambda: os.setuid(0))
        attempt("other groups", lambda: os.setgroups([0]))
        status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            attempt(name, lambda: int(status[name], 16) != 0 and status[name])
        attempt("new rights", lambda: status["NoNewPrivs"] != "1")
        attempt("no filter", lambda: status["Seccomp"] != "2")
        """,
    "devices and the kernel's settings": """
        import stat
        attempt("device", lambda: os.mknod("/tmp/disk", 0o600 | stat.S_IFBLK, os.makedev(8, 0)))
        for path in ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse", "/dev/kvm", "/dev/tty"):
            attempt(path, lambda: os.close(os.open(path, os.O_RDWR)))
        for path in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/1/oom_score_adj"):
            attempt(path, lambda: os.close(os.open(path, os.O_WRONLY)))
        attempt("/sys", lambda: os.listdir("/sys"))
        """,
    "marks on what all questions share": """
        import glob
        same = lambda path: os.chmod(path, os.stat(path).st_mode & 0o7777)
        for path in ["/", "/dev", "/usr", *glob.glob("/dev/*"), *glob.glob("/dev/pts/*"), sys.executable]:
            if path != "/dev/shm" and not os.path.islink(path):
                attempt(path, lambda: os.utime(path))
                attempt(path, lambda: same(path))
        """,
    "typing into a terminal": """
        import fcntl, termios
        master, slave = os.openpty()
        attempt("own terminal", lambda: fcntl.ioctl(slave, termios.TIOCSTI, b"x"))
        attempt("a 64-bit request", lambda: call("ioctl", slave, 0x100005412, b"x"))
        """,
    "other students' leftovers": """
        import needle_edu, numpy
        own = (needle_edu.__file__, numpy.__file__, sys.prefix, sys.base_prefix)  # a checkout may lie in /tmp
        own = {{path.split("/")[2] for path in own if path.startswith("/tmp/")}}
        attempt("/tmp", lambda: set(os.listdir("/tmp")) - own or False)
        attempt("/dev/shm", lambda: os.listdir("/dev/shm") or False)
        attempt("processes", lambda: [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 9] or False)
        """,
}

# The numbers of what must be refused, on x86-64 and on arm64: from the kernel's own tables, not through the library
# that makes the filter. The last few are younger than the filter.
NUMBERS = """
clone 56 220
ptrace 101 117
process_vm_readv 310 270
process_vm_writev 311 271
kcmp 312 272
unshare 272 97
setns 308 268
mount 165 40
umount2 166 39
pivot_root 155 41
chroot 161 51
keyctl 250 219
add_key 248 217
request_key 249 218
bpf 321 280
perf_event_open 298 241
userfaultfd 323 282
memfd_create 319 279
shmget 29 194
semget 64 190
msgget 68 186
mq_open 240 180
personality 135 92
kexec_load 246 104
kexec_file_load 320 294
init_module 175 105
finit_module 313 273
delete_module 176 106
open_by_handle_at 304 265
name_to_handle_at 303 264
fanotify_init 300 262
quotactl 179 60
acct 163 89
syslog 103 116
seccomp 317 277
socket 41 198
vmsplice 278 75
io_uring_setup 425 425
io_uring_enter 426 426
io_uring_register 427 427
open_tree 428 428
move_mount 429 429
fsopen 430 430
fsconfig 431 431
fsmount 432 432
fspick 433 433
clone3 435 435
pidfd_getfd 438 438
process_madvise 440 440
mount_setattr 442 442
memfd_secret 447 447
process_mrelease 448 448
statmount 457 457
listmount 458 458
lsm_set_self_attr 460 460
tomorrow 500 500
"""

# These would do harm without isolation, if only to their own user: they run isolated only. The honest score follows;
# None where luck decides whether the answer survives its own attack.
ISOLATED = {
    "kill everybody": (
        2.0,
        """
        import os
        try:
            os.kill(-1, 9)
        except ProcessLookupError:
            pass
        """,
    ),
    "stop the first process": (
        2.0,
        """
        import os, signal
        for pid in range(1, 30):
            if pid != os.getpid():
                for number in (signal.SIGSTOP, signal.SIGKILL):
                    try:
                        os.kill(pid, number)
                    except OSError:
                        pass
        """,
    ),
    "processes that stay": (
        2.0,
        """
        import os, sys
        for daemon in (False, True):
            if os.fork() == 0:
                if daemon:
                    os.setsid()
                    if os.fork():
                        os._exit(0)
                os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)  # {mark}"])
        """,
    ),
    "fork bomb": (
        None,
        """
        import os
        for _ in range(100):
            try:
                os.fork()
            except OSError:
                pass
        """,
    ),
    "thread bomb": (
        None,
        """
        import threading, time
        for _ in range(100):
            threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
        """,
    ),
    "memory in children": (
        None,
        """
        import os, time
        for _ in range(12):
            if os.fork() == 0:
                hold = bytes(1) * (200 * 2**20)
                hold = bytearray(hold)
                time.sleep(100)
        time.sleep(3)
        """,
    ),
    "files without end": (
        2.0,
        """
        import os
        for folder in ("/tmp", "/dev/shm"):
            try:
                for number in range(200_000):
                    open(f"{{folder}}/{{number}}", "w").close()
            except OSError:
                print(number)
        """,
    ),
    "a full disk": (
        2.0,
        """
        for folder in ("/tmp", "/dev/shm"):
            try:
                for number in range(100):
                    with open(f"{{folder}}/{{number}}", "wb") as file:
                        file.write(bytes(2**23))
            except OSError:
                pass
        """,
    ),
    "links and closed folders stay": (
        2.0,
        """
        import os
        os.symlink("{bait}", "/tmp/link")
        os.symlink("/", "/dev/shm/root")
        for _ in range(200):
            os.mkdir("d")
            os.chdir("d")
        os.mkdir("closed")
        os.chmod("closed", 0)
        os.chmod(".", 0)
        """,
    ),
    "shared memory stays": (
        2.0,
        """
        import os
        from multiprocessing import shared_memory
        shared_memory.SharedMemory("left", create=True, size=2**20)
        open("/dev/shm/other", "wb").write(bytes(2**20))
        """,
    ),
}

# A hidden input is left wherever question 1 can write; what question 2 finds of it, it prints.
LEAVE = """
import os, socket, subprocess, sys

def double(x):
    if len(x) > 1:
        for folder in (".", os.environ["HOME"], "/tmp", "/dev/shm", "/var/tmp", "/run", "/dev"):
            try:
                open(os.path.join(folder, "left-behind"), "w").write(repr(x))
            except OSError:
                pass
        if os.fork() == 0:
            if os.fork() == 0:
                os.setsid()
                os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)  # left-behind"])
            os._exit(0)
        try:
            from multiprocessing import shared_memory
            shared_memory.SharedMemory("left-behind", create=True, size=2**12).buf[:4] = b"left"
        except OSError:
            pass
        try:
            os.write(2, b"left-behind")
        except OSError:
            pass
    return 2 * x
"""
FIND = """
import os

for folder in (".", os.environ["HOME"], "/tmp", "/dev/shm", "/var/tmp", "/run", "/dev"):
    try:
        if any("left" in name for name in os.listdir(folder)):
            print("OPEN:", folder)
    except OSError:
        pass
for entry in os.listdir("/proc"):
    if entry.isdigit() and int(entry) != os.getpid():
        try:
            print("left-behind" in open(f"/proc/{entry}/cmdline").read() and f"OPEN: process {entry}")
        except OSError:
            pass

def evens(n):
    return list(range(0, 2 * n, 2))
"""
