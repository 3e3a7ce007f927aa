/* normalise_rows.h - rows that are normalised each by itself, with a weight and a bias for each place in the row;
 * included by normalise.c for each element type.
 *
 * A short row is little work, so that what is done once for each row counts: its statistics are computed in the element
 * type, and rows do not wait for each other.
 */

static void NAME(row_norm)(int64_t rows, int64_t n, void *out_, const void *a_, int64_t pitch, const void *weight,
                           const void *bias, double eps, nd_row_stats to) {
  const T *w = weight, *b = bias;
  for (int64_t r = 0; r < rows; r++) {
    const T *a = (const T *)a_ + r * pitch;
    T *out = (T *)out_ + r * pitch;
    double mean, variance;
    if (n <= EXACT) {
      const T m = NAME(sum_of_row)(n, a) / (T)n;
      T s, q;
      NAME(distances_of_row)(n, a, m, &s, &q);
      const T shift = s / (T)n;
      mean = (double)m + shift;
      variance = (q - s * shift) / (T)n;
    } else {
      const nd_moments of_row = NAME(moments)(1, n, a, n);
      mean = of_row.mean;
      variance = of_row.squares / n;
    }
    const T m = (T)mean, inverse = 1 / NAME(root)((T)(variance + eps)), c0 = (T)(m - mean) * inverse;
    to.mean[r * to.step] = mean;
    to.variance[r * to.step] = variance;
    to.inverse[r * to.step] = inverse;
    int64_t c = 0;
    for (; c + W <= n; c += W) {
      const V y = ((NAME(load)(a + c) - m) * inverse + c0) * NAME(load)(w + c) + NAME(load)(b + c);
      memcpy(out + c, &y, sizeof y);
    }
    if (c < n && n >= W) {
      c = n - W;
      const V y = ((NAME(load)(a + c) - m) * inverse + c0) * NAME(load)(w + c) + NAME(load)(b + c);
      memcpy(out + c, &y, sizeof y);
      c = n;
    }
    for (; c < n; c++) out[c] = ((a[c] - m) * inverse + c0) * w[c] + b[c];
  }
}

/* The sums of u = g w and of u (a - m). */
INLINE void NAME(sums_of_row)(int64_t n, const T *g, const T *a, const T *w, T m, double *sum, double *dot) {
  *sum = *dot = 0;
  for (int64_t from = 0; from < n; from += EXACT) {
    const int64_t end = n - from < EXACT ? n : from + EXACT;
    V x[2] = {{0}}, y[2] = {{0}}, u;
    int64_t c = from;
    for (; c + 2 * W <= end; c += 2 * W)
      ND_UNROLL_WHOLE(2) for (int i = 0; i < 2; i++) {
        u = NAME(load)(g + c + i * W) * NAME(load)(w + c + i * W);
        x[i] += u;
        y[i] += u * (NAME(load)(a + c + i * W) - m);
      }
    if (c + W <= end) {
      u = NAME(load)(g + c) * NAME(load)(w + c);
      x[0] += u;
      y[0] += u * (NAME(load)(a + c) - m);
      c += W;
    }
    if (c < end && n >= W) {
      const M fresh = NAME(fresh)(n);
      u = NAME(only)(fresh, NAME(load)(g + n - W) * NAME(load)(w + n - W));
      x[1] += u;
      y[1] += NAME(only)(fresh, u * (NAME(load)(a + n - W) - m));
      c = end;
    }
    T s = 0, q = 0;
    for (; c < end; c++) s += g[c] * w[c], q += g[c] * w[c] * (a[c] - m);
    *sum += s + NAME(total)(x[0] + x[1]);
    *dot += q + NAME(total)(y[0] + y[1]);
  }
}

/* out = g w of_g + (a - m) of_a + constant; the sums of g z and g, z = (a - m) inverse + c0, go on. */
#define STEP(V, LOAD, KEEP)                                                        \
  {                                                                                \
    const V gc = LOAD(g + c), d = LOAD(a + c) - m;                                 \
    const V y = gc * LOAD(w + c) * of_g + (d * of_a + constant);                   \
    const V weighted = LOAD(to_w + c) + KEEP(gc * (d * inverse + c0));             \
    const V plain = LOAD(to_b + c) + KEEP(gc);                                     \
    memcpy(out + c, &y, sizeof y);                                                 \
    memcpy(to_w + c, &weighted, sizeof y);                                         \
    memcpy(to_b + c, &plain, sizeof y);                                            \
  }
#define ALL(x) (x)
#define FRESH(x) NAME(only)(fresh, x)
#define ONE(p) (*(p))

static void NAME(row_back)(int64_t rows, int64_t n, void *out_, const void *g_, const void *a_, int64_t pitch,
                           const void *weight, nd_row_stats from, void *buffer, double *to_weight, double *to_bias) {
  const T *w = weight;
  T *const to_w = buffer, *const to_b = to_w + n;
  const M fresh = NAME(fresh)(n);
  for (int64_t top = 0; top < rows; top += DEEP) {
    const int64_t bottom = rows - top < DEEP ? rows : top + DEEP;
    for (int64_t c = 0; c < n; c++) to_w[c] = to_b[c] = 0;
    for (int64_t r = top; r < bottom; r++) {
      const T *a = (const T *)a_ + r * pitch, *g = (const T *)g_ + r * pitch;
      T *out = (T *)out_ + r * pitch;
      const double mean = from.mean[r * from.step], inv = from.inverse[r * from.step];
      const T m = (T)mean, inverse = (T)inv, c0 = (T)((m - mean) * inv);
      double sum, dot;
      NAME(sums_of_row)(n, g, a, w, m, &sum, &dot);
      const double z = inv * (dot + (m - mean) * sum) / n; /* the mean of u times the normalised a */
      const T of_g = inverse, of_a = (T)(-inv * inv * z);
      const T constant = (T)(-inv * (sum / n + (m - mean) * inv * z));
      int64_t c = 0;
      for (; c + W <= n; c += W) STEP(V, NAME(load), ALL)
      if (c < n && n >= W) {
        c = n - W;
        STEP(V, NAME(load), FRESH)
        c = n;
      }
      for (; c < n; c++) STEP(T, ONE, ALL)
    }
    ND_INDEPENDENT for (int64_t c = 0; c < n; c++) {
      to_weight[c] += to_w[c];
      to_bias[c] += to_b[c];
    }
  }
}
#undef STEP
#undef ALL
#undef FRESH
#undef ONE
