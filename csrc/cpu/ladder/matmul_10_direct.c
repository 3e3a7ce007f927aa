/* build: -O3 */
/* matmul_10_direct.c - packs only what is read often.
 *
 * One idea: a packed number costs a read and a write before its first use. a is read once for each panel of b: where
 * there are few panels, the tile takes its rows where they lie, k apart, by its two strides. b is read once for each
 * group of rows: where there are few, the tile takes its rows where they lie, n apart; only a ragged panel at the right
 * is packed still, since a tile reads whole vectors. Beyond, rows far apart fight for cache sets, and packing pays.
 * Expect: a third more at 64 x 64, a tenth at 256 x 256; nothing on large matrices, which are packed as in rung 9.
 */
#include "ladder.h"
#include "needle_ladder.h"
#include "packing.h"

enum { BLOCK_M = 168, BLOCK_K = 256, BLOCK_N = 4096, FEW_PANELS = 24, FEW_GROUPS = 4 };

static int64_t even_part(int64_t total, int64_t most) {
  const int64_t parts = (total + most - 1) / most;
  return parts ? (total + parts - 1) / parts : 1;
}

/* Where a tile finds its part of a or of b. */
typedef struct {
  const float *at;
  int64_t row, column; /* strides */
} place;

static void write_tile(const nd_ladder_table *set, int64_t rows, int64_t width, int64_t depth, place a, place b,
                       float *out, int64_t n, int add) {
  const int64_t vectors = (width + set->lanes - 1) / set->lanes, padded = vectors * set->lanes;
  nd_tile *const tile = set->tile[vectors - 1][rows - 1];
  if (width == padded) {
    tile(depth, a.at, a.row, a.column, b.at, b.row, out, n, add);
    return;
  }
  float acc[ND_TILE_FLOATS];
  tile(depth, a.at, a.row, a.column, b.at, b.row, acc, padded, 0);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < width; j++) out[i * n + j] = acc[i * padded + j] + (add ? out[i * n + j] : 0);
}

int nl_matmul_direct(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const nd_ladder_table *set = nd_current_isa()->ladder;
  const int64_t panel = set->vectors * set->lanes, group = even_part(m, set->rows), part_k = even_part(k, BLOCK_K);
  const int64_t part_m = BLOCK_M / group * group;
  const int direct_a = n <= FEW_PANELS * panel, direct_b = m <= FEW_GROUPS * group;
  float *packed_a = nd_alloc(direct_a ? 0 : (part_m + group) * part_k * sizeof(float));
  float *packed_b = nd_alloc(((direct_b ? 0 : smaller(BLOCK_N, n)) + panel) * part_k * sizeof(float));
  const int error = packed_a && packed_b ? ND_OK : ND_ENOMEM;
  if (k == 0) memset(out, 0, m * n * sizeof(float));
  for (int64_t j0 = 0; !error && j0 < n; j0 += BLOCK_N)
    for (int64_t p0 = 0; p0 < k; p0 += part_k) {
      const int64_t columns = smaller(BLOCK_N, n - j0), depth = smaller(part_k, k - p0);
      const float *block_b = b + p0 * n + j0;
      for (int64_t j = 0; j < columns; j += panel) {
        const int64_t width = smaller(panel, columns - j), padded = (width + set->lanes - 1) / set->lanes * set->lanes;
        if (!direct_b || width < padded)
          pack_b(depth, width, block_b + j, n, padded, packed_b + (direct_b ? 0 : j * depth));
      }
      for (int64_t i0 = 0; i0 < m; i0 += part_m) {
        const int64_t rows = smaller(part_m, m - i0);
        const float *block_a = a + i0 * k + p0;
        if (!direct_a)
          for (int64_t i = 0; i < rows; i += group) {
            const int64_t own = smaller(group, rows - i);
            pack_a(own, depth, block_a + i * k, k, own, packed_a + i * depth);
          }
        for (int64_t j = 0; j < columns; j += panel) {
          const int64_t width = smaller(panel, columns - j);
          const int64_t padded = (width + set->lanes - 1) / set->lanes * set->lanes;
          const place from_b = !direct_b        ? (place){packed_b + j * depth, padded, 1}
                               : width < padded ? (place){packed_b, padded, 1}
                                                : (place){block_b + j, n, 1};
          for (int64_t i = 0; i < rows; i += group) {
            const int64_t own = smaller(group, rows - i);
            const place from_a = direct_a ? (place){block_a + i * k, k, 1} : (place){packed_a + i * depth, 1, own};
            write_tile(set, own, width, depth, from_a, from_b, out + (i0 + i) * n + j0 + j, n, p0 > 0);
          }
        }
      }
    }
  nd_free(packed_a);
  nd_free(packed_b);
  return error;
}
