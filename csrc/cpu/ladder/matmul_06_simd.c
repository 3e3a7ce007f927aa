/* build: -O2 -fno-schedule-insns */
/* matmul_06_simd.c - the tile in vector registers, with fused multiply-add.
 *
 * One idea: say which numbers share a register, instead of hoping that the compiler sees it. GCC's and Clang's
 * vector extension makes a type of 8 floats on which + and * work element by element; `x * row` with a single
 * number x copies it into all 8. A tile of 6 x 16 is 12 such accumulators, one row of b is 2, and 16 registers
 * are just enough. With AVX2 + FMA one instruction does 8 multiplications and 8 additions, two of them per cycle.
 * Expect: about twice rung 5 where AVX2 exists; elsewhere the same source runs on registers of 4 floats.
 */
#define ROWS 6
#define COLUMNS 16
#include "panels.h"
#include "unroll.h"

typedef float vector __attribute__((vector_size(32)));                            /* 8 floats */
typedef float unaligned __attribute__((vector_size(32), aligned(4), may_alias));  /* the same, at any address */
enum { LANES = 8, VECTORS = COLUMNS / LANES };

static inline __attribute__((always_inline)) void tile_body(int64_t depth, const float *a, const float *b,
                                                            float acc[ROWS][COLUMNS]) {
  vector sum[ROWS][VECTORS] = {{{0}}};
  for (int64_t p = 0; p < depth; p++) {
    const vector left = *(const unaligned *)(b + p * COLUMNS), right = *(const unaligned *)(b + p * COLUMNS + LANES);
ND_UNROLL_WHOLE(6)
    for (int i = 0; i < ROWS; i++) {
      const float x = a[p * ROWS + i];
      sum[i][0] += x * left;
      sum[i][1] += x * right;
    }
  }
ND_UNROLL_WHOLE(6)
  for (int i = 0; i < ROWS; i++) {
    *(unaligned *)acc[i] = sum[i][0];
    *(unaligned *)(acc[i] + LANES) = sum[i][1];
  }
}

#if defined(__x86_64__)
/* The same body twice: for processors with AVX2, and for all others. Which one this is, the processor says. */
__attribute__((target("avx2,fma"))) static void tile_avx2(int64_t depth, const float *a, const float *b,
                                                          float acc[ROWS][COLUMNS]) {
  tile_body(depth, a, b, acc);
}

static void tile(int64_t depth, const float *a, const float *b, float acc[ROWS][COLUMNS]) {
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    tile_avx2(depth, a, b, acc);
  else
    tile_body(depth, a, b, acc);
}
#else
static void tile(int64_t depth, const float *a, const float *b, float acc[ROWS][COLUMNS]) {
  tile_body(depth, a, b, acc);
}
#endif

int nl_matmul_simd(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  return multiply_panels(m, n, k, a, b, out);
}
