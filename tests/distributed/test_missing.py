"""What is not installed is one sentence with the command that mends it."""

import sys
import types

import pytest

from needle_edu import distributed
from needle_edu.backend import DistributedError
from needle_edu.distributed import environment, group, launching


class Broken(types.ModuleType):
    """mpi4py where there is no MPI library: importing MPI raises RuntimeError, not ImportError."""

    rc = types.SimpleNamespace(finalize=None)

    def __getattr__(self, name):
        if name == "MPI":
            raise RuntimeError("cannot load MPI library\nlibmpi.so.12: cannot open shared object file")
        raise AttributeError(name)


def test_no_mpi_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", Broken("mpi4py"))
    with pytest.raises(
        ImportError, match=r"finds no MPI library: .*pip install 'needle_edu\[mpi\]'.*cannot load MPI"
    ):
        group._open(None)


def test_no_mpi4py(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    with pytest.raises(ImportError, match=r"needs the package mpi4py: .*needle_edu\[mpi\]"):
        group._open(None)


def test_no_mpiexec(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    launching.mpiexec.cache_clear()
    try:
        with pytest.raises(
            ImportError, match=r"launch: there is no mpiexec: .*pip install 'needle_edu\[mpi\]'"
        ):
            distributed.launch(print)
    finally:
        launching.mpiexec.cache_clear()


def test_arguments_of_launch(monkeypatch):
    with pytest.raises(ValueError, match="launch: processes is a whole number of at least 1, got 0"):
        distributed.launch(print, 0)
    monkeypatch.setenv("NEEDLE_EDU_DISTRIBUTED_TIMEOUT", "soon")
    with pytest.raises(ValueError, match="NEEDLE_EDU_DISTRIBUTED_TIMEOUT is a number of seconds, got 'soon'"):
        environment.patience()
    monkeypatch.setenv("PMI_RANK", "0")
    with pytest.raises(DistributedError, match="launch: this process was launched itself"):
        distributed.launch(print)
