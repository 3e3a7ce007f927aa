/* panels.h - what rungs 5 and 6 share: the loops around the register tile.
 *
 * The including file defines ROWS and COLUMNS, the size of its tile, and afterwards
 *     static void tile(int64_t depth, const float *a, const float *b, float acc[ROWS][COLUMNS])
 * which computes acc[i][j] = sum over p of a[p*ROWS + i] * b[p*COLUMNS + j]: both operands in a straight line.
 *
 *   for each block of BLOCK_M rows and BLOCK_K of the depth:   pack that block of a      (second-level cache)
 *     for each panel of COLUMNS columns:                       pack that panel of b      (first-level cache)
 *       for each group of ROWS rows:                           one tile                  (registers)
 *
 * At the edges the packed copies are filled up with zeros, so that every tile is whole.
 */
#include "needle_kernels.h"
#include "needle_ladder.h"
#include "packing.h"

enum { BLOCK_M = 120, BLOCK_K = 256 };

static void tile(int64_t depth, const float *a, const float *b, float acc[ROWS][COLUMNS]);

static int multiply_panels(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  float *packed_a = nd_alloc((BLOCK_M + ROWS) * BLOCK_K * sizeof(float));
  float *packed_b = nd_alloc(COLUMNS * BLOCK_K * sizeof(float));
  if (!packed_a || !packed_b) {
    nd_free(packed_a);
    nd_free(packed_b);
    return ND_ENOMEM;
  }
  for (int64_t i = 0; i < m * n; i++) out[i] = 0;
  for (int64_t i0 = 0; i0 < m; i0 += BLOCK_M)
    for (int64_t p0 = 0; p0 < k; p0 += BLOCK_K) {
      const int64_t rows = smaller(BLOCK_M, m - i0), depth = smaller(BLOCK_K, k - p0);
      pack_a(rows, depth, a + i0 * k + p0, k, ROWS, packed_a);
      for (int64_t j0 = 0; j0 < n; j0 += COLUMNS) {
        const int64_t columns = smaller(COLUMNS, n - j0);
        pack_b(depth, columns, b + p0 * n + j0, n, COLUMNS, packed_b);
        for (int64_t i = 0; i < rows; i += ROWS) {
          float acc[ROWS][COLUMNS];
          tile(depth, packed_a + i * depth, packed_b, acc);
          for (int64_t r = 0; r < smaller(ROWS, rows - i); r++)
            for (int64_t j = 0; j < columns; j++) out[(i0 + i + r) * n + j0 + j] += acc[r][j];
        }
      }
    }
  nd_free(packed_a);
  nd_free(packed_b);
  return ND_OK;
}
