/* pack.h - a strided block of an operand becomes a compact one: dst[r][c] = src[r*rs + c*cs].
 *
 * What the data mean does not matter, only their size, so there are three versions: 1, 4 and 8 bytes. The plain
 * loop is pack_plain; above it stand the cases worth more: a transposed block (rs == 1), a row that repeats
 * (rs == 0), and numbers that repeat along the row (cs == 0). Writing up to 64 elements beyond the block is allowed.
 */
#ifndef ND_PACK_H
#define ND_PACK_H
#include <stdint.h>
#include <string.h>
#include "transpose.h"

#define PACK_PLAIN(size, type)                                                                              \
  static void pack_plain_##size(int64_t rows, int64_t cols, type *dst, int64_t down, const type *src, int64_t rs, \
                                int64_t cs) {                                                               \
    for (int64_t r = 0; r < rows; r++)                                                                      \
      for (int64_t c = 0; c < cols; c++) dst[r * down + c] = src[r * rs + c * cs];                          \
  }
PACK_PLAIN(1, uint8_t)
PACK_PLAIN(4, uint32_t)
PACK_PLAIN(8, uint64_t)

/* One square. A function of its own: in the loops below it would lack registers and read everything twice. */
#define PACK_SQUARE(size, bits, type)                                                                       \
  static __attribute__((noinline)) void pack_square_##size(type *dst, int64_t down, const type *src, int64_t across) { \
    transpose_wide_square_##bits(dst, down, src, across);                                                   \
  }
PACK_SQUARE(4, 32, uint32_t)
PACK_SQUARE(8, 64, uint64_t)

/* Squares first, then the plain loop for the edges. */
#define PACK_TRANSPOSED(size, bits, type)                                                                   \
  static void pack_transposed_##size(int64_t rows, int64_t cols, type *dst, const type *src, int64_t cs) {  \
    enum { W = WIDE_##bits };                                                                               \
    const int64_t r_end = rows / W * W, c_end = cols / W * W;                                               \
    for (int64_t c = 0; c < c_end; c += W)                                                                  \
      for (int64_t r = 0; r < r_end; r += W) pack_square_##size(dst + r * cols + c, cols, src + r + c * cs, cs); \
    pack_plain_##size(rows, cols - c_end, dst + c_end, cols, src + c_end * cs, 1, cs);                      \
    pack_plain_##size(rows - r_end, c_end, dst + r_end * cols, cols, src + r_end, 1, cs);                   \
  }
PACK_TRANSPOSED(4, 32, uint32_t)
PACK_TRANSPOSED(8, 64, uint64_t)
static void pack_transposed_1(int64_t rows, int64_t cols, uint8_t *dst, const uint8_t *src, int64_t cs) {
  for (int64_t c = 0; c < cols; c++)
    for (int64_t r = 0; r < rows; r++) dst[r * cols + c] = src[r + c * cs];
}

#define PACK(size, type)                                                                                    \
  static void pack_##size(int64_t rows, int64_t cols, void *dst_, const void *src_, int64_t rs, int64_t cs) { \
    type *dst = dst_;                                                                                       \
    const type *src = src_;                                                                                 \
    if (rs == 1 && cs != 0) { /* transposed */                                                              \
      pack_transposed_##size(rows, cols, dst, src, cs);                                                     \
    } else if (rs == 0) { /* one row, then copies of copies */                                              \
      pack_plain_##size(1, cols, dst, cols, src, rs, cs);                                                   \
      for (int64_t done = 1; done < rows; done *= 2)                                                        \
        memcpy(dst + done * cols, dst, (size_t)((done < rows - done ? done : rows - done) * cols) * size);  \
    } else if (cs == 0) { /* whole vectors; what is too much, the next row overwrites */                    \
      for (int64_t r = 0; r < rows; r++)                                                                    \
        for (int64_t c = 0; c < cols; c += 8)                                                               \
          for (int i = 0; i < 8; i++) dst[r * cols + c + i] = src[r * rs];                                  \
    } else {                                                                                                \
      pack_plain_##size(rows, cols, dst, cols, src, rs, cs);                                                \
    }                                                                                                       \
  }
PACK(1, uint8_t)
PACK(4, uint32_t)
PACK(8, uint64_t)
#endif
