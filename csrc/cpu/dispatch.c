/* dispatch.c - the public functions: check the types, pick the row of the instruction set in use, call a driver.
 *
 * Every instruction set has one nd_isa: a struct of tables of row functions. At load the strongest one that this
 * processor supports is chosen; nd_set_isa changes it at any time. Functions that differ only in their name are
 * made from the lists in kernel_lists.h.
 */
#include <string.h>
#include "drivers.h"
#include "errors.h"
#include "parallel.h"

/* ---- instruction sets -------------------------------------------------------------------------------------- */
#define ISA(isa)                                                                                            \
  extern const nd_unary_rows nd_unary_rows_##isa;                                                           \
  extern const nd_math_rows nd_math_rows_##isa;                                                             \
  extern const nd_binary_rows nd_binary_rows_##isa;                                                         \
  extern const nd_power_rows nd_power_rows_##isa;                                                           \
  extern const nd_scalar_rows nd_scalar_rows_##isa;                                                         \
  extern const nd_compare_rows nd_compare_rows_##isa;                                                       \
  extern const nd_move_rows nd_move_rows_##isa;                                                             \
  extern const nd_reducers nd_reducers_##isa;                                                               \
  extern const nd_slice_kernels nd_slice_kernels_##isa;                                                     \
  extern const nd_optim_rows nd_optim_rows_##isa;                                                           \
  extern nd_matmul_kernel nd_matmul_##isa;                                                                  \
  static const nd_isa isa_##isa = {                                                                         \
      #isa,                  &nd_unary_rows_##isa,   &nd_math_rows_##isa, &nd_binary_rows_##isa,            \
      &nd_power_rows_##isa,  &nd_scalar_rows_##isa,  &nd_compare_rows_##isa, &nd_move_rows_##isa,           \
      &nd_reducers_##isa,    &nd_slice_kernels_##isa, &nd_optim_rows_##isa, nd_matmul_##isa};

ISA(base)
#if defined(ND_ISAS_X86)
ISA(avx2)
ISA(avx512)
static const nd_isa *const isas[] = {&isa_base, &isa_avx2, &isa_avx512};
#define ISA_NAMES "base avx2 avx512"
#elif defined(ND_ISAS_ARM64)
ISA(neon)
static const nd_isa *const isas[] = {&isa_base, &isa_neon};
#define ISA_NAMES "base neon"
#else
static const nd_isa *const isas[] = {&isa_base};
#define ISA_NAMES "base"
#endif
enum { ISAS = sizeof isas / sizeof isas[0] };

static const nd_isa *current = &isa_base;

static const nd_isa *find_isa(const char *name) {
  for (int i = 0; i < ISAS; i++)
    if (strcmp(isas[i]->name, name) == 0) return isas[i];
  return NULL;
}

const char *nd_isa_names(void) { return ISA_NAMES; }

int nd_isa_supported(const char *name) {
  if (!find_isa(name)) return 0;
#if defined(ND_ISAS_X86)
  __builtin_cpu_init();
  if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (strcmp(name, "avx512") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#endif
  return 1;
}

const nd_isa *nd_current_isa(void) { return __atomic_load_n(&current, __ATOMIC_RELAXED); }

const char *nd_get_isa(void) { return nd_current_isa()->name; }

int nd_set_isa(const char *name) {
  if (!nd_isa_supported(name)) return ND_EISA;
  __atomic_store_n(&current, find_isa(name), __ATOMIC_RELAXED);
  return ND_OK;
}

__attribute__((constructor)) static void choose_strongest(void) {
  for (int i = 0; i < ISAS; i++) nd_set_isa(isas[i]->name);
}

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
