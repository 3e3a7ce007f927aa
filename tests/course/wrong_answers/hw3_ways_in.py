"""Homework 3: ways out of a kernel and into what judges it. Each is an answer that has no points, whatever it computes.

What is in `REFUSED` never reaches a compiler. What is in `CAUGHT` may stand in an answer, and shows when it runs.
"""

from . import changed, solutions

REDUCE, SUMS = solutions("hw3")["q6"], solutions("hw3")["q9"]
IN_C, IN_CUDA = "out[r] = found;", "if (t == 0) out[blockIdx.x] = part[0];"
C_HEAD, CUDA_HEAD = "void reduce_rows(", "const int THREADS = 128;"


def c(line: str) -> str:
    """A line at the end of a row, in C."""
    return changed(REDUCE, IN_C, f"{IN_C} {line}")


def above_c(text: str) -> str:
    """Something above the function in C."""
    return changed(REDUCE, C_HEAD, f"{text}\n{C_HEAD}")


def cuda(line: str) -> str:
    """A line at the end of the kernel."""
    return changed(SUMS, IN_CUDA, f"{IN_CUDA} {line}")


def above(text: str) -> str:
    """Something above the kernel."""
    return changed(SUMS, CUDA_HEAD, f"{CUDA_HEAD}\n{text}")


REFUSED = {
    # the preprocessor, and how to hide it
    "q6: include": above_c("#include <stdlib.h>"),
    "q6: include of a file": above_c('#include "/etc/passwd"'),
    "q6: include without end": above_c('#include "/dev/zero"'),
    "q6: digraph": above_c("%:include <stdlib.h>"),
    "q6: brackets by another name": c("float x<:2:>; float *p = x + 0; p<:9:> = 0;"),
    "q6: a character": c("out[r] += 0 * 'r';"),
    "q6: a reserved name of one's own": c("int __x = 0; out[r] += __x;"),
    "q6: trigraph": above_c("??=include <stdlib.h>"),
    "q6: continued comment": above_c("// \\\n#include <stdlib.h>"),
    "q6: comment that only looks like one": c("/* */ # /* */ if 1"),
    "q9: define": above("#define THREADS 1"),
    "q9: condition": above("#ifdef __SANITIZE_THREAD__\n#endif"),
    "q9: pragma": above("#pragma GCC optimize 3"),
    "q9: pragma as an operator": above('_Pragma("GCC poison t")'),
    "q9: line": above('#line 1 "launchers"'),
    # the compiler's own
    "q6: assembly": c('asm("nop");'),
    "q6: assembly by another name": c('__asm__("nop");'),
    "q6: builtin": c("__builtin_trap();"),
    "q6: attribute": above_c("__attribute__((constructor))"),
    "q6: attribute in brackets": above_c("[[gnu::constructor]]"),
    "q6: alignas": c("alignas(64) int x; x = 0;"),
    "q9: launch bounds": changed(SUMS, "__global__ void", "__global__ __launch_bounds__(128) void"),
    "q9: which flavour is this": cuda("if (CUDASIM_FLAVOUR) out[0] = 1;"),
    "q9: the sanitizer's macro": cuda("if (__SANITIZE_THREAD__) out[0] = 1;"),
    "q9: file name": cuda("const auto f = __FILE__;"),
    "q9: a name beyond ASCII": cuda("int é = 1;"),
    "q9: an escaped name": cuda("int \\u0065 = 1;"),
    # functions of the host
    "q6: exit": c("exit(0);"),
    "q6: an address taken": c("const auto f = exit; f(0);"),
    "q6: declared by hand": above_c("int system(const char *);"),
    "q6: declared inside": c("int system(const char *); system(0);"),
    "q6: extern": above_c('extern "C" int system(const char *);'),
    "q6: extern variable": c("extern int environ; environ = 0;"),
    "q6: in parentheses": c("(exit)(0);"),
    "q6: out of scope": c("{ int exit = 0; out[r] += exit; } exit(0);"),
    "q6: out of scope, as a value": c("{ int exit = 0; out[r] += exit; } (*(void (*)(int))exit)(0);"),
    "q6: a number as a function": c("((void (*)(void))4096)();"),
    "q6: out of an array": c("long f[1] = {4096}; f[0](0);"),
    "q6: printf": c('printf("%n", (int *)out);'),
    "q6: malloc": c("float *x = (float *)malloc(4); x[0] = 1;"),
    "q6: the global namespace": c("::exit(0);"),
    "q6: the standard library": c("std::abort();"),
    "q6: setjmp": c("longjmp(0, 1);"),
    "q9: a function of the host": above("void host() {}"),
    "q9: a kernel started": cuda("reduce_kernel<<<1, 1>>>(out, a, n, largest);"),
    "q9: a kernel called": cuda("if (n < 0) reduce_kernel(out, a, n, largest);"),
    "q9: the runtime": cuda("cudaDeviceReset();"),
    "q9: findings cleared": cuda("cudasim_clear_findings();"),
    "q9: counters cleared": cuda("cudasim_clear_counters();"),
    "q9: the simulator's namespace": cuda("cudasim::fail(1);"),
    "q9: the clock": cuda("if (clock64() & 1) out[0] = 0;"),
    "q9: a text": cuda('const char *s = "x";'),
    "q9: printf": cuda('printf("%d", n);'),
    "q9: assert": cuda("assert(n);"),
    # code that runs before any test, or keeps something between runs
    "q6: static": c("static int calls; calls++;"),
    "q9: a global variable": above("__device__ int calls;"),
    "q9: a global variable of the host": above("int calls = 0;"),
    "q9: computed when it is loaded": above("__device__ int f() { return 1; }\nconst int calls = f();"),
    "q9: constant memory": above("__constant__ float table[4];"),
    "q9: managed memory": above("__managed__ int x;"),
    "q9: thread-local": cuda("thread_local int x;"),
    # out of the namespace, and C++ beyond functions
    "q6: two functions": above_c("void helper() {}"),
    "q6: a brace too many": c("}}"),
    "q6: out of the namespace": above_c("} namespace evil {"),
    "q6: never closed": above_c("namespace evil {"),
    "q6: a bracket crossed": c("( } )"),
    "q9: a class": above("struct S { S() {} };"),
    "q9: a template": above("template <int N> __device__ int f() { return N; }"),
    "q9: a lambda": cuda("auto f = [&] { out[0] = 1; }; f();"),
    "q9: an operator": above("__device__ int operator+(float2 a, int b) { return b; }"),
    "q9: using": above("using namespace std;"),
    "q9: typedef": above("typedef void (*F)(int);"),
    "q9: an exception": cuda("if (n < 0) throw 1;"),
    "q9: new": cuda("int *x = new int; *x = 1;"),
    "q9: a member": cuda("const int x = threadIdx.operator_x;"),
    "q9: goto": cuda("goto end; end:;"),
    "q6: the stack": c("int x = 0; long *p = (long *)&x; p[9] = 0;"),
    "q6: the stack, by an array": c("float x[2]; x[0] = 0; float *p = x; p[9] = 0;"),
    "q6: the stack, by a row": c("float x[2][2]; x[0][0] = 0; float *p = x[1]; p[9] = 0;"),
    "q6: the stack, by an element": c("float x[2]; x[0] = 0; float *p = &x[1]; p[9] = 0;"),
    "q6: the stack, in parentheses": c("int x = 0; int *p = &(x); p[9] = 0;"),
    "q9: the stack": cuda("float &x = found; float *p = &x; p[9] = 0;"),
    "q9: where threads read their numbers": cuda("const uint3 *p = &threadIdx; out[0] += 0 * p->x;"),
    "q9: the kernel's address": cuda("const long x = (long)&reduce_kernel; out[0] += x * 0;"),
    "q9: very long": above("// " + "x" * 30_000),
    # not the function that is asked for
    "q6: another name": changed(REDUCE, "void reduce_rows(", "void reduce_row("),
    "q6: other parameters": changed(REDUCE, "int largest)", "float largest)"),
    "q6: one parameter fewer": changed(REDUCE, ", int largest)", ")"),
    "q9: no kernel": changed(SUMS, "__global__", "__device__"),
}
CAUGHT = {
    "q6: a write to the host": c("*(volatile int *)0x7fff00000000 = 1;"),
    "q6: a write through null": c("*(volatile int *)4 = 1;"),
    "q6: far beyond": c("out[r + (1 << 28)] = 1;"),
    "q6: just beyond, put back": c("out[rows] = 0;"),
    "q6: an input used up": c("((float *)a)[r * n] = 0;"),
    "q6: shared between calls, through memory": c("if (out[r] == 1e9f) out[r] = 0; ((int *)a)[0]++;"),
    "q6: endless": c("for (volatile int go = 1; go;) {}"),
    "q6: endless for many rows": c("for (volatile int go = rows > 6; go;) {}"),
    "q6: recursion": c("reduce_rows(out, a, rows, n, largest);"),
    "q6: division by zero": c("volatile int zero = 0; out[r] += (rows + 9) / zero;"),
    "q9: a write to the host": cuda("*(volatile int *)0x7fff00000000 = 1;"),
    "q9: behind shared memory": cuda("((volatile float *)part)[THREADS + t] = 1;"),
    "q9: endless": cuda("for (volatile int go = 1; go;) {}"),
    "q9: endless without a barrier": cuda("if (t == 0) __syncthreads();"),
    "q9: what nobody wrote": cuda("__shared__ float x[1]; out[blockIdx.x] += 0 * x[0];"),
    "q9: the block before": cuda("if (t == 0 && blockIdx.x) out[blockIdx.x - 1] = out[blockIdx.x - 1];"),
}
WRONG = REFUSED | CAUGHT
WRONG = {f"{label[:2]}: way in:{label[3:]}": text for label, text in WRONG.items()}
BARRIER = "Between a write and another thread's read there must be a barrier."
HINTS = {
    "q9: way in: endless without a barrier": [
        "All threads must come to each barrier: put it behind the if, not inside."
    ],
    "q9: way in: what nobody wrote": [BARRIER],
    "q9: way in: the block before": [BARRIER],
}
NEUTRAL: set[str] = set()
EQUIVALENT: dict[str, str] = {}
