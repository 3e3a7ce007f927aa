/* gemm_vector.h - matrix times vector. Every number of the matrix is used once, so nothing is worth packing and
 * the speed is that of reading memory; what matters is to read along the rows as they lie.
 * Included by gemm_type.h once per element type.
 */
#define STRETCH 2048 /* numbers of out: 8 KB of float32 */

/* out[j] = sum over p of a[p] b[p][j], the rows of b and out contiguous: four rows of b at a time are added to a
 * stretch of out that stays in the first-level cache. */
static void NAME(row_times_matrix)(const product *x) {
  const T *a = x->a;
  const int64_t step = x->b_row;
  for (int64_t start = 0; start < x->n; start += STRETCH) {
    const int64_t n = x->n - start < STRETCH ? x->n - start : STRETCH;
    const T *b = (const T *)x->b + start;
    T *c = (T *)x->c + start;
    memset(c, 0, n * sizeof(T));
    int64_t p = 0;
    for (; p + 4 <= x->k; p += 4, b += 4 * step) {
      const T a0 = a[p * x->a_col], a1 = a[(p + 1) * x->a_col], a2 = a[(p + 2) * x->a_col], a3 = a[(p + 3) * x->a_col];
      int64_t j = 0;
      for (; j + LANES <= n; j += LANES) {
        const V lower = a0 * (V)*(const U *)(b + j) + a1 * (V)*(const U *)(b + step + j);
        const V upper = a2 * (V)*(const U *)(b + 2 * step + j) + a3 * (V)*(const U *)(b + 3 * step + j);
        *(U *)(c + j) += lower + upper;
      }
      for (; j < n; j++) c[j] += (a0 * b[j] + a1 * b[step + j]) + (a2 * b[2 * step + j] + a3 * b[3 * step + j]);
    }
    for (; p < x->k; p++, b += step)
      for (int64_t j = 0; j < n; j++) c[j] += a[p * x->a_col] * b[j];
  }
}

/* out[i] = sum over p of a[i][p] b[p], the rows of a and b contiguous: `rows` dot products side by side. */
static inline __attribute__((always_inline)) void NAME(dot_products)(const int rows, const product *x, int64_t i) {
  const T *a = (const T *)x->a + i * x->a_row, *b = x->b;
  V acc[4][2] = {{{0}}};
  int64_t p = 0;
  for (; p + 2 * LANES <= x->k; p += 2 * LANES)
ND_UNROLL_WHOLE(4)
    for (int r = 0; r < rows; r++)
ND_UNROLL_WHOLE(2)
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
#undef STRETCH
