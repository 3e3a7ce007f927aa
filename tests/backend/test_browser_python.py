"""On a Python without processes, threads, file locks and user numbers, with 32-bit addresses (Pyodide in a browser),
everything runs on the NumPy reference, and an error says what it is.

Each test takes these things away in a process of its own.
"""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from needle_edu.backend import cpu, cpu_numpy, paths

ROOT = Path(paths.__file__).resolve().parents[2]

WITHOUT_SYSTEM = """
import os, subprocess, sys, threading

for name in ("fcntl", "pwd", "grp", "resource", "termios", "multiprocessing", "_multiprocessing", "_posixsubprocess"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "geteuid", "getuid", "getegid", "getgid", "kill", "killpg", "setsid",
             "register_at_fork", "sched_getaffinity", "posix_spawn", "mkfifo", "statvfs", "getloadavg"):
    if hasattr(os, name):
        delattr(os, name)

def no_process(*args, **kwargs):
    raise OSError(138, "emscripten does not support processes.")

def no_thread(*args, **kwargs):
    raise RuntimeError("can't start new thread")

subprocess.Popen.__init__ = no_process
threading.Thread.start = no_thread
"""

WITH_32_BITS = """
import numpy as np

def narrowed(function, only_python=False):
    def narrow(*args, **kwargs):
        result = function(*args, **kwargs)
        if "dtype" in kwargs or len(args) > 1 and function.__name__ in ("array", "asarray"):
            return result
        if only_python and (hasattr(args[0], "dtype") or hasattr(args[0], "__array_interface__")):
            return result
        if isinstance(result, tuple):
            return tuple(part.astype(np.int32) for part in result)
        return result.astype(np.int32) if result.dtype == np.int64 else result
    return narrow

for name in ("nonzero", "flatnonzero", "argwhere", "argsort", "arange", "unravel_index", "indices"):
    setattr(np, name, narrowed(getattr(np, name)))
for name in ("array", "asarray"):
    setattr(np, name, narrowed(getattr(np, name), only_python=True))
assert np.asarray([1, 2]).dtype == np.arange(3).dtype == np.nonzero(np.ones(2))[0].dtype == np.int32
"""


def python(*parts: str, **environment: str) -> str:
    """Run Python in a process of its own; return what it printed."""
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(textwrap.dedent(part) for part in parts)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=600,  # kernels may have to be compiled first
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("compiler", ["", "cc"], ids=["no compiler", "a compiler that cannot be run"])
def test_without_the_systems_services_numpy_computes(compiler, tmp_path):
    said = python(
        WITHOUT_SYSTEM,
        """
        import needle_edu as ndl
        import numpy as np
        from needle_edu import nn, optim
        from needle_edu.backend import cpu, native
        x = ndl.Tensor(np.arange(6.0).reshape(2, 3))
        model = nn.Linear(3, 2)
        loss = nn.SoftmaxLoss()(model(x), ndl.Tensor([0, 1]))
        loss.backward()
        optim.SGD(model.parameters(), lr=0.1).step()
        file = os.path.join(os.environ["HOME"], "model.npz")
        ndl.checkpoints.save(file, model=model)
        ndl.checkpoints.load(file, model=model)
        print(cpu().native, native.reason, x.shape)
        """,
        NEEDLE_EDU_CACHE=str(tmp_path / "cache"),
        PATH=os.environ["PATH"] if compiler else str(tmp_path),
        CC=compiler,
        HOME=str(tmp_path),
    )
    assert said.startswith("False ")
    assert ("no C compiler was found" if not compiler else "could not be compiled") in said


def test_integers_have_64_bits_where_addresses_have_32():
    python(
        WITH_32_BITS,
        """
        import needle_edu as ndl
        from needle_edu import ndarray as nd
        from needle_edu.backend import cpu, cpu_numpy
        for device in (cpu(), cpu_numpy()):
            a = nd.array([[1, 9], [7, 2]], dtype="int64", device=device)
            assert a[a > 5].numpy().tolist() == [9, 7]
            mask = a[:, 0] > 5
            assert a[mask].numpy().tolist() == [[7, 2]] and a[mask, 1].numpy().tolist() == [2]
            a[a > 5] = 0
            assert a.numpy().tolist() == [[1, 0], [0, 2]]
            assert a[np.asarray([1, 0])].numpy().tolist() == [[0, 2], [1, 0]]
            assert a[[1, 0], [0, 1]].numpy().tolist() == [0, 0]
            assert nd.take(a, [1], axis=0).numpy().tolist() == [[0, 2]]
            assert nd.gather(a, nd.asarray([[1], [0]], device=device)).numpy().tolist() == [[0], [0]]
            assert nd.index_add(a, [0, 0], nd.array([5, 5], dtype="int64", device=device)).numpy()[0, 0] == 11
            assert device.one_hot(3, [2, 0]).numpy().argmax(1).tolist() == [2, 0]
            assert nd.asarray([1, 2], device=device).dtype == nd.asarray(3, device=device).dtype == "int64"
            assert nd.asarray([[1], [2]], device=device).dtype == "int64"
            assert nd.asarray([np.int32(1)], device=device).dtype == "int32"
            assert nd.arange(5, device=device).dtype == nd.arange(1, 5, 2, device=device).dtype == "int64"
            assert a.sum().dtype == nd.argmax(a, axis=0).dtype == "int64"
            for data in ([1, 2], 3, [[1], [2]], (1, 2)):
                assert ndl.Tensor(data, device=device).dtype == "int64", data
            assert ndl.Tensor([1, 2.5], device=device).dtype == "float32"
            assert ndl.Tensor([True], device=device).dtype == "bool"
            x = ndl.Tensor([1.0, 2.0, 3.0], device=device, requires_grad=True)
            x[[0, 2, 2]].sum().backward()
            assert x.grad.numpy().tolist() == [1, 0, 2]
        """,
    )


@pytest.mark.parametrize("device", ["cpu", "cpu_numpy"])
def test_the_real_error_is_told(device):
    """An AttributeError inside of a property made Python ask for the property as an unknown attribute."""
    said = python(
        f"""
        from needle_edu.backend import {device}, devices
        def broken():
            import os
            os.no_such_function
        {device}()._open_runtime = broken
        import needle_edu
        for name in ("kernels", "runtime", "native", "allocate", "allocator", "lower", "host_view", "adopt"):
            try:
                getattr({device}(), name)
            except AttributeError as error:
                print(error)
        """
    )
    assert said.splitlines() == ["module 'os' has no attribute 'no_such_function'"] * 8


def test_an_attribute_that_nobody_has_is_named():
    for device in (cpu(), cpu_numpy()):
        with pytest.raises(AttributeError, match="no_such_thing"):
            _ = device.no_such_thing
