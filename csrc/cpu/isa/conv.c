/* build: -O2 -fno-schedule-insns */
/* conv.c - products of places in an image (cpu/conv.h), by a register tile as in gemm_tile.h, and transposes.
 *
 * A tile finds its rows by pointers, one each, and what p adds to all of them in a table. These are more loads than in a
 * matrix product; but the image need not be laid out as a matrix before.
 */
#include <string.h>
#include "conv.h"
#include "isa.h"
#include "gemm_shape.h"
#include "transpose.h"
#include "unroll.h"

/* The tile, rows x vectors. That of the matrix product, but for AVX-512: outputs come in sixteens, which are one vector or two
 * and seldom three; 14 rows are half a row of windows of a 28 x 28 image. */
#if defined(__AVX512F__)
#define PLACES_ROWS 14
#define PLACES_VECTORS 2
#define ROWS_TO_14(F, N) ROWS_TO_9(F, N) F(10, N) F(11, N) F(12, N) F(13, N) F(14, N)
#define EACH_PLACES_TILE(F) ROWS_TO_14(F, 1) ROWS_TO_14(F, 2)
#else
#define PLACES_ROWS TILE_ROWS
#define PLACES_VECTORS TILE_VECTORS
#define EACH_PLACES_TILE(F) EACH_TILE(F)
#endif
#define POINTERS 10 /* rows of a tile for which there are registers that point at them */

/* Accumulators of conv_lines.h, so many of a times so many of b: with both in registers too, 24 + 4 + 1 of 32, or
 * 9 + 3 + 1 of 16. */
#if defined(__AVX512F__)
#define OF_A 6
#define OF_B 4
#else
#define OF_A 3
#define OF_B 3
#endif

#define STENCIL_LINES 4 /* of two vectors each: 8 sums, as many as two adders of 4 cycles keep busy */

#define T f32
#define BITS int32_t
#define SMALL transpose_square_32x4
#define SMALL_SIDE 4
#define ELEMENT_BYTES 4
#define TYPE f32
#define SQUARE transpose_wide_square_32
#define SIDE WIDE_32
#include "conv_places.h"
#define T f64
#define BITS int64_t
#define SMALL transpose_square_64x2
#define SMALL_SIDE 2
#define ELEMENT_BYTES 8
#define TYPE f64
#define SQUARE transpose_wide_square_64
#define SIDE WIDE_64
#include "conv_places.h"

const nd_conv_table ND_TABLE(conv) = {.lanes = {VECTOR_BYTES / 4, VECTOR_BYTES / 8}, .vectors = TILE_VECTORS,
                                      .product = {product_f32, product_f64}, .lines = {lines_f32, lines_f64},
                                      .stencil = {stencil_f32, stencil_f64},
                                      .transpose = {transpose_f32, transpose_f64}, .mix = {mixed_f32, mixed_f64},
                                      .finite = {finite_f32, finite_f64}};
