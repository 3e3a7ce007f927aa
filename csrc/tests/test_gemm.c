/* test_gemm.c - nd_matmul against three plain loops, for every instruction set this processor has.
 *
 * Entries are small whole numbers, so every product and every sum is exact in every type and the comparison is
 * for equality: a wrong index or a lane too many cannot hide behind a tolerance. Each operand lies in a buffer of
 * its own, of exactly the size it needs, so that AddressSanitizer sees a read or write one element outside.
 * Prints what failed and returns 1, or returns 0.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "caches.h"
#include "needle_kernels.h"

static const int64_t bytes_of[4] = {4, 8, 4, 8};
static const char *type_name[4] = {"f32", "f64", "i32", "i64"};
static const char *layout_name[] = {"row-major", "transposed", "every second", "reversed", "one row for all"};
enum { ROW_MAJOR, TRANSPOSED, SPACED, REVERSED, REPEATED, LAYOUTS };

static int failures = 0, checks = 0;

static double get(int type, const void *p, int64_t i) {
  switch (type) {
    case ND_F32: return ((const float *)p)[i];
    case ND_F64: return ((const double *)p)[i];
    case ND_I32: return ((const int32_t *)p)[i];
    default: return (double)((const int64_t *)p)[i];
  }
}

static void put(int type, void *p, int64_t i, double value) {
  switch (type) {
    case ND_F32: ((float *)p)[i] = (float)value; break;
    case ND_F64: ((double *)p)[i] = value; break;
    case ND_I32: ((int32_t *)p)[i] = (int32_t)value; break;
    default: ((int64_t *)p)[i] = (int64_t)value; break;
  }
}

/* How batch x rows x columns elements lie in memory: strides, where element 0 is, and how many elements in all. */
typedef struct lay {
  int64_t batch, row, col, offset, count;
} lay;

static lay lay_out(int layout, int64_t batches, int64_t rows, int64_t cols) {
  lay l = {rows * cols, cols, 1, 0, batches * rows * cols};
  if (layout == TRANSPOSED) l.row = 1, l.col = rows;
  if (layout == SPACED) {
    l = (lay){rows * cols * 6, cols * 6, 2, 0, 0};
    l.count = batches && rows && cols ? (batches - 1) * l.batch + (rows - 1) * l.row + (cols - 1) * 2 + 1 : 0;
  }
  if (layout == REPEATED) l = (lay){cols, 0, 1, 0, batches * cols}; /* broadcast; an operand only */
  if (layout == REVERSED) l.row = -cols, l.col = -1, l.offset = rows * cols - 1;
  return l;
}

static void *buffer(int type, int64_t count, unsigned seed) {
  void *p = malloc(count ? (size_t)(count * bytes_of[type]) : 1);
  for (int64_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    put(type, p, i, (double)(int)((seed >> 20) % 17) - 8);
  }
  return p;
}

static void check(const char *isa, int type, int64_t batches, int64_t m, int64_t n, int64_t k, int la, int lb,
                  int lc, int shared_b) {
  const lay a = lay_out(la, batches, m, k), c = lay_out(lc, batches, m, n);
  lay b = lay_out(lb, shared_b ? 1 : batches, k, n);
  if (shared_b) b.batch = 0;
  void *pa = buffer(type, a.count, 1), *pb = buffer(type, b.count, 2), *pc = buffer(type, c.count, 3);
  const nd_plan plan = {.ndim = 4, .dtype = {type, type, type}, .size = batches * m * n * k,
                        .shape = {batches, m, n, k}, .offset = {c.offset, a.offset, b.offset},
                        .stride = {{c.batch, c.row, c.col, 0}, {a.batch, a.row, 0, a.col}, {b.batch, 0, b.col, b.row}}};
  const int error = nd_matmul(&plan, pc, pa, pb);
  int wrong = error != ND_OK;
  for (int64_t batch = 0; batch < batches && !wrong; batch++)
    for (int64_t i = 0; i < m && !wrong; i++)
      for (int64_t j = 0; j < n && !wrong; j++) {
        double want = 0;
        for (int64_t p = 0; p < k; p++)
          want += get(type, pa, a.offset + batch * a.batch + i * a.row + p * a.col) *
                  get(type, pb, b.offset + batch * b.batch + p * b.row + j * b.col);
        const double got = get(type, pc, c.offset + batch * c.batch + i * c.row + j * c.col);
        if (got != want) {
          wrong = 1;
          printf("[%lld][%lld][%lld]: got %g, wanted %g\n", (long long)batch, (long long)i, (long long)j, got, want);
        }
      }
  checks++;
  if (wrong) {
    failures++;
    printf("  matmul %s %s error %d: %lld x (%lld x %lld x %lld), a %s, b %s%s, out %s\n", isa, type_name[type], error,
           (long long)batches, (long long)m, (long long)n, (long long)k, layout_name[la], layout_name[lb],
           shared_b ? " shared" : "", layout_name[lc]);
  }
  free(pa), free(pb), free(pc);
}

/* m, n, k: single elements and vectors, tile edges of every instruction set, more than one block of k, threads. */
static const int64_t shapes[][3] = {
    {1, 1, 1},   {1, 1, 40},  {1, 37, 19},  {37, 1, 19},   {3, 5, 0},     {4, 4, 4},    {5, 7, 3},    {6, 16, 8},
    {7, 17, 9},  {13, 31, 5}, {14, 33, 33}, {16, 10, 100}, {45, 45, 16},  {29, 64, 97}, {67, 130, 71}, {2, 3, 811},
    {181, 9, 2}, {9, 300, 4}, {180, 140, 3}, {1, 300, 300}, {300, 1, 300}, {9, 300, 1}, {70, 48, 40}, {70, 32, 9},
};

/* How often two and three threads make the same product. Other bits come from the compiled library as it is shipped;
 * AddressSanitizer, under which a product takes ten times as long, asks where they read and write. */
#ifdef __SANITIZE_ADDRESS__
enum { TIMES = 1 };
#else
enum { TIMES = 3 };
#endif

#ifdef EMULATED
enum { EACH = 3 }; /* of the pairs of layouts, for each shape and type others: an emulator is slow */
#else
enum { EACH = 1 };
#endif

static void check_isa(const char *isa) {
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    const int64_t m = shapes[s][0], n = shapes[s][1], k = shapes[s][2];
    for (int type = ND_F32; type <= ND_I64; type++)
      for (int la = 0; la < LAYOUTS; la++)
        for (int lb = 0; lb < LAYOUTS; lb++) {
          if ((la + lb + type + (int)s) % EACH) continue;
          check(isa, type, 1, m, n, k, la, lb, ROW_MAJOR, 0);
          if (m * n * k < 5000) check(isa, type, 3, m, n, k, la, lb, (la + lb) % REPEATED, lb == TRANSPOSED);
        }
    check(isa, ND_F32, 1, m, n, k, ROW_MAJOR, ROW_MAJOR, TRANSPOSED, 0);
    check(isa, ND_F32, 1, m, n, k, TRANSPOSED, ROW_MAJOR, SPACED, 0);
  }
}

/* A product large enough for threads to help each other: right, and the same bits for any number of threads, each time. */
static void check_help(const char *isa, int type, int la) {
  const int64_t m = 180, n = 800, k = 514, bytes = type == ND_F32 ? 4 : 8;
  const lay a = lay_out(la, 1, m, k), b = lay_out(ROW_MAJOR, 1, k, n);
  void *pa = buffer(type, a.count, 1), *pb = buffer(type, b.count, 2), *pc[2];
  for (int64_t i = 0; i < a.count; i++) put(type, pa, i, sin((double)i));
  for (int64_t i = 0; i < b.count; i++) put(type, pb, i, cos((double)i));
  const nd_plan plan = {.ndim = 3, .dtype = {type, type, type}, .size = m * n * k, .shape = {m, n, k},
                        .offset = {0, a.offset, b.offset}, .stride = {{n, 1, 0}, {a.row, 0, a.col}, {0, b.col, b.row}}};
  for (int i = 0; i < 2; i++) pc[i] = buffer(type, m * n, 3);
  int wrong = 0;
  for (int threads = 1; threads <= 3 && !wrong; threads++)
    for (int again = 0; again < (threads == 1 ? 1 : TIMES) && !wrong; again++) {
      nd_set_num_threads(threads);
      wrong = nd_matmul(&plan, pc[threads > 1], pa, pb) != ND_OK ||
              (threads > 1 && memcmp(pc[0], pc[1], (size_t)(m * n * bytes)) != 0);
      memset(pc[1], 0, (size_t)(m * n * bytes));
    }
  for (int64_t i = 0; i < m && !wrong; i += 3)
    for (int64_t j = i % 7; j < n && !wrong; j += 7) {
      double want = 0;
      for (int64_t p = 0; p < k; p++)
        want += get(type, pa, a.offset + i * a.row + p * a.col) * get(type, pb, b.offset + p * b.row + j * b.col);
      wrong = fabs(get(type, pc[0], i * n + j) - want) > (type == ND_F32 ? 1e-4 : 1e-12);
    }
  checks++;
  if (wrong) failures++, printf("  matmul %s %s: %lld x %lld x %lld, a %s, in threads that help each other\n", isa,
                                type_name[type], (long long)m, (long long)n, (long long)k, layout_name[la]);
  free(pa), free(pb), free(pc[0]), free(pc[1]);
}

int main(void) {
  char names[128], *rest = names;
  snprintf(names, sizeof names, "%s", nd_isa_names());
  for (char *isa = strtok_r(rest, " ", &rest); isa; isa = strtok_r(NULL, " ", &rest)) {
    if (!nd_isa_supported(isa)) continue;
    if (nd_set_isa(isa) != ND_OK) return printf("cannot choose %s\n", isa), 1;
    const nd_caches own = nd_cache_sizes, small = {.l1 = 1 << 10, .l2 = 1 << 10}, large = {.l1 = 1 << 20, .l2 = 64 << 20};
    nd_set_num_threads(1);
    check_isa(isa);
    for (int size = 0; size < 3; size++) { /* small caches: many blocks in a small product, and threads that help */
      nd_cache_sizes = size == 0 ? small : size == 1 ? own : large;
      for (int type = ND_F32; type <= ND_F64; type++) check_help(isa, type, ROW_MAJOR), check_help(isa, type, TRANSPOSED);
    }
    nd_cache_sizes = small;
    nd_set_num_threads(3);
    check_isa(isa);
    nd_cache_sizes = own;
  }
  const nd_plan bad = {.ndim = 2}, mixed = {.ndim = 3, .dtype = {ND_F32, ND_F64, ND_F32}, .shape = {1, 1, 1}, .size = 1};
  double one = 1;
  if (nd_matmul(&bad, &one, &one, &one) != ND_EPLAN) failures++, printf("two dimensions: no ND_EPLAN\n");
  if (nd_matmul(&mixed, &one, &one, &one) != ND_EDTYPE) failures++, printf("mixed types: no ND_EDTYPE\n");
  printf("matmul: %d products checked, %d wrong\n", checks, failures);
  return failures != 0;
}
