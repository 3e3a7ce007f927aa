"""CUDA becomes C++: launches and shared memory are rewritten, everything else, every line number too, stays."""

import re
from pathlib import Path

import pytest

from needle_edu.backend.cudasim import CudaSyntaxError, rewritten as keeping
from needle_edu.backend.cudasim.declarations import host_functions
from needle_edu.backend.cudasim.rewriter import rewrite
from needle_edu.backend.cudasim.source_text import mask, split_commas


def body(text):
    """What became of the text: without the two lines in front."""
    return rewrite(text, "a.cu").split("\n", 2)[2]


def launch(text):
    """(kernel as shown, configuration, call, arguments) of the one launch in a text."""
    found = re.fullmatch(
        r".*?cudasim::launch\(\{CUDASIM_NAME\((.*?)\), __FILE__, __LINE__, CUDASIM_FLAVOUR\}, cudasim::config\((.*?)\),"
        r" \[&\]\(auto &\.\.\.p_\) CUDASIM_PLAIN \{ \((.*?)\)\(p_\.\.\.\); \},"
        r" CUDASIM_ADDRESS\(\1\)\s*(?:, (.*))?\);.*",
        body(text),
        re.DOTALL,
    )
    assert found, body(text)
    return found.groups()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("k<<<1, 2>>>(a, n);", ("k", "1, 2", "k", "a, n")),
        ("k<<<g, b, s * sizeof(float), stream>>>();", ("k", "g, b, s * sizeof(float), stream", "k", None)),
        ("map<float, 4><<<g(1 >> 2), b>>>(a);", ("map<float, 4>", "g(1 >> 2), b", "map<float, 4>", "a")),
        ("ns::k<A<B>><<<1, 1>>>(f(x, y));", ("ns::k<A<B>>", "1, 1", "ns::k<A<B>>", "f(x, y)")),
        ("if (ok) k<<<1, 1>>>(a); else return;", ("k", "1, 1", "k", "a")),
        ("else k <<< 1, 1 >>> (a);", ("k", " 1, 1 ", "k", "a")),
        ("table[i]<<<1, 1>>>(a);", ("table[i]", "1, 1", "table[i]", "a")),
        ("(*f)<<<1, 1>>>(a);", ("(*f)", "1, 1", "(*f)", "a")),
        ("k<(N > 4)><<<1, 1>>>(a);", ("k<(N > 4)>", "1, 1", "k<(N > 4)>", "a")),
        ("k<<<1, 1>>>(a, NULL);", ("k", "1, 1", "k", "a,nullptr")),
        ('k<<<1, 1>>>(">>>", a);', ("k", "1, 1", "k", '">>>", a')),
        ("x = 3; k<<<dim3(2, 3), dim3{4, 5}>>>(a);", ("k", "dim3(2, 3), dim3{4, 5}", "k", "a")),
    ],
)
def test_launches(text, wanted):
    assert launch(text) == wanted


def test_two_launches_in_a_line_and_one_in_a_macro():
    text = body("#define GO(k) k<<<1, 1>>>(a)\nvoid f() { p<<<1, 2>>>(x); q<<<3, 4>>>(y); }")
    assert text.count("cudasim::launch") == 3 and "<<<" not in text
    assert [text.index(f"({k})(p_...)") for k in "kpq"] == sorted(text.index(f"({k})(p_...)") for k in "kpq")


@pytest.mark.parametrize(
    "text", ['"k<<<1, 2>>>(a)"', "// k<<<1>>>\n", "/* __shared__ float s; */", "a << b >> c", 'R"x(<<<)x"']
)
def test_what_only_looks_like_cuda_stays(text):
    assert body(text) == text


def test_lines_keep_their_numbers():
    text = "void f() {\n  k<\n int\n><<<\n g,\n b>>>\n(a,\n n);\n  int here;\n}\n"
    text += "__global__ void g() {\n __shared__ float\n  a[2],\n  b;\n int there;\n}"
    wanted, got = text.split("\n"), body(text).split("\n")
    for word in ("int here;", "int there;"):
        assert [word in line for line in got] == [word in line for line in wanted]
    assert rewrite(text, "a.cu").startswith('#include "cuda_runtime.h"\n#line 1 "a.cu"\n')


@pytest.mark.parametrize(
    ("declaration", "types"),
    [
        ("__shared__ float s[4];", {"s": "float cudasim_type_s[4]"}),
        ("__shared__ T a[N][N + 1], b;", {"a": "T cudasim_type_a[N][N + 1]", "b": "T cudasim_type_b"}),
        ("volatile __shared__ int v;", {"v": "volatile int cudasim_type_v"}),
        ("static __shared__ unsigned long long n;", {"n": "unsigned long long cudasim_type_n"}),
        ("__shared__ float *p, q[2];", {"p": "float *cudasim_type_p", "q": "float cudasim_type_q[2]"}),
        ("__shared__ alignas(16) char raw[64];", {"raw": "__align__(16) char cudasim_type_raw[64]"}),
        ("__shared__ Pair<int, float> pairs[8];", {"pairs": "Pair<int, float> cudasim_type_pairs[8]"}),
    ],
)
def test_static_shared_memory(declaration, types):
    text = body(f"__global__ void k() {{ {declaration} }}")
    assert {
        name: kind for kind, name in re.findall(r"typedef (.*?cudasim_type_(\w+)\S*?.*?);", text)
    } == types
    for name in types:
        assert (
            f"cudasim_type_{name} &{name} = cudasim::shared<cudasim_type_{name}>(cudasim_place_{name});"
            in text
        )


def test_dynamic_shared_memory():
    assert "auto *const s = cudasim::dynamic_shared<float4>();" in body(
        "__global__ void k() { extern __shared__ float4 s[]; }"
    )
    text = "extern __shared__ __align__(16) unsigned char raw[];\n__global__ void k() {}"
    assert body(text).startswith("static const cudasim::DynamicShared<unsigned char> raw;\n")
    inside = 'namespace n { extern "C" { extern __shared__ int raw[]; } }'
    assert "DynamicShared<int> raw" in body(inside)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "\n<<<1, 1>>>(a);",
            r"a\.cu:2: no kernel's name stands before <<<; a launch is kernel<<<grid, block>>>\(arguments\)",
        ),
        ("k<<<1, 1;", "a.cu:1: <<< without >>>"),
        ("k<<<1, 1>>>;", "a.cu:1: a launch lacks its arguments"),
        (
            "void f() {\n __shared__ int x = 0; }",
            "a.cu:2: a __shared__ variable cannot be initialised; let one thread assign to it",
        ),
        ("__shared__ int x", "a.cu:1: a __shared__ declaration does not end"),
        (
            "void f() { __shared__ 3; }",
            "a.cu:1: this __shared__ declaration was not understood: __shared__ 3",
        ),
        (
            "int a;\nnvcuda::wmma::fragment<int> f;",
            r"a\.cu:2: wmma: the simulator has no tensor cores \(wmma\)",
        ),
        ('void f() { asm("x"); }', r"a\.cu:1: asm: the simulator has no inline assembly \(PTX\)"),
        ("texture<float, 2> t;", "a.cu:1: texture: the simulator has no textures and surfaces"),
        (
            "cudaHostGetDevicePointer(&p, q, 0);",
            "a.cu:1: cudaHostGetDevicePointer: the simulator has no host memory that kernels reach",
        ),
        ("#include <thrust/fill.h>", "a.cu:1: thrust: the simulator has no Thrust"),
        ("\n#include <cuda_fp8.h>", "a.cu:2: cuda_fp8: the simulator has no numbers of 8 bits and fewer"),
        (
            "int a = __shfl_down(b, 1);",
            r"a\.cu:1: __shfl_down: .* without a mask \(call the one with _sync\)",
        ),
        ("cuInit(0);", "a.cu:1: .* no interface to the driver; use functions of the runtime"),
        (
            "cudaLaunchKernel(f, 1, 1);",
            "a.cu:1: cudaLaunchKernel: .* no launches but kernel<<<grid, block>>>",
        ),
        ("auto g = cg::binary_partition(t, 1);", "a.cu:1: .* no groups but the block, its tiles and"),
        (
            "__global__ void child() {}\n__global__ void parent() {\n  child<<<1, 1>>>();\n}",
            r"a\.cu:3: parent launches a kernel: .* launched by kernels \(dynamic parallelism\)",
        ),
        ("cublasSgemm(h);", "a.cu:1: cublasSgemm: the simulator has no cuBLAS"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(CudaSyntaxError, match=message):
        rewrite(text, "a.cu")


@pytest.mark.parametrize(
    ("define", "use", "launch"),
    [
        ("#define ON <<<g, b>>>", "k ON (a, n)", "k<<<g, b>>> (a, n)"),
        ("#define ON <<<g, b>>>(a, n)", "k ON", "k<<<g, b>>>(a, n)"),
        ("#define ON(m, t) <<<(m + t) / t, t>>>", "k ON(f(n, 1), 4)(a)", "k<<<(f(n, 1) + 4) / 4, 4>>>(a)"),
        ("#define ON <<<g, \\\n b>>>(a)", "ns::k<T> ON", "ns::k<T><<<g, b>>>(a)"),
    ],
)
def test_macros_that_end_a_launch(define, use, launch):
    plain = body(f"void f() {{ {launch}; }}").replace(" ", "")
    got = body(f"{define}\nvoid f() {{ {use}; }}")
    assert got.replace(" ", "").lstrip("\n") == plain and got.count("\n") == 1 + define.count("\n")


def test_a_macro_that_makes_kernels():
    text = body("#define OP(name) void name(float *a) { name##_kernel<<<1, 1>>>(a); }")
    assert "{ cudasim::launch({CUDASIM_NAME(name##_kernel)" in text and "{ (name##_kernel)(p_...); }" in text
    with pytest.raises(CudaSyntaxError, match=r"a\.cu:3: <<< without >>>"):
        rewrite("#define ON <<<1\n\nvoid f() { k ON; }", "a.cu")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("if (e) exit(1);", "if (e) ::cudasim::exit_of_host(1);"),
        ("return std::abort();", "return ::cudasim::abort_of_host();"),
        ("#define CHECK(e) if (e) ::exit(e)", "#define CHECK(e) if (e) ::cudasim::exit_of_host(e)"),
        ("else exit (2);", "else ::cudasim::exit_of_host (2);"),
        ("s.exit(1); p->abort(); q::exit(3);", None),
        ("void exit(int);", None),
        ("int abort = exit_code(3);", None),
        ("struct S { void abort() {} };", None),
    ],
)
def test_what_would_end_python(text, after):
    assert body(text) == (after or text)


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A file and what it includes, in a folder, and a cache of their own; the names of what is rewritten."""
    monkeypatch.setenv("NEEDLE_EDU_CACHE", str(tmp_path / "cache"))
    (tmp_path / "tile.cuh").write_text('#include "main.cu"\n__device__ void f() { __shared__ int s; }')
    (tmp_path / "main.cu").write_text('#include <cstdio>\n#include "tile.cuh"\n#include "absent.h"\n')
    done = []
    monkeypatch.setattr(
        keeping, "rewrite", lambda text, name: done.append(Path(name).name) or rewrite(text, name)
    )
    return tmp_path / "main.cu", done


def test_included_files_are_rewritten_too_and_once(tree):
    main, done = tree
    folder = keeping.rewritten([main], None, "plain")
    assert sorted(path.name for path in folder.iterdir()) == ["complete", "main.cu.cpp", "tile.cuh"]
    tile = (folder / "tile.cuh").read_text()
    assert "cudasim::shared<" in tile and f'#line 1 "{main.parent}/tile.cuh"' in tile
    assert keeping.rewritten([main], None, "plain") == folder and done == ["main.cu", "tile.cuh"]
    assert keeping.rewritten([main], None, "check") != folder


def test_what_was_kept_and_damaged_is_rewritten(tree):
    main, done = tree
    folder = keeping.rewritten([main], None, "plain")
    whole = (folder / "tile.cuh").read_text()
    for damage in (lambda: (folder / "tile.cuh").write_text(whole[:20]), (folder / "tile.cuh").unlink):
        damage()
        assert keeping.rewritten([main], None, "plain") == folder
        assert (folder / "tile.cuh").read_text() == whole
    assert len(done) == 6


def test_another_text_or_another_rule_has_files_of_its_own(tree, monkeypatch):
    main, done = tree
    folder = keeping.rewritten([main], None, "plain")
    assert keeping.rewritten([main], "int x;", "plain") != folder
    (main.parent / "tile.cuh").write_text("int y;")
    assert keeping.rewritten([main], None, "plain") != folder
    monkeypatch.setattr(keeping, "_rules", lambda: "others")
    assert keeping.rewritten([main], "int x;", "plain").is_dir() and done.count("main.cu") == 4


def test_what_is_refused_is_refused_again(tree):
    main, done = tree
    for _ in range(2):
        with pytest.raises(CudaSyntaxError):
            keeping.rewritten([main], "k<<<1, 1>>>", "plain")
    assert len(done) == 2


def test_every_module_that_rewrites_is_a_rule():
    """Else a new version would compile what the old one has written."""
    room = Path(keeping.__file__).parent
    seen, to_see = set(), ["rewriter.py"]
    while to_see:
        name = to_see.pop()
        seen.add(name)
        imported = re.findall(r"^from \.(\w+) import", (room / name).read_text(), re.MULTILINE)
        to_see += [f"{one}.py" for one in imported if f"{one}.py" not in seen]
    assert seen == set(keeping.RULES)


def test_masks_and_commas():
    text = "x'b' \"c\\\"d\" 1'000 // e\n/* f\n*/ g"
    assert mask(text) == "x           1'000     \n    \n   g" and len(mask(text)) == len(text)
    assert split_commas("a < b, c > d", "a < b, c > d") == ["a < b", " c > d"]


def test_functions_that_python_can_call():
    text = """
    extern "C" void one(float *__restrict__ a, int n = 3) { if (n) {} }
    extern "C" { int two(void) { return 1; }  __global__ void k(int *a) {}  const float *three(double x) { return 0; } }
    extern "C" int declared(int);
    // extern "C" int not_this(int a) {}
    """
    assert host_functions(text) == {
        "one": "void one(float *a, int n);",
        "two": "int two(void);",
        "three": "const float *three(double x);",
    }


@pytest.mark.parametrize(
    ("pragma", "becomes"),
    [
        ("#pragma unroll", "CUDASIM_UNROLL(64)"),
        ("  #  pragma  unroll 4", "CUDASIM_UNROLL(4)"),
        ("#pragma unroll(8)", "CUDASIM_UNROLL(8)"),
        ("#pragma unroll N", "#pragma unroll N"),
        ("#pragma unroll 0", "#pragma unroll 0"),
    ],
)
def test_loops_that_are_to_be_unrolled(pragma, becomes):
    assert body(f"{pragma}\nfor (;;) f();") == f"{becomes}\nfor (;;) f();"
    assert body(f"{pragma}\nint x;") == f"{pragma}\nint x;", "no loop follows"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("void f() { dim3 gridDim(2), blockDim{3}; g(gridDim, blockDim); }", "dim3 @(2), #{3}; g(@, #); }"),
        ("void f(dim3 gridDim, dim3 blockDim) { g(gridDim.x); }", "(dim3 @, dim3 #) { g(@.x); }"),
        ("struct S { dim3 gridDim; int f() { return gridDim.x; } };", "dim3 @; int f() { return @.x; } };"),
        ("int n = s.gridDim.x + p->blockDim.x + blockDim.x;", "s.@.x + p->#.x + blockDim.x;"),
        ("{ { dim3 gridDim; } f(gridDim.x); }", "{ { dim3 @; } f(gridDim.x); }"),
        ("void f(dim3 gridDim); int n = gridDim.x;", "(dim3 @); int n = gridDim.x;"),
        ("int i = blockIdx.x * blockDim.x, n = gridDim.x;", "blockIdx.x * blockDim.x, n = gridDim.x;"),
    ],
)
def test_names_of_cuda_that_a_program_has_for_itself(text, wanted):
    assert body(text).endswith(wanted.replace("@", "own_gridDim").replace("#", "own_blockDim"))


def test_shared_memory_outside_of_functions_is_named_in_those_of_the_device():
    text = body(
        "__shared__ int x[3];\n__device__ void f() { x[0] = 1; }\nvoid host() { x(); }\n"
        "__global__ void k(int *x) { x[0] = 2; }\n__global__ void m() { y.x = 3; }"
    )
    assert text.count("cudasim::shared<") == 1
    assert (
        "void f() { cudasim_type_x &x = cudasim::shared<cudasim_type_x>(cudasim_place_x); { x[0] = 1; }}"
        in text
    )
    assert text.count("\n") == 4


def test_functions_of_the_host_take_pointers_to_what_C_has_not():
    text = (
        'extern "C" void run(const float4 *__restrict__ a, real *b, unsigned long n, int **c) { }\n'
        'extern "C" int with(dim3 grid) { return 0; }\nextern "C" float4 *of() { return 0; }'
    )
    assert host_functions(text) == {
        "run": "void run(void *a, void *b, unsigned long n, int **c);",
        "of": "void *of(void);",
    }
