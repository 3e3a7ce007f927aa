/* gemm_vector.h - matrix times vector. Every number of the matrix is used once, so nothing is worth packing and
 * the speed is that of reading memory; what matters is to read along the rows as they lie.
 * Included by gemm_type.h once per element type.
 */
#define WIDE 8 /* accumulators: enough to hide the latency of a multiply-add */

/* out[j] = sum over p of a[p] b[p][j], the rows of b contiguous: WIDE vectors of columns at a time. */
static void NAME(row_times_matrix)(const product *x) {
  const T *a = x->a;
  T *c = x->c;
  int64_t j = 0;
  for (; j + WIDE * LANES <= x->n; j += WIDE * LANES) {
    const T *b = (const T *)x->b + j;
    V acc[WIDE] = {{0}};
    for (int64_t p = 0; p < x->k; p++)
#pragma GCC unroll 8
      for (int i = 0; i < WIDE; i++) acc[i] += a[p * x->a_col] * (V)*(const U *)(b + p * x->b_row + i * LANES);
    const T *sum = (const T *)acc;
    for (int64_t i = 0; i < WIDE * LANES; i++) c[(j + i) * x->c_col] = sum[i];
  }
  for (; j + LANES <= x->n; j += LANES) {
    const T *b = (const T *)x->b + j;
    V acc = {0};
    for (int64_t p = 0; p < x->k; p++) acc += a[p * x->a_col] * (V)*(const U *)(b + p * x->b_row);
    for (int64_t i = 0; i < LANES; i++) c[(j + i) * x->c_col] = acc[i];
  }
  for (; j < x->n; j++) {
    const T *b = (const T *)x->b + j;
    T sum = 0;
    for (int64_t p = 0; p < x->k; p++) sum += a[p * x->a_col] * b[p * x->b_row];
    c[j * x->c_col] = sum;
  }
}

/* out[i] = sum over p of a[i][p] b[p], the rows of a and b contiguous: `rows` dot products side by side. */
static inline __attribute__((always_inline)) void NAME(dot_products)(const int rows, const product *x, int64_t i) {
  const T *a = (const T *)x->a + i * x->a_row, *b = x->b;
  V acc[4][2] = {{{0}}};
  int64_t p = 0;
  for (; p + 2 * LANES <= x->k; p += 2 * LANES)
#pragma GCC unroll 4
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
      for (int half = 0; half < 2; half++) {
        const int64_t at = p + half * LANES;
        acc[r][half] += (V)*(const U *)(a + r * x->a_row + at) * (V)*(const U *)(b + at);
      }
  for (int r = 0; r < rows; r++) {
    const V both = acc[r][0] + acc[r][1];
    T sum = 0;
    for (int64_t q = p; q < x->k; q++) sum += a[r * x->a_row + q] * b[q];
    for (int lane = 0; lane < LANES; lane++) sum += both[lane];
    ((T *)x->c)[(i + r) * x->c_row] = sum;
  }
}

static void NAME(matrix_times_column)(const product *x) {
  int64_t i = 0;
  for (; i + 4 <= x->m; i += 4) NAME(dot_products)(4, x, i);
  for (; i < x->m; i++) NAME(dot_products)(1, x, i);
}
#undef WIDE
