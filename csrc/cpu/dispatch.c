/* dispatch.c - the public functions: check the types, pick the row of the instruction set in use, call a driver.
 *
 * Functions that differ only in their name are made from the lists in kernel_lists.h.
 */
#include "drivers.h"
#include "errors.h"
#include "parallel.h"

/* ---- elementwise: SAME and BOOL name the output's type ----------------------------------------------------- */
#define TYPE_SAME(input) (input)
#define TYPE_BOOL(input) ND_BOOL

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

#define ONE_OPERAND(table, name, result, cost)                                                              \
  int nd_##name(const nd_plan *p, void *out, const void *a) {                                               \
    return run_plan(p, 2, nd_current_isa()->table->name, TYPE_##result(p->dtype[1]), ND_GRAIN_##cost,       \
                    (void *[]){out, (void *)a}, 0);                                                         \
  }                                                                                                         \
  int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a) {                                   \
    return run_dense(dtype, n, 2, nd_current_isa()->table->name, TYPE_##result(dtype), ND_GRAIN_##cost,     \
                     (void *[]){out, (void *)a}, 0);                                                        \
  }
#define TWO_OPERANDS(table, name, result, cost)                                                             \
  int nd_##name(const nd_plan *p, void *out, const void *a, const void *b) {                                \
    return run_plan(p, 3, nd_current_isa()->table->name, TYPE_##result(p->dtype[1]), ND_GRAIN_##cost,       \
                    (void *[]){out, (void *)a, (void *)b}, 0);                                              \
  }                                                                                                         \
  int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a, const void *b) {                    \
    return run_dense(dtype, n, 3, nd_current_isa()->table->name, TYPE_##result(dtype), ND_GRAIN_##cost,     \
                     (void *[]){out, (void *)a, (void *)b}, 0);                                             \
  }
#define OPERAND_AND_SCALAR(table, name, result, cost)                                                       \
  int nd_##name(const nd_plan *p, void *out, const void *a, double s) {                                     \
    return run_plan(p, 2, nd_current_isa()->table->name, TYPE_##result(p->dtype[1]), ND_GRAIN_##cost,       \
                    (void *[]){out, (void *)a}, s);                                                         \
  }                                                                                                         \
  int nd_##name##_dense(int dtype, int64_t n, void *out, const void *a, double s) {                         \
    return run_dense(dtype, n, 2, nd_current_isa()->table->name, TYPE_##result(dtype), ND_GRAIN_##cost,     \
                     (void *[]){out, (void *)a}, s);                                                        \
  }

#define X(name, result, cost, types) ONE_OPERAND(unary, name, result, cost)
ND_UNARY_LIST(X)
#undef X
#define X(name, result, cost, types) ONE_OPERAND(math, name, result, cost)
ND_MATH_LIST(X)
#undef X
#define X(name, result, cost, types) TWO_OPERANDS(binary, name, result, cost)
ND_BINARY_LIST(X)
#undef X
#define X(name, result, cost, types) TWO_OPERANDS(power, name, result, cost)
ND_POWER_LIST(X)
#undef X
#define X(name, result, cost, types) TWO_OPERANDS(compare, name, result, cost)
ND_COMPARE_LIST(X)
#undef X
#define X(name, result, cost, types) OPERAND_AND_SCALAR(scalar, name, result, cost)
ND_SCALAR_LIST(X)
#undef X
#define X(name, result, cost, types) OPERAND_AND_SCALAR(power, name, result, cost)
ND_POWER_SCALAR_LIST(X)
#undef X
#define X(name, result, cost, types) OPERAND_AND_SCALAR(compare, name, result, cost)
ND_COMPARE_SCALAR_LIST(X)
#undef X

/* ---- fill, copy, where ------------------------------------------------------------------------------------- */
int nd_fill(const nd_plan *p, void *out, double value) {
  if (!nd_is_dtype(p->dtype[0])) return ND_EDTYPE;
  return nd_run_elementwise(p, 1, nd_current_isa()->move->fill[p->dtype[0]], ND_GRAIN_CHEAP, &out, value);
}

int nd_fill_dense(int dtype, int64_t n, void *out, double value) {
  if (!nd_is_dtype(dtype)) return ND_EDTYPE;
  const int size = nd_item_size(dtype);
  return nd_run_dense(n, 1, &size, nd_current_isa()->move->fill[dtype], ND_GRAIN_CHEAP, &out, value);
}

int nd_copy(const nd_plan *p, void *out, const void *a) {
  if (!nd_is_dtype(p->dtype[0]) || !nd_is_dtype(p->dtype[1])) return ND_EDTYPE;
  return nd_run_elementwise(p, 2, nd_current_isa()->move->copy[p->dtype[0]][p->dtype[1]], ND_GRAIN_CHEAP,
                            (void *[]){out, (void *)a}, 0);
}

int nd_where(const nd_plan *p, void *out, const void *cond, const void *a, const void *b) {
  const int type = p->dtype[0];
  if (!nd_is_dtype(type) || p->dtype[1] != ND_BOOL || p->dtype[2] != type || p->dtype[3] != type) return ND_EDTYPE;
  return nd_run_elementwise(p, 4, nd_current_isa()->move->where[type], ND_GRAIN_CHEAP,
                            (void *[]){out, (void *)cond, (void *)a, (void *)b}, 0);
}

/* ---- reductions -------------------------------------------------------------------------------------------- */
#define X(name)                                                                                             \
  int nd_##name(const nd_plan *p, void *out, const void *a) {                                               \
    if (!nd_is_dtype(p->dtype[1])) return ND_EDTYPE;                                                        \
    return nd_run_reduce(p, &nd_current_isa()->reduce->name[p->dtype[1]], out, a);                          \
  }
ND_REDUCE_LIST(X)
#undef X

#define SLICES(name, result, grain)                                                                         \
  int nd_##name(const nd_plan *p, void *out, const void *a) {                                               \
    nd_slice *const *kernels = nd_current_isa()->slice->name;                                               \
    if (!nd_is_dtype(p->dtype[1]) || !kernels[p->dtype[1]]) return ND_EDTYPE;                               \
    return nd_run_slices(p, kernels[p->dtype[1]], result, grain, out, a);                                   \
  }
SLICES(argmax, ND_I64, ND_GRAIN_REDUCE)
SLICES(argmin, ND_I64, ND_GRAIN_REDUCE)
SLICES(logsumexp, p->dtype[1], ND_GRAIN_COSTLY)

/* ---- matrix product ---------------------------------------------------------------------------------------- */
int nd_matmul(const nd_plan *p, void *out, const void *a, const void *b) {
  return nd_current_isa()->matmul(p, out, a, b);
}
