/* gemm_block.h - one sequential product: cutting it into blocks that fit the caches, and choosing what to pack.
 *
 *   for each block of depth (k)
 *     for each block of columns of b (BLOCK_N):          pack b: k x BLOCK_N
 *       for each block of rows of a (m):                 pack a: m x k, stays in L2
 *         for each panel of b:                           k x PANEL, stays in L1
 *           for each group of rows of a:                 one tile of out, TILE_ROWS x PANEL, in registers
 *
 * blocks_that_fit() (gemm_shape.h) says what m and k are. When all rows of a fit one block, a is packed once and each
 * panel of b just before it is used, so that it never leaves L1 at all. A small m reads a row-major b where it lies, a
 * small n reads a where it lies. These are the loops of GotoBLAS and BLIS (Van Zee and van de Geijn, "BLIS: A framework
 * for rapidly instantiating BLAS functionality", ACM TOMS 2015). Included by gemm_type.h once per element type.
 */

/* Number of parts of size <= limit, and the size of one when they are made equal: 400 -> 2 x 200, not 256 + 144. */
static inline int64_t NAME(even_part)(int64_t total, int64_t limit, int64_t multiple) {
  const int64_t parts = (total + limit - 1) / limit;
  const int64_t part = (total + parts - 1) / parts;
  return (part + multiple - 1) / multiple * multiple;
}

/* A tile on the edge of out, or of an out whose columns are not contiguous: through a small array on the stack.
 * 8 lanes are cut as 4 + 2 + 1, so that a row of 13 takes four moves and not thirteen. */
static void NAME(edge_tile)(int64_t rows, int64_t width, int64_t k, const T *a, int64_t a_row, int64_t a_col,
                            const T *b, int64_t b_row, T *c, int64_t c_row, int64_t c_col, int accumulate) {
  T tile[TILE_ROWS * PANEL] __attribute__((aligned(64)));
  const int64_t vectors = (width + LANES - 1) / LANES, tile_row = vectors * LANES;
  NAME(tiles)[vectors - 1][rows - 1](k, a, a_row, a_col, b, b_row, tile, tile_row, 0, NULL, 0, NULL);
  for (int64_t i = 0; i < rows; i++) {
    const T *from = tile + i * tile_row;
    T *to = c + i * c_row;
    if (accumulate || c_col != 1) {
      for (int64_t j = 0; j < width; j++) to[j * c_col] = accumulate ? to[j * c_col] + from[j] : from[j];
      continue;
    }
ND_UNROLL_WHOLE(8)
    for (int64_t part = 32; part; part /= 2)
      if (width & part) {
        memcpy(to, from, part * sizeof(T));
        to += part, from += part;
      }
  }
}

/* One panel of b: row p begins at + p*row; in b itself, there + p*b_row. */
typedef struct NAME(panel) {
  const T *at, *there, *next;   /* next: where the next panel, of rows next_row apart, will be read from, or NULL */
  T *to;                        /* the first tile reads `there` and packs it here; NULL: it lies ready */
  int64_t width, row, next_row;
} NAME(panel);

/* The panel of column j, packed if it shall be, unless the first tile can do it. */
static NAME(panel) NAME(panel_of)(const block_product *x, int64_t j, int64_t first_rows) {
  const int64_t k = x->k, width = NAME(panel_width)(x->n - j), padded = (width + LANES - 1) / LANES * LANES;
  T *to = !x->to_b ? NULL : x->keep_b ? (T *)x->to_b + j * k : x->to_b;
  NAME(panel) panel = {.there = (const T *)x->b + j * x->b_col, .width = width, .row = padded};
  const int near = x->b_col == 1 && x->b_row * ELEMENT_BYTES < FAR_ROWS;
  if (to && TILE_ASKS && near && x->c_col == 1 && width == PANEL && first_rows == TILE_ROWS)
    panel.to = to;
  else if (to)
    NAME(pack_panel)(k, width, padded, panel.there, x->b_row, x->b_col, to);
  const int as_it_lies = !to && !x->b_packed && width == padded;
  panel.at = to ? to : x->b_packed ? (const T *)x->b + j * k : as_it_lies ? panel.there : x->b_last;
  if (as_it_lies) panel.row = x->b_row;
  if (j + width < x->n && (x->b_packed || x->b_col == 1)) {
    panel.next = x->b_packed ? panel.at + k * width : panel.there + width;
    panel.next_row = x->b_packed ? PANEL : x->b_row;
  }
  return panel;
}

/* All tiles of one block of out. While row i of out is computed, row i of the next panel of b is asked for. */
static void NAME(block)(const block_product *x) {
  const int64_t m = x->m, n = x->n, k = x->k, c_row = x->c_row, c_col = x->c_col;
  const int64_t groups = (m + TILE_ROWS - 1) / TILE_ROWS, least = m / groups, larger = m % groups;
  const int a_packed = x->a_packed, accumulate = x->accumulate;
  T *c = x->c;
  for (int64_t j = 0, width; j < n; j += width) {
    const NAME(panel) panel = NAME(panel_of)(x, j, least + (larger > 0));
    width = panel.width;
    const int64_t vectors = (width + LANES - 1) / LANES;
    const int whole = width % LANES == 0 && c_col == 1;
    for (int64_t group = 0, i = 0; group < groups; group++) {
      const int64_t rows = least + (group < larger);
      const int packs_b = panel.to && group == 0;
      const T *a = (const T *)x->a + i * (a_packed ? k : x->a_row), *b = packs_b ? panel.there : panel.at;
      const int64_t a_row = a_packed ? 1 : x->a_row, a_col = a_packed ? rows : x->a_col;
      const int64_t b_row = packs_b ? x->b_row : panel.row;
      if (accumulate && !(TILE_ASKS && k >= SHALLOW && whole)) /* out will be read after the tile's loop: ask for it */
        for (int64_t l = 0; l < rows; l++)
          for (int64_t at = 0; at < width; at += 64 / ELEMENT_BYTES)
            __builtin_prefetch(c + (i + l) * c_row + (j + at) * c_col, 1);
      const T *ask = panel.next && i < k ? panel.next + i * panel.next_row : panel.at;
      NAME(tile_fn) tile = whole ? NAME(tiles)[vectors - 1][rows - 1] : NULL;
#if TILE_ASKS
      if (packs_b)
        tile = a_packed ? NAME(packed_tile_packs_b) : NAME(tile_packs_b);
      else if (whole && a_packed && rows == TILE_ROWS && width == PANEL && b_row == PANEL)
        tile = NAME(packed_tile);
#endif
      if (tile)
        tile(k, a, a_row, a_col, b, b_row, c + i * c_row + j, c_row, accumulate, ask, panel.next_row, panel.to);
      else
        NAME(edge_tile)(rows, width, k, a, a_row, a_col, b, b_row, c + i * c_row + j * c_col, c_row, c_col, accumulate);
      i += rows;
    }
  }
}

/* Takes rows of a last block until none are left, at most `most` at a time. `packed_a` holds most x k. */
static void NAME(share_rows)(last_block *s, int64_t most, T *packed_a) {
  int64_t i, rows;
  while ((rows = take_rows(s, SHARED_ROWS, most, TILE_ROWS, &i))) {
    block_product part = s->whole;
    NAME(pack_a)(rows, part.k, (const T *)part.a + i * part.a_row, part.a_row, part.a_col, packed_a);
    part.m = rows, part.a = packed_a, part.a_packed = 1, part.c = (T *)part.c + i * part.c_row;
    NAME(block)(&part);
    finished_rows(s, rows);
  }
}

/* Helps with another thread's last block. */
static void NAME(help)(last_block *s) {
  const block_size fit = blocks_that_fit(nd_cache_sizes, ELEMENT_BYTES);
  T *packed_a = is_open(s) ? nd_scratch(ND_SCRATCH_GEMM_A, fit.m * fit.k * (int64_t)sizeof(T)) : NULL;
  if (packed_a) NAME(share_rows)(s, fit.m, packed_a); /* without memory: its owner does all */
}

/* out = a @ b on this thread, or out += a @ b. */
static int NAME(product)(const product *x) {
  const int64_t m = x->m, n = x->n, k = x->k;
  const int64_t c_row = x->c_row, c_col = x->c_col;
  const T *a = x->a, *b = x->b;
  T *c = x->c;
  if (k == 0 && x->accumulate) return ND_OK;
  if (k == 0) {
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < n; j++) c[i * c_row + j * c_col] = 0;
    return ND_OK;
  }
  /* One row; or a column times a long row, which is mostly writing: then each row of out is written from end to end. */
  if ((m == 1 || (k == 1 && n >= LONG_ROW)) && x->b_col == 1 && c_col == 1 && !x->accumulate) {
    for (int64_t i = 0; i < m; i++) {
      product row = *x;
      row.a = a + i * x->a_row, row.c = c + i * c_row;
      NAME(row_times_matrix)(&row);
    }
    return ND_OK;
  }
  if (n == 1 && x->a_col == 1 && x->b_row == 1 && !x->accumulate) {
    NAME(matrix_times_column)(x);
    return ND_OK;
  }
  const int is_panel = x->b_row == n && n <= PANEL && n % LANES == 0; /* such a b is packed as it stands */
  const int pack_b = !(x->b_col == 1 && x->b_row != 0 && (is_panel || m <= DIRECT_B_ROWS));
  const int crowded = x->a_row * ELEMENT_BYTES % CROWDED == 0;
  const int direct_panels = x->a_col != 1 ? DIRECT_TRANSPOSED_A : crowded ? DIRECT_CROWDED_A : DIRECT_A_PANELS;
  const int pack_a = n > direct_panels * PANEL;
  const block_size fit = blocks_that_fit(nd_cache_sizes, ELEMENT_BYTES);
  const int64_t depth = NAME(even_part)(k, fit.k, 1);
  const int64_t part_m = NAME(even_part)(m, fit.m, TILE_ROWS);
  const int64_t part_n = NAME(even_part)(n, BLOCK_N, PANEL);
  const int again = m > part_m; /* the next block of rows reads b again: keep all its panels, not only the present */
  T *packed_b = nd_scratch(ND_SCRATCH_GEMM_B, depth * (pack_b && again ? part_n : PANEL) * (int64_t)sizeof(T));
  T *packed_a = pack_a ? nd_scratch(ND_SCRATCH_GEMM_A, depth * fit.m * (int64_t)sizeof(T)) : NULL;
  if (!packed_b || (pack_a && !packed_a)) return ND_ENOMEM;
  const int shared = x->last && pack_a && pack_b && again && part_n >= n;

  for (int64_t p = 0; p < k; p += depth) {
    const int64_t kk = k - p < depth ? k - p : depth;
    for (int64_t j = 0; j < n; j += part_n) {
      const int64_t nn = n - j < part_n ? n - j : part_n, ragged = NAME(last_width)(nn);
      const T *bb = b + p * x->b_row + j * x->b_col;
      const int add = x->accumulate || p > 0;
      if (!pack_b && ragged % LANES) NAME(pack_b)(kk, ragged, bb + nn - ragged, x->b_row, 1, packed_b);
      block_product whole = {.m = m, .n = nn, .k = kk, .a = a + p * x->a_col, .b = bb, .c = c + j * c_col,
                             .a_row = x->a_row, .a_col = x->a_col, .b_row = x->b_row, .b_col = x->b_col,
                             .c_row = c_row, .c_col = c_col, .b_last = packed_b, .accumulate = add};
      if (shared && p + depth >= k) {
        NAME(pack_b)(kk, nn, bb, x->b_row, x->b_col, packed_b);
        whole.b = packed_b, whole.b_packed = 1;
        open_block(x->last, whole);
        NAME(share_rows)(x->last, fit.m, packed_a);
        await_helpers(x->last);
        return ND_OK;
      }
      for (int64_t i = 0; i < m; i += part_m) {
        block_product part = whole;
        part.m = m - i < part_m ? m - i : part_m;
        part.a = (const T *)whole.a + i * x->a_row;
        part.c = (T *)whole.c + i * c_row;
        if (pack_a) {
          if (j == 0 || again) NAME(pack_a)(part.m, kk, part.a, x->a_row, x->a_col, packed_a);
          part.a = packed_a, part.a_packed = 1;
        }
        if (pack_b && i == 0)
          part.to_b = packed_b, part.keep_b = again;
        else if (pack_b)
          part.b = packed_b, part.b_packed = 1;
        NAME(block)(&part);
      }
    }
  }
  return ND_OK;
}
