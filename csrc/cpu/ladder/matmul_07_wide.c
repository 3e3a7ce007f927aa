/* build: -O3 */
/* matmul_07_wide.c - rung 6 with the widest registers of this processor.
 *
 * One idea: compile the tile for each instruction set (isa/ladder.c) and choose when the library is loaded. AVX-512 has
 * twice the lanes of AVX2 and twice the registers: a tile of 14 x 32 does 448 multiply-adds for the 46 numbers it
 * loads, where 6 x 16 does 96 for 22. The loops are those of rung 6 (panels.h), but the tile's size is known only now.
 * Expect: twice rung 6 with AVX-512. With AVX2 the tile is that of rung 6, but its loop over p is unrolled four times:
 * a fifth more.
 */
#include "ladder.h"
#include "needle_ladder.h"
#include "packing.h"

enum { BLOCK_M = 168, BLOCK_K = 256 };

int nl_matmul_wide(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const nd_ladder_table *set = nd_current_isa()->ladder;
  const int64_t tile_rows = set->rows, tile_columns = set->vectors * set->lanes;
  nd_tile *const tile = set->tile[set->vectors - 1][set->rows - 1];
  float *packed_a = nd_alloc((BLOCK_M + tile_rows) * BLOCK_K * sizeof(float));
  float *packed_b = nd_alloc(tile_columns * BLOCK_K * sizeof(float));
  const int error = packed_a && packed_b ? ND_OK : ND_ENOMEM;
  for (int64_t i = 0; i < m * n; i++) out[i] = 0;
  for (int64_t i0 = 0; !error && i0 < m; i0 += BLOCK_M)
    for (int64_t p0 = 0; p0 < k; p0 += BLOCK_K) {
      const int64_t rows = smaller(BLOCK_M, m - i0), depth = smaller(BLOCK_K, k - p0);
      pack_a(rows, depth, a + i0 * k + p0, k, tile_rows, packed_a);
      for (int64_t j0 = 0; j0 < n; j0 += tile_columns) {
        const int64_t columns = smaller(tile_columns, n - j0);
        pack_b(depth, columns, b + p0 * n + j0, n, tile_columns, packed_b);
        for (int64_t i = 0; i < rows; i += tile_rows) {
          float acc[ND_TILE_FLOATS];
          tile(depth, packed_a + i * depth, 1, tile_rows, packed_b, tile_columns, acc, tile_columns, 0);
          for (int64_t r = 0; r < smaller(tile_rows, rows - i); r++)
            for (int64_t j = 0; j < columns; j++) out[(i0 + i + r) * n + j0 + j] += acc[r * tile_columns + j];
        }
      }
    }
  nd_free(packed_a);
  nd_free(packed_b);
  return error;
}
