/* conv_places.h - what isa/conv.c has, for one element type: T, ELEMENT_BYTES, TYPE; BITS, integers as wide;
 * SIDE x SIDE elements are transposed by SQUARE, SMALL_SIDE x SMALL_SIDE by SMALL. */
#define NAME(name) ND_JOIN(name, TYPE)
#define LANES ((int64_t)(VECTOR_BYTES / ELEMENT_BYTES))
#define PANEL (2 * LANES)
typedef T NAME(vector) __attribute__((vector_size(VECTOR_BYTES)));
typedef T NAME(unaligned) __attribute__((vector_size(VECTOR_BYTES), aligned(ELEMENT_BYTES), may_alias));

/* `rows` and `vectors` are constants at every call, so that all loops over them unroll into registers. `next`, `c_next`:
 * from one vector to the next, in b and in c. */
static inline __attribute__((always_inline)) void NAME(tile)(const int rows, const int vectors, const nd_places *x,
                                                             int64_t i, int64_t j, int64_t next, T *c, int64_t c_row,
                                                             int64_t c_next, int accumulate) {
  NAME(vector) acc[PLACES_ROWS][PLACES_VECTORS];
  const T *row[PLACES_ROWS], *b = (const T *)x->b + j;
  const int64_t *p_at = x->p_at, *b_at = x->b_at, *const end = p_at + x->k;
ND_UNROLL_WHOLE(16)
  for (int r = 0; r < rows; r++) {
    row[r] = (const T *)x->a + x->i_at[i + r];
ND_UNROLL_WHOLE(4)
    for (int v = 0; v < vectors; v++) acc[r][v] = (NAME(vector)){0};
  }
ND_UNROLL(2)
  for (; p_at < end; p_at++, b_at++) {
    NAME(vector) of_b[PLACES_VECTORS];
    const int64_t at = *p_at;
    const T *from = b + *b_at;
ND_UNROLL_WHOLE(4)
    for (int v = 0; v < vectors; v++) of_b[v] = *(const NAME(unaligned) *)(from + v * next);
ND_UNROLL_WHOLE(16)
    for (int r = 0; r < rows; r++)
ND_UNROLL_WHOLE(4)
      for (int v = 0; v < vectors; v++) acc[r][v] += row[r][at] * of_b[v];
  }
ND_UNROLL_WHOLE(16)
  for (int r = 0; r < rows; r++)
ND_UNROLL_WHOLE(4)
    for (int v = 0; v < vectors; v++) {
      NAME(unaligned) *to = (NAME(unaligned) *)(c + r * c_row + v * c_next);
      *to = accumulate ? (NAME(vector))*to + acc[r][v] : acc[r][v];
    }
}

typedef void (*NAME(tile_fn))(const nd_places *x, int64_t i, int64_t j, int64_t next, T *c, int64_t c_row,
                               int64_t c_next, int accumulate);
#define TILE_FUNCTION(R, N)                                                                                           \
  static void NAME(tile_##R##x##N)(const nd_places *x, int64_t i, int64_t j, int64_t next, T *c, int64_t c_row,       \
                                   int64_t c_next, int accumulate) {                                                  \
    NAME(tile)(R, N, x, i, j, next, c, c_row, c_next, accumulate);                                                    \
  }
#define TILE_ENTRY(R, N) [N - 1][R - 1] = NAME(tile_##R##x##N),
EACH_PLACES_TILE(TILE_FUNCTION)
static const NAME(tile_fn) NAME(tiles)[PLACES_VECTORS][PLACES_ROWS] = {EACH_PLACES_TILE(TILE_ENTRY)};

/* `width` elements of each row of an edge tile to, or added to, where they belong. */
static inline void NAME(put_edge)(int64_t rows, int64_t width, const T *from, int64_t from_row, T *to, int64_t to_row,
                                  int accumulate) {
  for (int64_t r = 0; r < rows; r++, from += from_row, to += to_row) {
    if (accumulate) {
      for (int64_t q = 0; q < width; q++) to[q] += from[q];
      continue;
    }
    int64_t done = 0;
ND_UNROLL_WHOLE(8)
    for (int64_t part = 32; part; part /= 2) /* 12 lanes are moved as 8 + 4 */
      if (width & part) {
        memcpy(to + done, from + done, part * sizeof(T));
        done += part;
      }
  }
}

/* Two lines of one vector each, by the tile of two vectors. */
static void NAME(two_lines)(const nd_places *x) {
  const int64_t groups = (x->m + PLACES_ROWS - 1) / PLACES_ROWS;
  T edge[PLACES_ROWS * PANEL] __attribute__((aligned(64)));
  for (int64_t group = 0, i = 0; group < groups; group++) {
    const int64_t rows = (x->m - i + groups - group - 1) / (groups - group);
    NAME(tiles)[1][rows - 1](x, i, 0, x->b_line, edge, PANEL, LANES, 0);
    for (int64_t line = 0; line < 2; line++)
      NAME(put_edge)(rows, x->n, edge + line * LANES, PANEL, (T *)x->c + i * x->c_row + line * x->c_line, x->c_row,
                     x->accumulate);
    i += rows;
  }
}

static void NAME(product)(const nd_places *x) {
  if (x->two_lines) {
    NAME(two_lines)(x);
    return;
  }
  for (int64_t start = 0; start < x->n; start += PANEL) {
    const int64_t width = x->n - start < PANEL ? x->n - start : PANEL, vectors = (width + LANES - 1) / LANES;
    /* The last vector ends where the row does, if it may: some lanes are computed twice, none is behind the end. */
    const int backed = x->n >= LANES && !x->accumulate;
    const int64_t j = backed && width < LANES ? x->n - LANES : start;
    const int64_t next = backed && vectors == 2 ? width - LANES : LANES;
    const int64_t most = vectors == 1 && PLACES_ROWS > POINTERS ? POINTERS : PLACES_ROWS, groups = (x->m + most - 1) / most;
    for (int64_t group = 0, i = 0; group < groups; group++) { /* groups of nearly the same number of rows */
      const int64_t rows = (x->m - i + groups - group - 1) / (groups - group);
      const NAME(tile_fn) tile = NAME(tiles)[vectors - 1][rows - 1];
      T *c = (T *)x->c + i * x->c_row + j;
      if (backed || width % LANES == 0) {
        tile(x, i, j, next, c, x->c_row, next, x->accumulate);
      } else { /* the edge, through a small array */
        T edge[PLACES_ROWS * PANEL] __attribute__((aligned(64)));
        tile(x, i, j, LANES, edge, vectors * LANES, LANES, 0);
        NAME(put_edge)(rows, width, edge, vectors * LANES, c, x->c_row, x->accumulate);
      }
      i += rows;
    }
  }
}

#include "conv_lines.h"
#include "conv_stencil.h"
#include "conv_mix.h"

/* The start of the square after the one at `i`: the last one ends where the matrix does and overlaps the one before. */
static inline int64_t NAME(next_square)(int64_t i, int64_t side, int64_t total) {
  return i + side < total && i + 2 * side > total ? total - side : i + side;
}

/* Large squares, small ones in a matrix too narrow for these, and single elements where these do not fit either. */
static void NAME(transpose)(int64_t rows, int64_t cols, void *to_, int64_t to_row, const void *from_, int64_t from_row) {
  T *to = to_;
  const T *from = from_;
  if (rows >= SIDE && cols >= SIDE) {
    for (int64_t c = 0; c < cols; c = NAME(next_square)(c, SIDE, cols))
      for (int64_t r = 0; r < rows; r = NAME(next_square)(r, SIDE, rows))
        SQUARE(to + r * to_row + c, to_row, from + c * from_row + r, from_row);
  } else if (rows >= SMALL_SIDE && cols >= SMALL_SIDE) {
    for (int64_t c = 0; c < cols; c = NAME(next_square)(c, SMALL_SIDE, cols))
      for (int64_t r = 0; r < rows; r = NAME(next_square)(r, SMALL_SIDE, rows))
        SMALL(to + r * to_row + c, to_row, from + c * from_row + r, from_row);
  } else {
    for (int64_t r = 0; r < rows; r++)
      for (int64_t c = 0; c < cols; c++) to[r * to_row + c] = from[c * from_row + r];
  }
}

#undef NAME
#undef LANES
#undef PANEL
#undef TILE_FUNCTION
#undef TILE_ENTRY
#undef T
#undef ELEMENT_BYTES
#undef TYPE
#undef SQUARE
#undef SIDE
#undef BITS
#undef SMALL
#undef SMALL_SIDE
