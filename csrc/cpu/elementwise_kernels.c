/* elementwise_kernels.c - the public functions of the elementwise kernels: check the types, pick the row of the
 * instruction set in use, call the driver. They differ only in their names and are made from elementwise_kernels.h.
 */
#include "elementwise_kernels.h"
#include "elementwise.h"
#include "parallel.h"

static int run_plan(const nd_plan *p, int operands, nd_row *const *rows, int result, int64_t grain,
                    void *const *data, double scalar) {
  const int type = p->dtype[1];
  if (!nd_is_dtype(type) || !rows[type] || p->dtype[0] != result) return ND_EDTYPE;
  if (operands == 3 && p->dtype[2] != type) return ND_EDTYPE;
  return nd_run_elementwise(p, operands, rows[type], grain, data, scalar);
}

static int run_dense(int type, int64_t n, int operands, nd_row *const *rows, int result, int64_t grain,
                     void *const *data, double scalar) {
  if (!nd_is_dtype(type) || !rows[type]) return ND_EDTYPE;
  const int size = nd_item_size(type);
  return nd_run_dense(n, operands, (int[]){nd_item_size(result), size, size}, rows[type], grain, data, scalar);
}

/* The element type of the output. */
#define TYPE_SAME(input) (input)
#define TYPE_BOOL(input) ND_BOOL

/* The two functions of a kernel, by its form. */
#define KERNEL_ONE(family, name, result, cost)                                                              \
  int nd_##name(const nd_plan *p, void *out, const void *a) {                                               \
    return run_plan(p, 2, nd_current_isa()->family->name, TYPE_##result(p->dtype[1]), ND_GRAIN_##cost,      \
                    (void *[]){out, (void *)a}, 0);                                                         \
  }                                                                                                         \
  int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a) {                                   \
    return run_dense(dtype, n, 2, nd_current_isa()->family->name, TYPE_##result(dtype), ND_GRAIN_##cost,    \
                     (void *[]){out, (void *)a}, 0);                                                        \
  }
#define KERNEL_TWO(family, name, result, cost)                                                              \
  int nd_##name(const nd_plan *p, void *out, const void *a, const void *b) {                                \
    return run_plan(p, 3, nd_current_isa()->family->name, TYPE_##result(p->dtype[1]), ND_GRAIN_##cost,      \
                    (void *[]){out, (void *)a, (void *)b}, 0);                                              \
  }                                                                                                         \
  int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a, const void *b) {                    \
    return run_dense(dtype, n, 3, nd_current_isa()->family->name, TYPE_##result(dtype), ND_GRAIN_##cost,    \
                     (void *[]){out, (void *)a, (void *)b}, 0);                                             \
  }
#define KERNEL_WITH_SCALAR(family, name, result, cost)                                                      \
  int nd_##name(const nd_plan *p, void *out, const void *a, double s) {                                     \
    return run_plan(p, 2, nd_current_isa()->family->name, TYPE_##result(p->dtype[1]), ND_GRAIN_##cost,      \
                    (void *[]){out, (void *)a}, s);                                                         \
  }                                                                                                         \
  int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a, double s) {                         \
    return run_dense(dtype, n, 2, nd_current_isa()->family->name, TYPE_##result(dtype), ND_GRAIN_##cost,    \
                     (void *[]){out, (void *)a}, s);                                                        \
  }

#define KERNEL(family, form, name, result, cost, types) KERNEL_##form(family, name, result, cost)
#define FAMILY_ROWS(family) ND_ROWS_##family(KERNEL)
#define FAMILY_OWN(family)
#define FAMILY(family, table, isa) FAMILY_##table(family)
ND_FAMILIES(FAMILY, )
