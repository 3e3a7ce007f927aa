/* gemm_pack.h - packing: copying a block of a matrix into the order in which the register tile will read it.
 *
 * A panel is PANEL columns of b (or a few rows of a) over the whole depth of a block, stored one step of k after
 * the other. The tile then walks through memory in a straight line: every cache line is used whole, few pages
 * are touched, and rows that lie a power of two apart no longer fight for the same cache set. Packing costs one
 * pass over k*n numbers and is paid back by m (for b) or n (for a) uses of each; gemm_block.h decides when.
 *
 * A transposed matrix is contiguous along k; it is transposed in squares (transpose.h): 4 x 4
 * floats, 2 x 2 doubles, and 8 x 8 floats with AVX-512.
 * Rows that lie far apart are no straight line a processor could foresee, so packing asks for them in advance:
 * without, each cache line of a 1024 x 1024 matrix costs its whole latency and packing a third more time.
 * Included by gemm_type.h once per element type.
 */

/* How wide the next panel is where `left` columns are left: whole panels, and of the last two a nearly even share each.
 * 400 columns of 16 lanes, 25 vectors, are 7 panels of three and two of two, not 8 and one of one: a tile of one vector
 * loads a number of a for every multiply-add. */
static inline int64_t NAME(panel_width)(int64_t left) {
  const int64_t vectors = (left + LANES - 1) / LANES;
  return left <= PANEL ? left : vectors >= 2 * TILE_VECTORS ? PANEL : (vectors + 1) / 2 * LANES;
}

/* The width of the last panel of n columns. */
static inline int64_t NAME(last_width)(int64_t n) {
  while (n > PANEL) n -= NAME(panel_width)(n);
  return n;
}

/* A square of SIDE x SIDE numbers, and half a one of 32-bit numbers. */
#if ELEMENT_BYTES == 4
#define TRANSPOSE_SQUARE transpose_square_32x4
#else
#define TRANSPOSE_SQUARE transpose_square_64x2
#endif

/* to[p][j] = from[p*1 + j*column] for p < k, j < width; rows of `to` are `row` apart. In squares of 16-byte registers. */
static inline __attribute__((always_inline)) void NAME(transpose_small)(int64_t k, int64_t width, const T *from,
                                                                   int64_t column, T *to, int64_t row) {
  const int64_t square = width & -SIDE;
  int64_t p = 0;
  for (; p + SIDE <= k; p += SIDE) {
    if (p * ELEMENT_BYTES % 64 == 0) /* once for each cache line of 64 bytes */
      for (int64_t j = 0; j < width; j++) __builtin_prefetch(from + p + AHEAD + j * column);
    for (int64_t j = 0; j < square; j += SIDE)
      TRANSPOSE_SQUARE(to + p * row + j, row, from + p + j * column, column);
#if ELEMENT_BYTES == 4
    const int64_t pair = width & 2;
    if (pair) transpose_half_32x4(to + p * row + square, row, from + p + square * column, column);
#else
    const int64_t pair = 0;
#endif
    for (int64_t j = square + pair; j < width; j++)
      for (int i = 0; i < SIDE; i++) to[(p + i) * row + j] = from[p + i + j * column];
  }
  for (; p < k; p++)
    for (int64_t j = 0; j < width; j++) to[p * row + j] = from[p + j * column];
}

/* The same. With AVX-512, squares of 8 x 8 numbers of 32 bits where there is room for them. Eight columns at a time, each
 * along k, so that a processor foresees what is read. */
static inline __attribute__((always_inline)) void NAME(transpose_panel)(int64_t k, int64_t width, const T *from,
                                                                   int64_t column, T *to, int64_t row) {
#if TILE_ASKS && ELEMENT_BYTES == 4
  const int64_t deep = k & -8, wide = width & -8;
  for (int64_t j = 0; j < wide; j += 8)
    for (int64_t p = 0; p < deep; p += 8) transpose_square_32x8(to + p * row + j, row, from + p + j * column, column);
  NAME(transpose_small)(k - deep, wide, from + deep, column, to + deep * row, row);
  NAME(transpose_small)(k, width - wide, from + wide * column, column, to + wide, row);
#else
  NAME(transpose_small)(k, width, from, column, to, row);
#endif
}

/* One panel of b: k x width, padded with zeros to `padded` columns (whole vectors). */
static void NAME(pack_panel)(int64_t k, int64_t width, int64_t padded, const T *b, int64_t b_row, int64_t b_col,
                             T *to) {
  if (width < padded)
    for (int64_t p = 0; p < k; p++) *(U *)(to + p * padded + padded - LANES) = (V){0};
  if (b_col == 1 && width == PANEL) {
    for (int64_t p = 0; p < k; p++) {
      __builtin_prefetch(b + (p + ROWS_AHEAD) * b_row);
      __builtin_prefetch(b + (p + ROWS_AHEAD) * b_row + PANEL - 1);
      memcpy(to + p * PANEL, b + p * b_row, PANEL * sizeof(T));
    }
  } else if (b_col == 1) {
    const int64_t whole = width / LANES * LANES;
    for (int64_t p = 0; p < k; p++) {
      for (int64_t j = 0; j < whole; j += LANES) {
        __builtin_prefetch(b + (p + ROWS_AHEAD) * b_row + j);
        *(U *)(to + p * padded + j) = *(const U *)(b + p * b_row + j);
      }
      for (int64_t j = whole; j < width; j++) to[p * padded + j] = b[p * b_row + j];
    }
  } else if (b_row == 1 && width == PANEL) {
    NAME(transpose_panel)(k, PANEL, b, b_col, to, PANEL);
  } else if (b_row == 1) {
    NAME(transpose_panel)(k, width, b, b_col, to, padded);
  } else {
    for (int64_t p = 0; p < k; p++)
      for (int64_t j = 0; j < width; j++) to[p * padded + j] = b[p * b_row + j * b_col];
  }
}

/* A block of b, panel after panel: the panel of column j starts at to + j*k. */
static void NAME(pack_b)(int64_t k, int64_t n, const T *b, int64_t b_row, int64_t b_col, T *to) {
  for (int64_t j = 0, width; j < n; j += width) {
    width = NAME(panel_width)(n - j);
    NAME(pack_panel)(k, width, (width + LANES - 1) / LANES * LANES, b + j * b_col, b_row, b_col, to + j * k);
  }
}

/* A block of a, group after group of rows (cut as gemm_block.h cuts them): the group of row i starts at to + i*k
 * and holds one step of k after the other. */
static void NAME(pack_a)(int64_t m, int64_t k, const T *a, int64_t a_row, int64_t a_col, T *to) {
  const int64_t groups = (m + TILE_ROWS - 1) / TILE_ROWS, least = m / groups, larger = m % groups;
  for (int64_t group = 0; group < groups; group++) {
    const int64_t rows = least + (group < larger);
    if (a_col == 1 && rows == TILE_ROWS) {
      NAME(transpose_panel)(k, TILE_ROWS, a, a_row, to, TILE_ROWS);
    } else if (a_col == 1) {
      NAME(transpose_panel)(k, rows, a, a_row, to, rows);
    } else if (a_row == 1 && rows == TILE_ROWS) {
      for (int64_t p = 0; p < k; p++) memcpy(to + p * TILE_ROWS, a + p * a_col, TILE_ROWS * sizeof(T));
    } else {
      for (int64_t p = 0; p < k; p++)
        for (int64_t i = 0; i < rows; i++) to[p * rows + i] = a[i * a_row + p * a_col];
    }
    a += rows * a_row;
    to += rows * k;
  }
}
#undef TRANSPOSE_SQUARE
