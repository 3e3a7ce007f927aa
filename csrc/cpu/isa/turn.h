/* turn.h - a square of W x W elements turned over (transposed) in SIMD registers. */
#ifndef ND_TURN_H
#define ND_TURN_H
#include <stdint.h>
#include <string.h>
#include "shuffle.h"
#include "unroll.h"

/* W vectors of W elements each: 4-byte and 8-byte elements, by the width of the registers. */
#if defined(__AVX__)
enum { WIDTH_4 = 8, WIDTH_8 = 4 };
#define RIFFLE_LOW_4 0, 8, 1, 9, 2, 10, 3, 11
#define RIFFLE_HIGH_4 4, 12, 5, 13, 6, 14, 7, 15
#define RIFFLE_LOW_8 0, 4, 1, 5
#define RIFFLE_HIGH_8 2, 6, 3, 7
#else
enum { WIDTH_4 = 4, WIDTH_8 = 2 };
#define RIFFLE_LOW_4 0, 4, 1, 5
#define RIFFLE_HIGH_4 2, 6, 3, 7
#define RIFFLE_LOW_8 0, 2
#define RIFFLE_HIGH_8 1, 3
#endif
typedef uint32_t vec_4 __attribute__((vector_size(WIDTH_4 * 4)));
typedef uint64_t vec_8 __attribute__((vector_size(WIDTH_8 * 8)));

/* Vectors i and i + W/2 are riffled like the two halves of a pack of cards. After log2(W) such rounds element c of
 * vector r has become element r of vector c. */
#define TURN(size)                                                                                          \
  static inline __attribute__((always_inline)) void turn_##size(vec_##size v[WIDTH_##size]) {               \
    enum { W = WIDTH_##size };                                                                              \
    ND_UNROLL_WHOLE(8) for (int round = W; round > 1; round /= 2) {                                         \
      vec_##size riffled[W];                                                                                \
      ND_UNROLL_WHOLE(8) for (int i = 0; i < W / 2; i++) {                                                  \
        riffled[2 * i] = ND_SHUFFLE(vec_##size, v[i], v[i + W / 2], RIFFLE_LOW_##size);                     \
        riffled[2 * i + 1] = ND_SHUFFLE(vec_##size, v[i], v[i + W / 2], RIFFLE_HIGH_##size);                \
      }                                                                                                     \
      ND_UNROLL_WHOLE(8) for (int i = 0; i < W; i++) v[i] = riffled[i];                                     \
    }                                                                                                       \
  }
TURN(4)
TURN(8)
#endif
