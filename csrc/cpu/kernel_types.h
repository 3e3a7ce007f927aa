/* kernel_types.h - what the compiled-once half (drivers) and the per-instruction-set half (isa/) share.
 *
 * A kernel is a pair: a DRIVER, compiled once, that walks a plan, cuts it into rows and shares them out to
 * threads; and a ROW function, compiled for each instruction set, that computes one row. Rows know nothing of
 * dimensions, drivers nothing of arithmetic: one elementwise driver serves some two hundred loops.
 */
#ifndef ND_KERNEL_TYPES_H
#define ND_KERNEL_TYPES_H
#include <stdint.h>
#include "families.h"
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

/* The functions of one kernel for the five element types, in the order of enum nd_dtype. */
#define ND_FUNCTIONS_FLOATS(name) {name##_f32, name##_f64, 0, 0, 0}
#define ND_FUNCTIONS_NUMBERS(name) {name##_f32, name##_f64, name##_i32, name##_i64, 0}
#define ND_FUNCTIONS_ALL(name) {name##_f32, name##_f64, name##_i32, name##_i64, name##_b8}
#define ND_FUNCTIONS_BOOLS(name) {0, 0, 0, 0, name##_b8}

/* Everything that is compiled once for each instruction set: the table of each family. */
#define ND_FAMILY_MEMBER(family, table, isa) const struct nd_##family##_table *family;
typedef struct nd_isa {
  const char *name;
  ND_FAMILIES(ND_FAMILY_MEMBER, )
} nd_isa;
#undef ND_FAMILY_MEMBER

/* The instruction set in use (instruction_sets.c). */
const nd_isa *nd_current_isa(void);
#endif
