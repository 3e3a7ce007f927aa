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
 */

/* The first `count` (< LANES) elements of a vector, stored or loaded by halving: 8 lanes are 4 + 2 + 1. */
static inline __attribute__((always_inline)) void NAME(store_some)(T *to, V value, int64_t count) {
  T lane[LANES];
  memcpy(lane, &value, sizeof lane);
  const T *from = lane;
#pragma GCC unroll 8
  for (int half = LANES / 2; half; half /= 2)
    if (count & half) {
      memcpy(to, from, half * sizeof(T));
      to += half;
      from += half;
    }
}

static inline __attribute__((always_inline)) V NAME(load_some)(const T *from, int64_t count) {
  T lane[LANES] = {0};
  T *to = lane;
#pragma GCC unroll 8
  for (int half = LANES / 2; half; half /= 2)
    if (count & half) {
      memcpy(to, from, half * sizeof(T));
      to += half;
      from += half;
    }
  V value;
  memcpy(&value, lane, sizeof value);
  return value;
}

/* c[rows][...] (+)= a[rows][k] b[k][...]. `tail` elements of the last vector count; 0 means all of them.
 * `rows` and `vectors` are constants at every call, so that all loops over them unroll into registers. */
static inline __attribute__((always_inline)) void NAME(tile)(const int rows, const int vectors, int64_t k,
                                                             const T *a, int64_t a_row, int64_t a_col,
                                                             const T *b, int64_t b_row, T *c, int64_t c_row,
                                                             int64_t tail, int accumulate) {
  V acc[TILE_ROWS][TILE_VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++) acc[i][j] = (V){0};
  for (int64_t p = 0; p < k; p++) {
    V row[TILE_VECTORS];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++) row[j] = *(const U *)(b + j * LANES);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
      for (int j = 0; j < vectors; j++) acc[i][j] += a[i * a_row] * row[j];
    a += a_col;
    b += b_row;
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; j++) {
      T *to = c + i * c_row + j * LANES;
      if (tail && j == vectors - 1) {
        NAME(store_some)(to, accumulate ? NAME(load_some)(to, tail) + acc[i][j] : acc[i][j], tail);
      } else {
        *(U *)to = accumulate ? (V) * (U *)to + acc[i][j] : acc[i][j];
      }
    }
}

/* One compiled function per number of rows and vectors: the edges of a matrix get tiles of their own size
 * instead of multiplying zeros. TILES(R) lists the row counts 1..TILE_ROWS; see gemm_isa.h. */
typedef void (*NAME(tile_fn))(int64_t k, const T *a, int64_t a_row, int64_t a_col, const T *b, int64_t b_row,
                              T *c, int64_t c_row, int64_t tail, int accumulate);
#define TILE_FUNCTION(R, N)                                                                                     \
  static void NAME(tile_##R##x##N)(int64_t k, const T *a, int64_t a_row, int64_t a_col, const T *b,             \
                                   int64_t b_row, T *c, int64_t c_row, int64_t tail, int accumulate) {          \
    NAME(tile)(R, N, k, a, a_row, a_col, b, b_row, c, c_row, tail, accumulate);                                 \
  }
#define TILE_ENTRY(R, N) [N - 1][R - 1] = NAME(tile_##R##x##N),
EACH_TILE(TILE_FUNCTION)
static const NAME(tile_fn) NAME(tiles)[TILE_VECTORS][TILE_ROWS] = {EACH_TILE(TILE_ENTRY)};
#undef TILE_FUNCTION
#undef TILE_ENTRY
