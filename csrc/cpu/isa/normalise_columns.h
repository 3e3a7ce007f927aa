/* normalise_columns.h - many columns at once, each with its own mean; included by normalise.c for each element type.
 *
 * Vectors of neighbouring columns go down the rows together, so that a register holds a sum for each column. After
 * DEEP rows, which stay in the cache for two readings, doubles take over.
 */

/* BODY for column c as T *, with V vectors of `count` W columns: four together, then one, then the ragged end again as
 * one that reaches back (the columns are independent: computed twice, they come out the same). Fewer than W: none. */
#define IN_VECTORS(n, BODY)                        \
  int64_t c = 0;                                   \
  for (; c + 4 * W <= n; c += 4 * W) BODY(4);      \
  for (; c + W <= n; c += W) BODY(1);              \
  if (c < n && n >= W) {                           \
    c = n - W;                                     \
    BODY(1);                                       \
    c = n;                                         \
  }

INLINE void NAME(sums_down)(int count, int64_t rows, const T *a, int64_t pitch, T *m) {
  V x[4] = {{0}};
  for (int64_t r = 0; r < rows; r++)
    ND_UNROLL_WHOLE(4) for (int i = 0; i < count; i++) x[i] += NAME(load)(a + r * pitch + i * W);
  ND_UNROLL_WHOLE(4) for (int i = 0; i < count; i++) {
    x[i] /= (T)rows;
    memcpy(m + i * W, &x[i], sizeof x[i]);
  }
}

INLINE void NAME(distances_down)(int count, int64_t rows, const T *a, int64_t pitch, const T *m, T *s, T *q) {
  V x[4] = {{0}}, y[4] = {{0}}, mean[4];
  ND_UNROLL_WHOLE(4) for (int i = 0; i < count; i++) mean[i] = NAME(load)(m + i * W);
  for (int64_t r = 0; r < rows; r++)
    ND_UNROLL_WHOLE(4) for (int i = 0; i < count; i++) {
      const V d = NAME(load)(a + r * pitch + i * W) - mean[i];
      x[i] += d;
      y[i] += d * d;
    }
  ND_UNROLL_WHOLE(4) for (int i = 0; i < count; i++) {
    memcpy(s + i * W, &x[i], sizeof x[i]);
    memcpy(q + i * W, &y[i], sizeof y[i]);
  }
}

INLINE void NAME(dots_down)(int count, int64_t rows, const T *g, const T *a, int64_t pitch, const T *m, T *s, T *q) {
  V x[4] = {{0}}, y[4] = {{0}}, mean[4];
  ND_UNROLL_WHOLE(4) for (int i = 0; i < count; i++) mean[i] = NAME(load)(m + i * W);
  for (int64_t r = 0; r < rows; r++)
    ND_UNROLL_WHOLE(4) for (int i = 0; i < count; i++) {
      const V v = NAME(load)(g + r * pitch + i * W);
      x[i] += v;
      y[i] += v * (NAME(load)(a + r * pitch + i * W) - mean[i]);
    }
  ND_UNROLL_WHOLE(4) for (int i = 0; i < count; i++) {
    memcpy(s + i * W, &x[i], sizeof x[i]);
    memcpy(q + i * W, &y[i], sizeof y[i]);
  }
}

static void NAME(column_moments)(int64_t rows, int64_t n, const void *a_, int64_t pitch, nd_moments *moments) {
  T m[ND_NORM_COLUMNS], s[ND_NORM_COLUMNS], q[ND_NORM_COLUMNS];
  double count = 0, mean[ND_NORM_COLUMNS], squares[ND_NORM_COLUMNS];
  for (int64_t k = 0; k < n; k++) mean[k] = squares[k] = 0;
  for (int64_t r = 0; r < rows; r += DEEP) {
    const int64_t deep = rows - r < DEEP ? rows - r : DEEP;
    const T *a = (const T *)a_ + r * pitch;
#define BODY(vectors)                                     \
  {                                                       \
    NAME(sums_down)(vectors, deep, a + c, pitch, m + c);  \
    NAME(distances_down)(vectors, deep, a + c, pitch, m + c, s + c, q + c); \
  }
    IN_VECTORS(n, BODY)
#undef BODY
    for (; c < n; c++) {
      m[c] = s[c] = q[c] = 0;
      for (int64_t i = 0; i < deep; i++) m[c] += a[i * pitch + c];
      m[c] /= (T)deep;
      for (int64_t i = 0; i < deep; i++) {
        const T d = a[i * pitch + c] - m[c];
        s[c] += d;
        q[c] += d * d;
      }
    }
    const double all = count + deep, part = deep / all, between = count * part, each = 1.0 / deep;
    ND_INDEPENDENT for (int64_t k = 0; k < n; k++) { /* nd_moments_of_both */
      const double shift = s[k] * each, apart = m[k] + shift - mean[k];
      mean[k] += apart * part;
      squares[k] += q[k] - s[k] * shift + apart * apart * between;
    }
    count = all;
  }
  for (int64_t k = 0; k < n; k++) moments[k] = (nd_moments){count, mean[k], squares[k]};
}

static void NAME(column_dots)(int64_t rows, int64_t n, const void *g_, const void *a_, int64_t pitch,
                              const double *mean, double *sum_g, double *sum_ga) {
  T m[ND_NORM_COLUMNS], s[ND_NORM_COLUMNS], q[ND_NORM_COLUMNS];
  for (int64_t k = 0; k < n; k++) {
    m[k] = (T)mean[k];
    sum_g[k] = sum_ga[k] = 0;
  }
  for (int64_t r = 0; r < rows; r += DEEP) {
    const int64_t deep = rows - r < DEEP ? rows - r : DEEP;
    const T *a = (const T *)a_ + r * pitch, *g = (const T *)g_ + r * pitch;
#define BODY(vectors) NAME(dots_down)(vectors, deep, g + c, a + c, pitch, m + c, s + c, q + c)
    IN_VECTORS(n, BODY)
#undef BODY
    for (; c < n; c++) {
      s[c] = q[c] = 0;
      for (int64_t i = 0; i < deep; i++) {
        s[c] += g[i * pitch + c];
        q[c] += g[i * pitch + c] * (a[i * pitch + c] - m[c]);
      }
    }
    ND_INDEPENDENT for (int64_t k = 0; k < n; k++) {
      sum_g[k] += s[k];
      sum_ga[k] += q[k];
    }
  }
  for (int64_t k = 0; k < n; k++) sum_ga[k] -= (mean[k] - m[k]) * sum_g[k];
}
#undef IN_VECTORS

static void NAME(column_scale)(int64_t rows, int64_t n, void *out_, const void *a_, int64_t pitch, const double *mean,
                               const double *scale, const double *bias) {
  T m[ND_NORM_COLUMNS], s[ND_NORM_COLUMNS], b[ND_NORM_COLUMNS];
  for (int64_t k = 0; k < n; k++) {
    m[k] = (T)mean[k];
    s[k] = (T)scale[k];
    b[k] = (T)(bias[k] - (mean[k] - m[k]) * scale[k]);
  }
  for (int64_t r = 0; r < rows; r++) {
    const T *a = (const T *)a_ + r * pitch;
    T *out = (T *)out_ + r * pitch;
    ND_INDEPENDENT for (int64_t k = 0; k < n; k++) out[k] = (a[k] - m[k]) * s[k] + b[k];
  }
}

static void NAME(column_slope)(int64_t rows, int64_t n, void *out_, const void *g_, const void *a_, int64_t pitch,
                               const double *mean, const double *of_g, const double *of_a, const double *constant) {
  T m[ND_NORM_COLUMNS], s[ND_NORM_COLUMNS], t[ND_NORM_COLUMNS], b[ND_NORM_COLUMNS];
  for (int64_t k = 0; k < n; k++) {
    m[k] = (T)mean[k];
    s[k] = (T)of_g[k];
    t[k] = (T)of_a[k];
    b[k] = (T)(constant[k] - (mean[k] - m[k]) * of_a[k]);
  }
  for (int64_t r = 0; r < rows; r++) {
    const T *a = (const T *)a_ + r * pitch, *g = (const T *)g_ + r * pitch;
    T *out = (T *)out_ + r * pitch;
    ND_INDEPENDENT for (int64_t k = 0; k < n; k++) out[k] = g[k] * s[k] + ((a[k] - m[k]) * t[k] + b[k]);
  }
}
