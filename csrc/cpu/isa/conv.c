/* build: -O2 -fno-schedule-insns */
/* conv.c - products of places in an image (cpu/conv.h), by the register tile of gemm_tile.h, and transposes.
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

#define T f32
#define ELEMENT_BYTES 4
#define TYPE f32
#define SQUARE transpose_wide_square_32
#define SIDE WIDE_32
#include "conv_places.h"
#define T f64
#define ELEMENT_BYTES 8
#define TYPE f64
#define SQUARE transpose_wide_square_64
#define SIDE WIDE_64
#include "conv_places.h"

const nd_conv_table ND_TABLE(conv) = {.lanes = {VECTOR_BYTES / 4, VECTOR_BYTES / 8},
                                      .product = {product_f32, product_f64},
                                      .transpose = {transpose_f32, transpose_f64}};
