/* scan.c - running sums and products along a line: out[k] = a[0] + a[1] + ... + a[k].
 *
 * Each element waits for the one before it, so wide registers gain nothing and this is compiled once. A float32 line is
 * added up in float64, as in PyTorch: over a million elements a float32 total would lose its last digits. Integers
 * and bools become int64; unsigned arithmetic wraps where signed overflow would be undefined.
 */
#include "lines.h"
#include "parallel.h"

#define SCAN(name, in, out_t, total_t, first, step)                                                            \
  static void name(int64_t n, void *out_, int64_t s_out, const void *a_, int64_t s_a, int flag, void *scratch) { \
    const in *a = a_;                                                                                          \
    out_t *out = out_;                                                                                         \
    total_t total = first;                                                                                     \
    (void)flag, (void)scratch;                                                                                 \
    for (int64_t i = 0; i < n; i++) {                                                                          \
      total step (total_t)a[i * s_a];                                                                          \
      out[i * s_out] = (out_t)total;                                                                           \
    }                                                                                                          \
  }
SCAN(sum_f32, f32, f32, double, 0, +=)
SCAN(sum_f64, f64, f64, double, 0, +=)
SCAN(sum_i32, i32, i64, uint64_t, 0, +=)
SCAN(sum_i64, i64, i64, uint64_t, 0, +=)
SCAN(sum_b8, b8, i64, uint64_t, 0, +=)
SCAN(prod_f32, f32, f32, double, 1, *=)
SCAN(prod_f64, f64, f64, double, 1, *=)
SCAN(prod_i32, i32, i64, uint64_t, 1, *=)
SCAN(prod_i64, i64, i64, uint64_t, 1, *=)
SCAN(prod_b8, b8, i64, uint64_t, 1, *=)

static nd_line *const sums[] = ND_FUNCTIONS_ALL(sum), *const products[] = ND_FUNCTIONS_ALL(prod);

static int run(const nd_plan *p, nd_line *const *scans, void *out, const void *a) {
  const int type = p->dtype[1];
  if (!nd_is_dtype(type) || p->dtype[0] != (type <= ND_F64 ? type : ND_I64)) return ND_EDTYPE;
  return nd_run_lines(p, scans[type], ND_GRAIN_CHEAP, 0, 0, out, a);
}

int nd_cumsum(const nd_plan *p, void *out, const void *a) { return run(p, sums, out, a); }
int nd_cumprod(const nd_plan *p, void *out, const void *a) { return run(p, products, out, a); }
