/* build: -O3 */
/* matmul_09_edges.c - tiles of every size, which write to out themselves.
 *
 * One idea: multiply no zeros. Up to rung 8 every tile is whole, filled up with zeros at the edges: 14 x 32 numbers
 * for a corner of 2 x 4. Here rows are cut evenly, 16 into 8 + 8 and not 14 + 2, the depth likewise, and each size of
 * tile has a function of its own (isa/ladder.c). A tile of whole vectors then fits out exactly and writes there: the
 * first block of the depth overwrites, later ones add. Only a ragged vector at the right goes through acc.
 * Expect: a quarter more at 64 x 64 and 100 x 100, a tenth at 256 x 256; at 1024 x 1024, where edges are few, the 2 to
 * 5 % that the way through acc had cost.
 */
#include "ladder.h"
#include "needle_ladder.h"
#include "packing.h"

enum { BLOCK_M = 168, BLOCK_K = 256, BLOCK_N = 4096 };

/* `total` in as few equal parts as possible, none larger than `most`: the size of one. */
static int64_t even_part(int64_t total, int64_t most) {
  const int64_t parts = (total + most - 1) / most;
  return parts ? (total + parts - 1) / parts : 1;
}

/* One tile, its columns `width` at most those of `vectors` vectors. */
static void write_tile(const nd_ladder_table *set, int64_t rows, int64_t width, int64_t depth, const float *a,
                       const float *b, float *out, int64_t n, int add) {
  const int64_t vectors = (width + set->lanes - 1) / set->lanes, padded = vectors * set->lanes;
  nd_tile *const tile = set->tile[vectors - 1][rows - 1];
  if (width == padded) {
    tile(depth, a, 1, rows, b, padded, out, n, add);
    return;
  }
  float acc[ND_TILE_FLOATS];
  tile(depth, a, 1, rows, b, padded, acc, padded, 0);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < width; j++) out[i * n + j] = acc[i * padded + j] + (add ? out[i * n + j] : 0);
}

int nl_matmul_edges(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *out) {
  const nd_ladder_table *set = nd_current_isa()->ladder;
  const int64_t panel = set->vectors * set->lanes, group = even_part(m, set->rows), part_k = even_part(k, BLOCK_K);
  const int64_t part_m = BLOCK_M / group * group;
  float *packed_a = nd_alloc((part_m + group) * part_k * sizeof(float));
  float *packed_b = nd_alloc((smaller(BLOCK_N, n) + panel) * part_k * sizeof(float));
  const int error = packed_a && packed_b ? ND_OK : ND_ENOMEM;
  if (k == 0) memset(out, 0, m * n * sizeof(float));
  for (int64_t j0 = 0; !error && j0 < n; j0 += BLOCK_N)
    for (int64_t p0 = 0; p0 < k; p0 += part_k) {
      const int64_t columns = smaller(BLOCK_N, n - j0), depth = smaller(part_k, k - p0);
      for (int64_t j = 0; j < columns; j += panel) {
        const int64_t width = smaller(panel, columns - j), padded = (width + set->lanes - 1) / set->lanes * set->lanes;
        pack_b(depth, width, b + p0 * n + j0 + j, n, padded, packed_b + j * depth);
      }
      for (int64_t i0 = 0; i0 < m; i0 += part_m) {
        const int64_t rows = smaller(part_m, m - i0);
        for (int64_t i = 0; i < rows; i += group) {
          const int64_t own = smaller(group, rows - i);
          pack_a(own, depth, a + (i0 + i) * k + p0, k, own, packed_a + i * depth);
        }
        for (int64_t j = 0; j < columns; j += panel)
          for (int64_t i = 0; i < rows; i += group)
            write_tile(set, smaller(group, rows - i), smaller(panel, columns - j), depth, packed_a + i * depth,
                       packed_b + j * depth, out + (i0 + i) * n + j0 + j, n, p0 > 0);
      }
    }
  nd_free(packed_a);
  nd_free(packed_b);
  return error;
}
