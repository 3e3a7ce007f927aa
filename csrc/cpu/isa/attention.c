/* attention.c - attention of one head, forward and backward, without ever holding all its scores.
 *
 * Read attention_type.h; this file names what it is made of. The matrix products are gemm.c's, on the calling thread;
 * a block of queries is what those multiply with a matrix that lies row by row without packing it (DIRECT_B_ROWS).
 */
#include <math.h>
#include <string.h>
#include "attention.h"
#include "gemm.h"
#include "gemm_shape.h"
#include "philox.h"
#include "pool.h"
#include "rows.h"
#include "transpose.h"
#include "vecmath.h"

extern const nd_gemm_table ND_TABLE(gemm);

enum { QUERIES = DIRECT_B_ROWS, KEYS = 256 }; /* of a block; its scores and what belongs to it stay in L2 */

#define T f32
#define TYPE f32
#define CODE ND_F32
#define W 16 /* 64 bytes: one register, or several */
#define SQUARE 4
#define TRANSPOSE_SQUARE transpose_square_32x4
#include "attention_type.h"
#define T f64
#define TYPE f64
#define CODE ND_F64
#define W 8
#define SQUARE 2
#define TRANSPOSE_SQUARE transpose_square_64x2
#include "attention_type.h"

const nd_attention_table ND_TABLE(attention) = {
    .block = {QUERIES, QUERIES}, .forward = {forward_f32, forward_f64}, .backward = {backward_f32, backward_f64}};
