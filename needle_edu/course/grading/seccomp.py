"""Which system calls a student's code may not make, as a filter for the kernel.

The kernel offers programs some 360 calls; numerical Python needs a third of them. The rest is where escapes are found:
tracing other processes, mounting, new namespaces, loading code into the kernel, memory that no limit counts. libseccomp
turns the NAMES below into a program for the kernel (Berkeley Packet Filter) that answers them with "not permitted";
calls newer than this list do not exist at all. It is one wall of several (`sandbox_worker`), not the only one.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import errno
import functools
import os
import platform
import socket
import struct
import tempfile

ALLOW, ERRNO = 0x7FFF_0000, 0x0005_0000  # what libseccomp calls SCMP_ACT_ALLOW and SCMP_ACT_ERRNO(0)
NOT_EQUAL, MASKED_EQUAL = 1, 7
NEW_NAMESPACE = {  # flags of clone(2)
    *(0x0000_0080, 0x0002_0000, 0x0200_0000, 0x0400_0000),  # time, mounts, cgroup, host name
    *(0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000),  # ipc, user, processes, network
}
TIOCSTI, TIOCLINUX = 0x5412, 0x541C  # type into a terminal, paste into a console

DENIED = {
    "other processes": "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd",
    "namespaces and mounts": "unshare setns mount umount umount2 pivot_root chroot fsopen fsconfig fsmount fspick "
    "move_mount open_tree mount_setattr name_to_handle_at open_by_handle_at quotactl quotactl_fd",
    "the kernel": "bpf perf_event_open userfaultfd io_uring_setup io_uring_enter io_uring_register seccomp "
    "fanotify_init keyctl add_key request_key kexec_load kexec_file_load init_module finit_module delete_module "
    "create_module query_module get_kernel_syms lookup_dcookie nfsservctl syslog uselib ustat sysfs _sysctl acct "
    "personality modify_ldt vm86 vm86old iopl ioperm vmsplice",
    "memory that no limit counts": "memfd_create memfd_secret shmget shmat shmctl shmdt semget semop semctl "
    "semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink mbind set_mempolicy set_mempolicy_home_node "
    "migrate_pages move_pages remap_file_pages",
    "the machine": "reboot swapon swapoff sethostname setdomainname settimeofday stime clock_settime clock_settime64 "
    "clock_adjtime clock_adjtime64 adjtimex vhangup",
    "the network": "socket",  # socketpair stays: asyncio wakes itself with one
}
LAST = 450  # numbers beyond belong to calls younger than this list; the same on the machines of UNIFIED
UNIFIED = {"x86_64", "aarch64"}


class _Comparison(ctypes.Structure):
    """libseccomp's ``struct scmp_arg_cmp``: one condition on one argument of a call."""

    _fields_ = (
        ("argument", ctypes.c_uint),
        ("kind", ctypes.c_int),
        ("a", ctypes.c_uint64),
        ("b", ctypes.c_uint64),
    )


def library() -> ctypes.CDLL | None:
    """libseccomp, or None if this machine has none."""
    for name in ("libseccomp.so.2", ctypes.util.find_library("seccomp")):
        try:
            found = ctypes.CDLL(name) if name else None
        except OSError:
            continue
        if found is not None:
            found.seccomp_init.restype = ctypes.c_void_p
            found.seccomp_init.argtypes = [ctypes.c_uint32]
            found.seccomp_rule_add_array.argtypes = [
                *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Comparison))
            ]
            found.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
            found.seccomp_release.argtypes = [ctypes.c_void_p]
            return found
    return None


@functools.cache
def program() -> bytes:
    """The filter as the kernel takes it: instructions of 8 bytes.

    Raises
    ------
    OSError
        If libseccomp is missing or cannot build it.
    """
    lib = library()
    if lib is None:
        raise OSError("libseccomp is missing")
    context = lib.seccomp_init(ALLOW)
    try:
        for name in " ".join(DENIED.values()).split():
            _deny(lib, context, name)
        # clone3 keeps its flags where no filter can read them: it does not exist, and callers go on with clone.
        _deny(lib, context, "clone3", answer=errno.ENOSYS)
        for flag in NEW_NAMESPACE:
            _deny(lib, context, "clone", _Comparison(0, MASKED_EQUAL, flag, flag))
        for request in (TIOCSTI, TIOCLINUX):  # the kernel looks at 32 bits of the request
            _deny(lib, context, "ioctl", _Comparison(1, MASKED_EQUAL, 2**32 - 1, request))
        _deny(lib, context, "socketpair", _Comparison(0, NOT_EQUAL, socket.AF_UNIX, 0))
        with tempfile.TemporaryFile() as file:
            _must(lib.seccomp_export_bpf(context, file.fileno()), "export the filter")
            file.seek(0)
            built = file.read()
    finally:
        lib.seccomp_release(context)
    return (_nothing_newer() if platform.machine() in UNIFIED else b"") + built


def _deny(
    lib: ctypes.CDLL, context: int, name: str, *conditions: _Comparison, answer: int = errno.EPERM
) -> None:
    number = lib.seccomp_syscall_resolve_name(name.encode())
    if number == -1:  # this machine's libseccomp has never heard of it
        return
    array = (_Comparison * len(conditions))(*conditions)
    _must(
        lib.seccomp_rule_add_array(context, ERRNO | answer, number, len(conditions), array),
        f"a rule for {name}",
    )


def _nothing_newer() -> bytes:
    """Three instructions: load the call's number; beyond LAST answer "no such call"; else go on."""
    load, jump_if_greater, answer = 0x20, 0x25, 0x06
    return struct.pack(
        "=HBBIHBBIHBBI",
        *(load, 0, 0, 0),
        *(jump_if_greater, 0, 1, LAST),
        *(answer, 0, 0, ERRNO | errno.ENOSYS),
    )


def _must(status: int, what: str) -> None:
    if status < 0:
        raise OSError(-status, f"libseccomp, {what}: {os.strerror(-status)}")
