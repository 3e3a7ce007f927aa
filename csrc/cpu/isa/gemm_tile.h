/* gemm_tile.h - the register tile: the only place of the matrix product where arithmetic happens.
 *
 * A tile is a small block of `out`, `rows` x `vectors` SIMD registers, kept in registers while k runs:
 *
 *        b[p]:   | b0 b1 .. | .. b15 |          one row of a panel of b: `vectors` loads
 *     a[i][p] -> | acc[i][0]| acc[i][1] |       one scalar of a, broadcast, times each of them
 *
 * For every p it loads rows + vectors*lanes numbers and performs rows * vectors * lanes multiply-adds: a
 * 6 x 16 tile does 96 of them for 22 numbers, which is why it runs at the speed of arithmetic and not of memory.
 * There must also be enough independent accumulators to hide the latency of a multiply-add (about 4 cycles, two
 * per cycle: 8 accumulators), and no more than the machine has registers.
 *
 * `a` has two strides, so packed, unpacked and transposed matrices are the same code. Included by gemm_type.h
 * once per element type; T is the element, V a vector of LANES of them, U the same vector at any address.
 *
 * Rows of a are found from every fourth, whose place the compiler may not derive from the others': going from row to
 * row, as many additions that wait for each other took longer than the multiply-adds under AVX-512 (docs/kernels.md).
 */

/* c[rows][..] (+)= a[rows][k] b[k][..], whole vectors only.
 * `rows` and `vectors` are constants at every call, so that all loops over them unroll into registers.
 *
 * The larger tile also asks the memory for what comes next: for its part of out, which it needs at its end, and for as
 * many rows of `soon`, the next panel of b (NULL: for nothing). It does so row by row while k runs. Asked for at once,
 * 27 lines of out take all the places (some 16) where a core notes what it is waiting for, and lines of a and b, which
 * only come from L2, have to queue up behind them.
 *
 * If a is PACKED, all rows are found from one pointer, at distances that the compiler knows.
 *
 * Packing is copying what a tile has loaded anyway, and while multiply-adds keep two units of the core busy, those that
 * store have nothing to do. So the first tile that reads a panel of b where it lies leaves it packed at `to` (PACKS_B),
 * and is hardly slower for it. */
static inline __attribute__((always_inline)) void NAME(tile)(const int rows, const int vectors, const int how, int64_t k,
                                                             const T *a, int64_t a_row, int64_t a_col,
                                                             const T *b, int64_t b_row, T *c, int64_t c_row,
                                                             int accumulate, const T *soon, int64_t soon_row,
                                                             T *to) {
  V acc[TILE_ROWS][TILE_VECTORS];
  const T *four_rows[(TILE_ROWS + 3) / 4];
ND_UNROLL_WHOLE(4)
  for (int i = 0; i < rows; i += 4) four_rows[i / 4] = how & PACKED ? a : ND_HIDDEN(a + i * a_row);
ND_UNROLL_WHOLE(16)
  for (int i = 0; i < rows; i++)
ND_UNROLL_WHOLE(4)
    for (int j = 0; j < vectors; j++) acc[i][j] = (V){0};
  const int parts = TILE_ASKS && soon && k >= SHALLOW ? rows : 1;
  int64_t p = 0;
  for (int part = 0; part < parts; part++) {
    if (parts > 1)
ND_UNROLL_WHOLE(4)
      for (int j = 0; j < vectors; j++) {
        __builtin_prefetch(c + part * c_row + j * LANES, 1);
        __builtin_prefetch(soon + part * soon_row + j * LANES, 0, INTO_L2);
      }
    const int64_t end = part + 1 < parts ? p + k / rows : k;
ND_UNROLL(4)
    for (; p < end; p++) {
      V row[TILE_VECTORS];
ND_UNROLL_WHOLE(4)
      for (int j = 0; j < vectors; j++) row[j] = *(const U *)(b + j * LANES);
      if (how & PACKS_B) {
ND_UNROLL_WHOLE(4)
        for (int j = 0; j < vectors; j++) *(U *)(to + j * LANES) = row[j];
        to += vectors * LANES;
      }
ND_UNROLL_WHOLE(16)
      for (int i = 0; i < rows; i++)
ND_UNROLL_WHOLE(4)
        for (int j = 0; j < vectors; j++)
          acc[i][j] += (how & PACKED ? a[i] : four_rows[i / 4][i % 4 * a_row]) * row[j];
ND_UNROLL_WHOLE(4)
      for (int i = 0; i < rows; i += 4) four_rows[i / 4] += a_col;
      a += a_col;
      b += b_row;
    }
  }
ND_UNROLL_WHOLE(16)
  for (int i = 0; i < rows; i++)
ND_UNROLL_WHOLE(4)
    for (int j = 0; j < vectors; j++) {
      U *to = (U *)(c + i * c_row + j * LANES);
      *to = accumulate ? (V)*to + acc[i][j] : acc[i][j];
    }
}

/* One compiled function per number of rows and vectors: the edges of a matrix get tiles of their own size
 * instead of multiplying zeros. EACH_TILE is in gemm_shape.h. */
typedef void (*NAME(tile_fn))(int64_t k, const T *a, int64_t a_row, int64_t a_col, const T *b, int64_t b_row,
                              T *c, int64_t c_row, int accumulate, const T *soon, int64_t soon_row, T *to);
#define TILE_FUNCTION(R, N)                                                                                     \
  static void NAME(tile_##R##x##N)(int64_t k, const T *a, int64_t a_row, int64_t a_col, const T *b,             \
                                   int64_t b_row, T *c, int64_t c_row, int accumulate, const T *soon,           \
                                   int64_t soon_row, T *to) {                                                   \
    NAME(tile)(R, N, 0, k, a, a_row, a_col, b, b_row, c, c_row, accumulate, soon, soon_row, to);                \
  }
#define TILE_ENTRY(R, N) [N - 1][R - 1] = NAME(tile_##R##x##N),
EACH_TILE(TILE_FUNCTION)
static const NAME(tile_fn) NAME(tiles)[TILE_VECTORS][TILE_ROWS] = {EACH_TILE(TILE_ENTRY)};
#if TILE_ASKS
/* A whole group of rows times a whole panel, most of a large product: where both are packed, and where b will be. */
#define WHOLE_TILE(WHAT, HOW)                                                                                   \
  static void NAME(WHAT)(int64_t k, const T *a, int64_t a_row, int64_t a_col, const T *b, int64_t b_row, T *c,  \
                         int64_t c_row, int accumulate, const T *soon, int64_t soon_row, T *to) {               \
    NAME(tile)(TILE_ROWS, TILE_VECTORS, HOW, k, a, a_row, (HOW) & PACKED ? TILE_ROWS : a_col, b,               \
               (HOW) & PACKS_B ? b_row : PANEL, c, c_row, accumulate, soon, soon_row, to);                      \
  }
WHOLE_TILE(packed_tile, PACKED)
WHOLE_TILE(packed_tile_packs_b, PACKED | PACKS_B)
WHOLE_TILE(tile_packs_b, PACKS_B)
#undef WHOLE_TILE
#endif
#undef TILE_FUNCTION
#undef TILE_ENTRY
