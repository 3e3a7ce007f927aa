/* needle_ladder.h - one matrix product, eleven times, each time faster by one idea.
 *
 *     out[i][j] = sum over p of a[i][p] * b[p][j]          a: m x k, b: k x n, out: m x n
 *
 * All matrices are float32, compact and row-major; they do not overlap. Read csrc/cpu/ladder/matmul_01_naive.c
 * first, then up to 11; nd_matmul (csrc/cpu/isa/gemm.c) is the top. docs/kernels.md has the measurements,
 * `python -m needle_edu.ladder` makes them again. Return value as in needle_kernels.h: 0, or ND_ENOMEM.
 */
#ifndef NEEDLE_LADDER_H
#define NEEDLE_LADDER_H
#include <stdint.h>

#ifndef ND_API
#define ND_API
#endif

ND_API int nl_matmul_naive(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_loop_order(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_tiled(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_registers(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_packed(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_simd(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_wide(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_blocked(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_edges(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_direct(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
ND_API int nl_matmul_threads(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out);
#endif
