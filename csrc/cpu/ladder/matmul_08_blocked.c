/* build: -O3 */
/* matmul_08_blocked.c - all three loops in blocks: each number of b is packed once.
 *
 * One idea: rung 7 packs all of b again for every block of rows of a, m / 168 times. Here a whole block of b, as many
 * columns as the last-level cache bears, is packed first, and then every block of rows goes over it:
 *
 *   for each block of BLOCK_N columns, for each of BLOCK_K of the depth:   pack that block of b   (last-level cache)
 *     for each block of BLOCK_M rows:                                      pack that block of a   (second-level cache)
 *       for each panel of b:                                               stays in the first-level cache
 *         for each group of rows of a:                                     one tile, in registers
 *
 * These are the loops of GotoBLAS and BLIS (Van Zee and van de Geijn, ACM TOMS 2015), one for each cache.
 * Expect: nothing at 256 x 256, which has but two blocks of rows; 2 to 7 % from 1000 x 1000 on.
 */
#include "ladder.h"
#include "needle_ladder.h"
#include "packing.h"

enum { BLOCK_M = 168, BLOCK_K = 256, BLOCK_N = 4096 };

/* A packed block of a times a packed block of b, added to out. */
static void block(const nd_ladder_table *set, int64_t rows, int64_t columns, int64_t depth, const float *packed_a,
                  const float *packed_b, float *out, int64_t n) {
  const int64_t tile_rows = set->rows, tile_columns = set->vectors * set->lanes;
  nd_tile *const tile = set->tile[set->vectors - 1][set->rows - 1];
  for (int64_t j0 = 0; j0 < columns; j0 += tile_columns)
    for (int64_t i0 = 0; i0 < rows; i0 += tile_rows) {
      float acc[ND_TILE_FLOATS];
      tile(depth, packed_a + i0 * depth, 1, tile_rows, packed_b + j0 * depth, tile_columns, acc, tile_columns, 0);
      for (int64_t i = 0; i < smaller(tile_rows, rows - i0); i++)
        for (int64_t j = 0; j < smaller(tile_columns, columns - j0); j++)
          out[(i0 + i) * n + j0 + j] += acc[i * tile_columns + j];
    }
}

int nl_matmul_blocked(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const nd_ladder_table *set = nd_current_isa()->ladder;
  const int64_t tile_rows = set->rows, tile_columns = set->vectors * set->lanes;
  float *packed_a = nd_alloc((BLOCK_M + tile_rows) * BLOCK_K * sizeof(float));
  float *packed_b = nd_alloc((smaller(BLOCK_N, n) + tile_columns) * BLOCK_K * sizeof(float));
  const int error = packed_a && packed_b ? ND_OK : ND_ENOMEM;
  for (int64_t i = 0; i < m * n; i++) out[i] = 0;
  for (int64_t j0 = 0; !error && j0 < n; j0 += BLOCK_N)
    for (int64_t p0 = 0; p0 < k; p0 += BLOCK_K) {
      const int64_t columns = smaller(BLOCK_N, n - j0), depth = smaller(BLOCK_K, k - p0);
      for (int64_t j = 0; j < columns; j += tile_columns)
        pack_b(depth, smaller(tile_columns, columns - j), b + p0 * n + j0 + j, n, tile_columns, packed_b + j * depth);
      for (int64_t i0 = 0; i0 < m; i0 += BLOCK_M) {
        const int64_t rows = smaller(BLOCK_M, m - i0);
        pack_a(rows, depth, a + i0 * k + p0, k, tile_rows, packed_a);
        block(set, rows, columns, depth, packed_a, packed_b, out + i0 * n + j0, n);
      }
    }
  nd_free(packed_a);
  nd_free(packed_b);
  return error;
}
