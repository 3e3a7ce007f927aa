"""Devices, storages and what surrounds the kernels: overrides, settings, memory, threads and forked processes."""

import copy
import gc
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hidden_device import hidden

from needle_edu import backend
from needle_edu.backend import DeviceError, cpu, cpu_numpy, cuda, memory, paths, storage
from needle_edu.backend.dtypes import DTYPES, F32

ROOT = Path(paths.__file__).resolve().parents[2]
FLOAT = DTYPES[F32]
both = pytest.mark.parametrize("device", [cpu(), cpu_numpy()], ids=repr)
every = pytest.mark.parametrize("device", [cpu(), cpu_numpy(), hidden], ids=repr)


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    full = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", code], env=full, capture_output=True, text=True, timeout=300)


def test_devices_are_single_objects():
    assert cpu() is cpu() and cpu() == cpu() and cpu() != cpu_numpy()
    assert {cpu(): 1}[cpu()] == 1
    names = [repr(device) for device in backend.all_devices()]
    assert names[:4] == ["cpu()", "cpu_numpy()", "cuda()", "cuda_sim()"]  # behind them, what others register
    assert copy.deepcopy(cpu()) is cpu() and pickle.loads(pickle.dumps(cpu())) is cpu()


@pytest.mark.parametrize("device", [cuda()], ids=repr)
def test_disabled_devices_say_why(device):
    assert not device.enabled()
    for use in (
        lambda: device.kernels,
        lambda: device.allocate(0, 1),
        lambda: backend.set_default_device(device),
    ):
        with pytest.raises(DeviceError, match="use cpu()"):
            use()


def test_the_default_device_can_be_set_and_is_checked():
    assert backend.default_device() is cpu()
    backend.set_default_device(cpu_numpy())
    try:
        assert backend.default_device() is cpu_numpy()
    finally:
        backend.set_default_device(cpu())
    with pytest.raises(DeviceError, match="wanted a device"):
        backend.set_default_device("cpu")


@both
def test_storage_is_shared_with_numpy_and_kept_alive(device):
    block = device.allocate(F32, 5)
    assert block.nbytes == 20 and block.version == 0
    view = device.host_view(block, FLOAT)
    view[:] = range(5)
    before = memory.live_bytes()
    del block
    assert memory.live_bytes() == before, "the view must keep the storage"
    np.testing.assert_array_equal(view, range(5))
    del view
    assert memory.live_bytes() == before - 20


@both
def test_adopted_memory_is_the_same_memory(device):
    array = np.arange(6, dtype="float32")
    block, out = device.adopt(array), device.allocate(F32, 6)
    assert device.kernels.negative_dense(F32, 6, block.ptr, block.ptr) == 0
    np.testing.assert_array_equal(array, -np.arange(6))
    np.shares_memory(array, device.host_view(block, FLOAT))
    assert device.kernels.add_dense(F32, 6, out.ptr, block.ptr, block.ptr) == 0
    np.testing.assert_array_equal(device.host_view(out, FLOAT), -2 * np.arange(6))


@every
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_elements_are_copied_to_and_from_any_place_of_a_storage(dtype, device):
    block, x = device.allocate(DTYPES.index(dtype), 10), np.arange(10).astype(dtype)
    device.copy_from_host(block, np.zeros(10, dtype))
    device.copy_from_host(block, x[3:8], 3)
    whole, part = np.empty((2, 5), dtype), np.empty((2, 2), dtype)
    device.copy_to_host(block, whole)
    device.copy_to_host(block, part, 4)
    np.testing.assert_array_equal(whole.ravel(), np.where((np.arange(10) < 3) | (np.arange(10) > 7), 0, x))
    np.testing.assert_array_equal(part, x[4:8].reshape(2, 2))
    device.synchronize()


@every
def test_a_storage_has_an_address_of_its_own(device):
    blocks = [device.allocate(F32, 3) for _ in range(3)]
    assert len({device.address(block) for block in blocks}) == 3
    if device.host_view is not None:
        view = device.host_view(blocks[0], FLOAT)
        assert device.address(blocks[0]) == view.__array_interface__["data"][0]


def test_a_device_can_be_registered_and_must_give_the_whole_contract(monkeypatch):
    from needle_edu.backend import devices

    monkeypatch.setattr(devices, "_devices", dict(devices._devices))
    opened = []
    device = backend.register_device("mine", lambda: opened.append(1) or hidden.runtime)
    assert backend.all_devices()[-1] is device and pickle.loads(pickle.dumps(device)) is device
    assert device.enabled() and not device.opened() and not opened
    assert device.kernels is hidden.kernels and device.opened() and opened == [1]
    with pytest.raises(DeviceError, match="there is a device 'mine' already"):
        backend.register_device("mine", lambda: hidden.runtime)
    with pytest.raises(DeviceError, match="no device 'other'; there are cpu, cpu_numpy"):
        devices.device_named("other")
    absent = backend.register_device("absent", lambda: hidden.runtime, "absent() needs a card; buy one")
    with pytest.raises(DeviceError, match="buy one"):
        _ = absent.kernels

    class Half(backend.Runtime):
        def allocate(self, dtype, n):
            raise NotImplementedError

    with pytest.raises(TypeError, match="copy_to_host"):
        Half()


@both
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 16384, 16385, 1 << 20])
def test_every_size_is_usable_to_its_last_element(device, n):
    blocks = [device.allocate(F32, n), device.allocator(F32, n)()]
    for block, value in zip(blocks, (1.5, 2.5), strict=True):
        assert block.nbytes == 4 * n
        assert device.kernels.fill_dense(F32, n, block.ptr, value) == 0
    assert all((device.host_view(b, FLOAT) == v).all() for b, v in zip(blocks, (1.5, 2.5), strict=True))


def test_live_bytes_returns_to_where_it_was_and_the_pool_can_be_emptied():
    gc.collect()
    before = memory.live_bytes()
    blocks = [cpu().allocate(F32, n) for n in (1, 100, 1_000_000)]
    assert memory.live_bytes() - before == 4 * 1_000_101
    del blocks
    assert memory.live_bytes() == before
    if cpu().native:
        assert memory.pool_bytes() >= 4_000_000
        memory.trim()
        assert memory.pool_bytes() == 0


def test_too_large_an_array_is_a_clear_memory_error(c_runtime):
    for n in (1 << 44, 1 << 61):
        with pytest.raises(MemoryError, match=r"elements of float32 \([\d,.]+ GiB\)"):
            c_runtime.allocate(F32, n)


def test_the_write_clock_only_goes_forward():
    first = storage.new_version()
    assert storage.new_version() == first + 1 == storage.latest_version


@both
def test_overrides_stack_and_can_be_undone_in_any_order(device):
    usual = device.kernels.add_dense
    one, two = (lambda *args: 1), (lambda *args: 2)
    first = device.override("add_dense", one)
    with device.override("add_dense", two):
        assert device.kernels.add_dense() == 2
        first.undo()
        assert device.kernels.add_dense() == 2
    assert device.kernels.add_dense is usual
    first.undo()
    with pytest.raises(DeviceError, match="no kernel 'nonsense'"):
        device.override("nonsense", one)


def test_hooks_give_devices_creators_and_needles_kernel_module(monkeypatch):
    from needle_edu.backend import devices

    fresh = devices.Device("fresh", lambda: None)
    monkeypatch.setattr(devices, "_creators", {"zeros": lambda device, *shape: (device.name, shape)})
    assert fresh.zeros(2, 3) == ("fresh", (2, 3))
    monkeypatch.setattr(
        devices, "_kernel_module_factory", lambda device: type("Module", (), {"ewise_add": 7})
    )
    assert fresh.ewise_add == 7
    with pytest.raises(AttributeError):
        _ = fresh.nothing_of_the_kind


def test_settings_are_obeyed_and_checked(c_runtime):
    usual, isa = backend.get_num_threads(), backend.get_isa()
    try:
        backend.set_num_threads(1)
        assert backend.get_num_threads() == 1
        for name in backend.available_isas():
            backend.set_isa(name)
            assert backend.get_isa() == name
    finally:
        backend.set_num_threads(usual)
        backend.set_isa(isa)
    for number in (0, 2**40, 1.5):
        with pytest.raises(DeviceError, match="at least 1"):
            backend.set_num_threads(number)
    with pytest.raises(DeviceError, match="base"):
        backend.set_isa("mmx")


def test_settings_from_the_environment(c_runtime):
    show = "from needle_edu import backend; print(backend.get_isa(), backend.get_num_threads())"
    assert run(show, NEEDLE_EDU_ISA="base", NEEDLE_EDU_NUM_THREADS="1").stdout.split() == ["base", "1"]
    # our own variable goes before the one that many libraries obey
    assert run(show, OMP_NUM_THREADS="3").stdout.split()[1] == "3"
    both = run(show, OMP_NUM_THREADS="3", NEEDLE_EDU_NUM_THREADS="2")
    assert both.stdout.split()[1] == "2"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for nonsense in ("", "0", "many"):
        assert run(show, OMP_NUM_THREADS=nonsense).stdout.split()[1] == str(usable)
    assert "NEEDLE_EDU_ISA=mmx" in run(show, NEEDLE_EDU_ISA="mmx").stderr
    assert "at least 1" in run(show, NEEDLE_EDU_NUM_THREADS="none").stderr
    off = run(show, NEEDLE_EDU_NATIVE="0")
    assert off.stdout.split() == ["numpy", "1"] and off.stderr == ""


SUM = """
import os, numpy as np
from needle_edu.backend import cpu, set_num_threads
set_num_threads(2)
device, n = cpu(), 2_000_000
a, out = device.adopt(np.ones(n, "float32")), device.allocate(0, n)
def compute():
    return device.kernels.exp_dense(0, n, out.ptr, a.ptr)
"""


def test_a_forked_child_computes_and_does_not_hang(c_runtime):
    code = SUM + "compute(); child = os.fork()\nif child == 0:\n    os._exit(compute())\n"
    code += "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])); compute()"
    result = run(code)
    assert result.stdout.strip() == "0", result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as Linux does")
def test_kernels_compute_where_the_system_gives_no_threads(c_runtime):
    """A container may allow no more of them. Here there is no room for their stacks, 8 MB each."""
    code = """if True:
        import os, resource
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        import numpy as np, needle_edu as ndl
        ndl.backend.set_num_threads(1)
        a, b = (ndl.ndarray.array(np.ones(s, "float32")) for s in ((700, 600), (600, 1700)))
        product = a @ b, a @ b  # the memory that follows is there now
        del product
        pages = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (pages + 7_000_000,) * 2)
        ndl.backend.set_num_threads(4)
        for _ in range(5):
            product = a @ b
        print(len(os.listdir("/proc/self/task")))
        assert (product.numpy() == 600).all()
    """
    result = run(code)
    assert (result.returncode, result.stdout) == (0, "1\n"), result.stderr
    unlimited = run(code.replace("resource.setrlimit(", "("))
    assert unlimited.stdout == "4\n", unlimited.stderr  # otherwise the above shows nothing


@pytest.mark.skipif(
    sys.platform != "linux", reason="dlclose of other systems leaves such libraries loaded anyway"
)
def test_the_library_is_not_unloaded_under_its_threads(c_runtime):
    code = """if True:
        import _ctypes, ctypes, time
        from needle_edu.backend.build import cpu_library
        lib = ctypes.CDLL(str(cpu_library.library()))
        lib.nd_set_num_threads(2)
        n, room, one = ctypes.c_int64(400_000), ctypes.create_string_buffer(1_600_000), ctypes.c_double(1)
        assert lib.nd_fill_dense(0, n, room, one) == 0
        handle = lib._handle
        del lib
        _ctypes.dlclose(handle)
        time.sleep(0.2)  # its threads have looked for work, in code that is still there, and sleep
    """
    result = run(code)
    assert result.returncode == 0, result.stderr


def test_several_python_threads_may_compute_at_once(c_runtime):
    n, results, problems = 70_000, {}, []

    def work(number: int) -> None:
        try:
            for _ in range(20):
                a = c_runtime.adopt(np.full(n, number, "float32"))
                out = c_runtime.allocate(F32, n)
                assert c_runtime.kernels.add_dense(F32, n, out.ptr, a.ptr, a.ptr) == 0
                results[number] = c_runtime.host_view(out, FLOAT)
                assert (results[number] == 2 * number).all()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def test_a_small_call_does_not_wait_for_a_busy_thread():
    """The fast form keeps Python's lock for small work; otherwise each call would wait 5 ms for its turn.

    The other thread could take the lock by force after a minute only: if it counts, a call let it go."""
    code = """
import sys, threading
from needle_edu.backend import cpu, native
device = cpu(); a = device.allocate(0, 16); add = device.kernels.add_dense
rounds, stop, begin = 0, False, threading.Event()
def busy():
    global rounds
    begin.wait()
    while not stop: rounds += 1
thread = threading.Thread(target=busy); thread.start()
sys.setswitchinterval(60)
begin.set()
for _ in range(2000): add(0, 16, a.ptr, a.ptr, a.ptr)
seen, stop = rounds, True
thread.join()
print(native.form, seen)
"""
    form, rounds = run(code).stdout.split()
    if form != "api":
        pytest.skip("only the extension module keeps the lock")
    assert int(rounds) == 0


def test_importing_the_backend_is_light():
    code = "import sys, numpy; from needle_edu.backend import cpu; print(cpu().runtime.native, sorted(sys.modules))"
    run(code)  # fills the cache
    loaded = run(code).stdout
    for heavy in ("pycparser", "'cffi.api'", "subprocess", "hashlib"):
        assert heavy not in loaded
