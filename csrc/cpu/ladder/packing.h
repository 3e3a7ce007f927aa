/* packing.h - copying blocks of a and b into the order in which a register tile reads them.
 *
 * A tile reads a few rows of a and a few columns of b, one step of the depth p after the other. Packed, both lie in a
 * straight line: every cache line is used whole, and rows that are a power of two apart do not fight for one cache set.
 */
#ifndef PACKING_H
#define PACKING_H
#include <stdint.h>
#include <string.h>

static inline int64_t smaller(int64_t x, int64_t y) { return x < y ? x : y; }

/* to[group][p][i] = a[group*tile_rows + i][p]; rows that the last group lacks are zeros. */
static inline void pack_a(int64_t rows, int64_t depth, const float *a, int64_t k, int64_t tile_rows, float *to) {
  for (int64_t i0 = 0; i0 < rows; i0 += tile_rows)
    for (int64_t p = 0; p < depth; p++)
      for (int64_t i = i0; i < i0 + tile_rows; i++) *to++ = i < rows ? a[i * k + p] : 0;
}

/* to[p][j] = b[p][j]; columns that the panel lacks are zeros. */
static inline void pack_b(int64_t depth, int64_t columns, const float *b, int64_t n, int64_t tile_columns, float *to) {
  for (int64_t p = 0; p < depth; p++, to += tile_columns) {
    memcpy(to, b + p * n, columns * sizeof(float));
    for (int64_t j = columns; j < tile_columns; j++) to[j] = 0;
  }
}
#endif
