/* ladder.h - the family of the matrix-product ladder: the register tile of rungs 7 to 11, in every size. */
#ifndef ND_LADDER_H
#define ND_LADDER_H
#include "kernel_types.h"

/* out[i][j] (+)= sum over p of a[i][p] * b[p][j], for a fixed number of rows and of vectors of columns.
 * a[i][p] is a[i*a_row + p*a_col]: packed, a_row is 1 and a_col the rows of the tile; where it lies, k and 1. */
typedef void nd_tile(int64_t depth, const float *a, int64_t a_row, int64_t a_col, const float *b, int64_t b_row,
                     float *out, int64_t out_row, int add);

enum { ND_TILE_ROWS = 14, ND_TILE_VECTORS = 4, ND_TILE_FLOATS = 14 * 32 }; /* at most, in any instruction set */

typedef struct nd_ladder_table {
  int rows, vectors, lanes;                     /* of the largest tile; floats in a vector */
  nd_tile *tile[ND_TILE_VECTORS][ND_TILE_ROWS]; /* [vectors - 1][rows - 1] */
} nd_ladder_table;
#endif
