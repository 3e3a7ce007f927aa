/* kernel_types.h - what the compiled-once half (drivers, dispatch) and the per-instruction-set half share.
 *
 * A kernel is a pair: a DRIVER, compiled once, that walks a plan, cuts it into rows and shares them out to
 * threads; and a ROW function, compiled for each instruction set, that computes one row. Rows know nothing of
 * dimensions, drivers nothing of arithmetic: one elementwise driver serves some two hundred loops.
 */
#ifndef ND_KERNEL_TYPES_H
#define ND_KERNEL_TYPES_H
#include <stdint.h>
#include "kernel_lists.h"
#include "needle_kernels.h"

typedef float f32;
typedef double f64;
typedef int32_t i32;
typedef int64_t i64;
typedef uint8_t b8; /* a bool: 0 or 1 */

enum { ND_DTYPES = 5 };

static inline int nd_item_size(int dtype) {
  static const int size[ND_DTYPES] = {4, 8, 4, 8, 1};
  return size[dtype];
}
static inline int nd_is_dtype(int dtype) { return dtype >= 0 && dtype < ND_DTYPES; }

/* One row of an elementwise kernel: n elements; data[0] is the output, data[1..] the inputs, each at its first
 * element; stride[k] (in elements) leads from one element of operand k to the next. */
typedef void nd_row(int64_t n, void *const *data, const int64_t *stride, double scalar);

/* Rows x cols elements of one operand, copied to a compact block dst[rows][cols]; strides in elements. */
typedef void nd_pack(int64_t rows, int64_t cols, void *dst, const void *src, int64_t row_stride, int64_t col_stride);

/* One reduction of one element type. Accumulators are f64 for sum and prod of floats, i64 of integers and bools,
 * and the element type itself for max and min. */
typedef struct nd_reducer {
  /* acc[r] = acc[r] o a[r][0] o a[r][1] o ...: each row shrinks to one number */
  void (*rows)(int64_t rows, int64_t cols, const void *a, int64_t row_stride, int64_t col_stride, void *acc);
  /* acc[c] = acc[c] o a[0][c] o a[1][c] o ...: all rows are laid on top of each other */
  void (*columns)(int64_t rows, int64_t cols, const void *a, int64_t row_stride, int64_t col_stride, void *acc);
  void (*start)(int64_t n, void *acc);                                  /* acc[i] = the neutral element */
  void (*merge)(int64_t n, void *acc, const void *other);               /* acc[i] = acc[i] o other[i] */
  void (*finish)(int64_t n, void *out, int64_t stride, const void *acc); /* out[i*stride] = acc[i] */
  int result;   /* element type of the output */
  int acc_size; /* bytes of an accumulator */
} nd_reducer;

/* Everything that is compiled once for each instruction set. */
#define ND_ROW_MEMBER(name, result, cost, types) nd_row *name[ND_DTYPES];
typedef struct nd_unary_rows { ND_UNARY_LIST(ND_ROW_MEMBER) } nd_unary_rows;
typedef struct nd_math_rows { ND_MATH_LIST(ND_ROW_MEMBER) } nd_math_rows;
typedef struct nd_binary_rows { ND_BINARY_LIST(ND_ROW_MEMBER) } nd_binary_rows;
typedef struct nd_power_rows { ND_POWER_LIST(ND_ROW_MEMBER) ND_POWER_SCALAR_LIST(ND_ROW_MEMBER) } nd_power_rows;
typedef struct nd_scalar_rows { ND_SCALAR_LIST(ND_ROW_MEMBER) } nd_scalar_rows;
typedef struct nd_compare_rows { ND_COMPARE_LIST(ND_ROW_MEMBER) ND_COMPARE_SCALAR_LIST(ND_ROW_MEMBER) } nd_compare_rows;

typedef struct nd_move_rows {
  nd_row *fill[ND_DTYPES];            /* out = scalar */
  nd_row *where[ND_DTYPES];           /* out = cond ? a : b */
  nd_row *copy[ND_DTYPES][ND_DTYPES]; /* [to][from] */
  nd_pack *pack[9];                   /* by item size: 1, 4, 8 */
} nd_move_rows;

#define ND_REDUCE_MEMBER(name) nd_reducer name[ND_DTYPES];
typedef struct nd_reducers { ND_REDUCE_LIST(ND_REDUCE_MEMBER) } nd_reducers;

/* Whole contiguous rows, `down` elements apart; out[r * to] is the answer of row r. */
typedef void nd_slice(int64_t rows, int64_t n, const void *a, int64_t down, void *out, int64_t to);
typedef struct nd_slice_kernels {
  nd_slice *logsumexp[ND_DTYPES];
  nd_slice *argmax[ND_DTYPES];
  nd_slice *argmin[ND_DTYPES];
} nd_slice_kernels;

typedef struct nd_optim_rows {
  void (*sgd[2])(int64_t n, void *out, const void *p, const void *g, void *u, double lr, double momentum,
                 double weight_decay);
  void (*adam[2])(int64_t n, void *out, const void *p, const void *g, void *m, void *v, double lr, double b1,
                  double b2, double eps, double weight_decay, double correct1, double correct2);
} nd_optim_rows;

typedef int nd_matmul_kernel(const nd_plan *p, void *out, const void *a, const void *b);

typedef struct nd_isa {
  const char *name;
  const nd_unary_rows *unary;
  const nd_math_rows *math;
  const nd_binary_rows *binary;
  const nd_power_rows *power;
  const nd_scalar_rows *scalar;
  const nd_compare_rows *compare;
  const nd_move_rows *move;
  const nd_reducers *reduce;
  const nd_slice_kernels *slice;
  const nd_optim_rows *optim;
  nd_matmul_kernel *matmul;
} nd_isa;

/* The instruction set in use (instruction_sets.c). */
const nd_isa *nd_current_isa(void);
#endif
