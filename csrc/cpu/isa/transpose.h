/* transpose.h - small squares of elements transposed in SIMD registers; everything larger is made of them.
 *
 * A square has as many rows as a register has lanes. What the elements mean does not matter, only their size; so
 * there are squares of 4-byte and of 8-byte elements, in registers of 16 bytes (every processor has these) and of 32
 * (AVX):
 *
 *     vec_32x8 v[8]                                            8 registers of 8 elements of 32 bits
 *     transpose_32x8(v)                                        v[i][j] becomes v[j][i]
 *     transpose_square_32x8(dst, dst_row, src, src_row)        dst[i*dst_row + j] = src[j*src_row + i], through registers
 *
 * WIDE_32 and WIDE_64 are the lanes of the widest of these registers; transpose_wide_32 and so on take that many.
 */
#ifndef ND_TRANSPOSE_H
#define ND_TRANSPOSE_H
#include <stdint.h>
#include <string.h>
#include "shuffle.h"
#include "unroll.h"

/* Vectors i and i + n/2 are riffled like the two halves of a pack of cards: lane by lane, one of each. After log2(n)
 * such rounds element c of vector r has become element r of vector c. LOW and HIGH, the lower and the upper half of two
 * riffled vectors, are the numbers of their lanes as shuffle.h counts them. */
#define TRANSPOSE_ROUNDS(name, V, n, LOW, HIGH)                                                             \
  static inline __attribute__((always_inline)) void transpose_##name(V v[n]) {                              \
    ND_UNROLL_WHOLE(8) for (int round = n; round > 1; round /= 2) {                                         \
      V riffled[n];                                                                                         \
      ND_UNROLL_WHOLE(8) for (int i = 0; i < n / 2; i++) {                                                  \
        riffled[2 * i] = LOW(V, v[i], v[i + n / 2]);                                                        \
        riffled[2 * i + 1] = HIGH(V, v[i], v[i + n / 2]);                                                   \
      }                                                                                                     \
      ND_UNROLL_WHOLE(8) for (int i = 0; i < n; i++) v[i] = riffled[i];                                     \
    }                                                                                                       \
  }
#define TRANSPOSE(bits, n, LOW, HIGH) TRANSPOSE_ROUNDS(bits##x##n, vec_##bits##x##n, n, LOW, HIGH)

/* In memory, through n registers. */
#define SQUARE_IN_MEMORY(bits, n)                                                                           \
  static inline __attribute__((always_inline)) void transpose_square_##bits##x##n(                          \
      void *dst, int64_t dst_row, const void *src, int64_t src_row) {                                       \
    vec_##bits##x##n v[n];                                                                                  \
    ND_UNROLL_WHOLE(8) for (int i = 0; i < n; i++)                                                          \
      memcpy(&v[i], (const char *)src + i * src_row * (bits / 8), sizeof v[i]);                             \
    transpose_##bits##x##n(v);                                                                              \
    ND_UNROLL_WHOLE(8) for (int i = 0; i < n; i++)                                                          \
      memcpy((char *)dst + i * dst_row * (bits / 8), &v[i], sizeof v[i]);                                   \
  }

#define LOW_2(V, x, y) ND_SHUFFLE(V, x, y, 0, 2)
#define HIGH_2(V, x, y) ND_SHUFFLE(V, x, y, 1, 3)
#define LOW_4(V, x, y) ND_SHUFFLE(V, x, y, 0, 4, 1, 5)
#define HIGH_4(V, x, y) ND_SHUFFLE(V, x, y, 2, 6, 3, 7)

typedef uint32_t vec_32x4 __attribute__((vector_size(16)));
typedef uint64_t vec_64x2 __attribute__((vector_size(16)));
TRANSPOSE(32, 4, LOW_4, HIGH_4)
TRANSPOSE(64, 2, LOW_2, HIGH_2)
SQUARE_IN_MEMORY(32, 4)
SQUARE_IN_MEMORY(64, 2)
#if defined(__AVX__)
typedef uint32_t vec_32x8 __attribute__((vector_size(32)));
typedef uint64_t vec_64x4 __attribute__((vector_size(32)));

/* A register of 32 bytes is two of 16 side by side. What stays in its half can be moved by either of two units, what
 * crosses over only by one. So the halves change places once, which makes four squares of 4 x 4, each in its place; and
 * two of them at a time are transposed side by side. Riffled in whole, all 24 shuffles would cross. */
#define UPPER_SQUARES(x, y) ND_SHUFFLE(vec_32x8, x, y, 0, 1, 2, 3, 8, 9, 10, 11)
#define LOWER_SQUARES(x, y) ND_SHUFFLE(vec_32x8, x, y, 4, 5, 6, 7, 12, 13, 14, 15)
#define LOW_4_TWICE(V, x, y) ND_SHUFFLE(V, x, y, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_4_TWICE(V, x, y) ND_SHUFFLE(V, x, y, 2, 10, 3, 11, 6, 14, 7, 15)
TRANSPOSE_ROUNDS(twice_32x4, vec_32x8, 4, LOW_4_TWICE, HIGH_4_TWICE)
static inline __attribute__((always_inline)) void transpose_32x8(vec_32x8 v[8]) {
  ND_UNROLL_WHOLE(4) for (int i = 0; i < 4; i++) {
    const vec_32x8 upper = UPPER_SQUARES(v[i], v[i + 4]);
    v[i + 4] = LOWER_SQUARES(v[i], v[i + 4]);
    v[i] = upper;
  }
  transpose_twice_32x4(v);
  transpose_twice_32x4(v + 4);
}
TRANSPOSE(64, 4, LOW_4, HIGH_4)
SQUARE_IN_MEMORY(32, 8)
SQUARE_IN_MEMORY(64, 4)
enum { WIDE_32 = 8, WIDE_64 = 4 };
typedef vec_32x8 vec_wide_32;
typedef vec_64x4 vec_wide_64;
#define transpose_wide_32 transpose_32x8
#define transpose_wide_64 transpose_64x4
#define transpose_wide_square_32 transpose_square_32x8
#define transpose_wide_square_64 transpose_square_64x4
#else
enum { WIDE_32 = 4, WIDE_64 = 2 };
typedef vec_32x4 vec_wide_32;
typedef vec_64x2 vec_wide_64;
#define transpose_wide_32 transpose_32x4
#define transpose_wide_64 transpose_64x2
#define transpose_wide_square_32 transpose_square_32x4
#define transpose_wide_square_64 transpose_square_64x2
#endif

/* Half a square: 2 rows of 4 elements become 4 rows of 2, each of which is moved as one word of 8 bytes. */
static inline __attribute__((always_inline)) void transpose_half_32x4(void *dst, int64_t dst_row, const void *src,
                                                                      int64_t src_row) {
  vec_32x4 v[2];
  for (int i = 0; i < 2; i++) memcpy(&v[i], (const char *)src + i * src_row * 4, sizeof v[i]);
  const vec_64x2 low = (vec_64x2)LOW_4(vec_32x4, v[0], v[1]), high = (vec_64x2)HIGH_4(vec_32x4, v[0], v[1]);
  const uint64_t words[4] = {low[0], low[1], high[0], high[1]};
  ND_UNROLL_WHOLE(4) for (int i = 0; i < 4; i++) memcpy((char *)dst + i * dst_row * 4, &words[i], 8);
}
#endif
