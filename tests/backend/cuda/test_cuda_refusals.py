"""What cannot be run: one clear message, which names the construct and its line, and no traceback."""

import subprocess
import sys

import pytest

import needle_edu as ndl
from needle_edu.backend import BuildError
from needle_edu.backend.cudasim import CudaError, CudaSyntaxError, cuda_cell

UNSUPPORTED = {  # what stands in line 3 of a student's source: what is said
    "nvcuda::wmma::fragment<nvcuda::wmma::matrix_a, 16, 16, 16, half> f;": "wmma: no tensor cores (wmma)",
    "cudaTextureObject_t image;": "cudaTextureObject_t: no textures and surfaces",
    'asm volatile("bar.sync 0;");': "asm: no inline assembly (PTX)",
    "cg::this_grid().sync();": "this_grid: no grids that wait for one another (grid.sync)",
    "k<<<1, 1>>>(a);": "k launches a kernel: no kernels that are launched by kernels (dynamic parallelism)",
    "curandState state;": "curandState: no cuBLAS, cuDNN or other libraries of CUDA",
    "__nv_fp8_e4m3 x;": "__nv_fp8_e4m3: no numbers of 8 bits and fewer; of 16 there are cuda_fp16.h and cuda_bf16.h",
    "cuda::std::array<int, 2> pair;": "cuda::std: no libcu++ (cuda::std)",
    "cudaDeviceEnablePeerAccess(1, 0);": "cudaDeviceEnablePeerAccess: no second card",
}


@pytest.mark.parametrize("line, said", UNSUPPORTED.items())
def test_what_the_simulator_has_not(line, said, simulator):
    with pytest.raises(CudaSyntaxError) as caught:
        cuda_cell(f"__global__ void k(float *a) {{\n  // {line}\n  {line}\n}}", "cell.cu")
    assert str(caught.value) == f"cell.cu:3: {said.replace(': no ', ': the simulator has no ')}"


MISTAKES = {  # a mistake of C++'s grammar or names, in line 3
    "a semicolon": ("a[0] = 1", r"cell\.cu:3:\d+: error: expected .;."),
    "a name": ("a[n] = 1;", r"cell\.cu:3:\d+: error: .n. was not declared"),
    "shared": ("__shared__ int x = 0;", r"cell\.cu:3: a __shared__ variable cannot be initialised"),
}


@pytest.mark.parametrize("line, said", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_said_with_its_line(line, said, simulator):
    with pytest.raises((BuildError, CudaSyntaxError), match=said):
        cuda_cell(
            f'__global__ void k(float *a) {{\n  __syncthreads();\n  {line}\n}}\nextern "C" void run() {{}}',
            "cell.cu",
        )


@pytest.mark.parametrize("action", ["check", "profile", "build"])
def test_the_command_says_it_in_one_line(action, tmp_path, simulator):
    file = tmp_path / "ndarray_backend_cuda.cu"
    commands = {
        "texture<float, 2> image;": f"{file}:2: texture: the simulator has no textures and surfaces",
        "int x;": f"{file} defines neither main() nor a module; wanted int main(int argc, char **argv), or "
        "PYBIND11_MODULE(ndarray_backend_cuda, m). Kernels alone run in a notebook's cell that begins with %%cuda",
    }
    for line, said in commands.items():
        module = "" if line == "int x;" else "PYBIND11_MODULE(ndarray_backend_cuda, m) {}\n"
        file.write_text(f"// a student's\n{line}\n{module}")
        done = subprocess.run(
            [sys.executable, "-m", "needle_edu.cli", "cuda", action, file],
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert (done.returncode, done.stderr) == (2, f"needle-edu cuda: {said}\n")


def test_no_memory_is_left_on_the_device(simulator):
    with pytest.raises(
        MemoryError, match=r"no memory for .*; arrays in use hold .*: drop some, or take smaller"
    ):
        ndl.ndarray.empty((1 << 40,), device=ndl.cuda_sim())
    with pytest.raises(
        CudaError, match=r"cudaErrorMemoryAllocation: cudaMalloc: no \d+ bytes are left of the simulated"
    ):
        simulator.allocate(1 << 50)
    run = cuda_cell("""
        __global__ void k(float *a) {}
        extern "C" int run(float *a) { float *p; return cudaMalloc(&p, 1ull << 50); }
    """)["run"]  # fmt: skip
    with pytest.raises(
        CudaError, match="cudaErrorMemoryAllocation: cudaMalloc: no 1125899906842624 bytes are left"
    ):
        run(simulator.empty(1))
    assert ndl.ndarray.ones((3,), device=ndl.cuda_sim()).numpy().sum() == 3, "the device works as before"
