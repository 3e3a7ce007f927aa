/* normalise_lanes.h - the widest SIMD vectors of the instruction set, and the total of one.
 *
 * A row whose length is no multiple of W ends with a vector that reaches back into elements that were seen already:
 * `fresh` masks the lanes that were not. Nothing is read or written beside the row.
 */
#ifndef ND_NORMALISE_LANES_H
#define ND_NORMALISE_LANES_H
#include <math.h>
#include <string.h>
#include "shuffle.h"
#include "unroll.h"

#if defined(__AVX512F__)
#define ND_WIDE 64
#elif defined(__AVX__)
#define ND_WIDE 32
#else
#define ND_WIDE 16
#endif
#define INLINE static inline __attribute__((always_inline))

typedef f32 V_f32 __attribute__((vector_size(ND_WIDE)));
typedef f64 V_f64 __attribute__((vector_size(ND_WIDE)));
typedef i32 M_f32 __attribute__((vector_size(ND_WIDE)));
typedef i64 M_f64 __attribute__((vector_size(ND_WIDE)));

/* Every lane plus the one half a block away from it, for blocks of 16, 8, 4 and 2 lanes: afterwards each has the total. */
#define FOLD_16(M, x) x += ND_SHUFFLE(M, x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
#define FOLD_8_OF_16(M, x) x += ND_SHUFFLE(M, x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
#define FOLD_4_OF_16(M, x) x += ND_SHUFFLE(M, x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
#define FOLD_2_OF_16(M, x) x += ND_SHUFFLE(M, x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#define FOLD_8(M, x) x += ND_SHUFFLE(M, x, x, 4, 5, 6, 7, 0, 1, 2, 3)
#define FOLD_4_OF_8(M, x) x += ND_SHUFFLE(M, x, x, 2, 3, 0, 1, 6, 7, 4, 5)
#define FOLD_2_OF_8(M, x) x += ND_SHUFFLE(M, x, x, 1, 0, 3, 2, 5, 4, 7, 6)
#define FOLD_4(M, x) x += ND_SHUFFLE(M, x, x, 2, 3, 0, 1)
#define FOLD_2_OF_4(M, x) x += ND_SHUFFLE(M, x, x, 1, 0, 3, 2)
#define FOLD_2(M, x) x += ND_SHUFFLE(M, x, x, 1, 0)

INLINE f32 total_f32(V_f32 x) {
#if ND_WIDE == 64
  FOLD_16(M_f32, x), FOLD_8_OF_16(M_f32, x), FOLD_4_OF_16(M_f32, x), FOLD_2_OF_16(M_f32, x);
#elif ND_WIDE == 32
  FOLD_8(M_f32, x), FOLD_4_OF_8(M_f32, x), FOLD_2_OF_8(M_f32, x);
#else
  FOLD_4(M_f32, x), FOLD_2_OF_4(M_f32, x);
#endif
  return x[0];
}

INLINE f64 total_f64(V_f64 x) {
#if ND_WIDE == 64
  FOLD_8(M_f64, x), FOLD_4_OF_8(M_f64, x), FOLD_2_OF_8(M_f64, x);
#elif ND_WIDE == 32
  FOLD_4(M_f64, x), FOLD_2_OF_4(M_f64, x);
#else
  FOLD_2(M_f64, x);
#endif
  return x[0];
}

INLINE f32 root_f32(f32 x) { return sqrtf(x); }
INLINE f64 root_f64(f64 x) { return sqrt(x); }

enum { EXACT = 4096 }; /* elements that are summed up in the element type before doubles take over */
#endif
