/* normalise_segments.h - elements side by side that share one mean; included by normalise.c for each element type.
 *
 * T is the type, NAME(x) the name x_f32 or x_f64. The moments are taken block by block, each small enough to stay in
 * the cache for two readings: the mean m of the block first, then the distances from it, whose sum corrects the rounding
 * of m. No digits are lost however large the mean is beside the deviation.
 */

/* Asks for the row that will be read some 2 KB later. A processor foresees what lies side by side, but each row begins
 * elsewhere, often in another page: without asking, the first lines of each would come as late as a cache is far. */
INLINE void NAME(ask)(int64_t r, int64_t rows, int64_t n, const T *a, int64_t pitch) {
  enum { LINE = 64 / sizeof(T), AHEAD = 2048 / sizeof(T), LONGEST = 4 * AHEAD };
  if (n > LONGEST) return;
  const int64_t later = r + AHEAD / n + 1;
  if (later < rows)
    for (int64_t c = 0; c < n + LINE - 1; c += LINE) __builtin_prefetch(a + later * pitch + c);
}

INLINE V NAME(load)(const T *a) {
  V x;
  memcpy(&x, a, sizeof x);
  return x;
}

/* The lanes of a vector that ends with a row of n elements which no whole vector has covered. */
INLINE M NAME(fresh)(int64_t n) {
  M lane;
  for (int l = 0; l < W; l++) lane[l] = l;
  return lane >= (M){0} + (W - (int)(n % W));
}

INLINE V NAME(only)(M lanes, V x) { return (V)(lanes & (M)x); }

INLINE T NAME(sum_of_row)(int64_t n, const T *a) {
  V x[4] = {{0}};
  int64_t c = 0;
  for (; c + 4 * W <= n; c += 4 * W)
    ND_UNROLL_WHOLE(4) for (int i = 0; i < 4; i++) x[i] += NAME(load)(a + c + i * W);
  for (; c + W <= n; c += W) x[0] += NAME(load)(a + c);
  if (n >= W && c < n) x[1] += NAME(only)(NAME(fresh)(n), NAME(load)(a + n - W));
  T rest = 0;
  if (n < W)
    for (c = 0; c < n; c++) rest += a[c];
  return NAME(total)((x[0] + x[1]) + (x[2] + x[3])) + rest;
}

/* The sums of a - m and of its square. */
INLINE void NAME(distances_of_row)(int64_t n, const T *a, T m, T *sum, T *squares) {
  V x[2] = {{0}}, y[2] = {{0}}, d;
  int64_t c = 0;
  for (; c + 2 * W <= n; c += 2 * W)
    ND_UNROLL_WHOLE(2) for (int i = 0; i < 2; i++) {
      d = NAME(load)(a + c + i * W) - m;
      x[i] += d;
      y[i] += d * d;
    }
  for (; c + W <= n; c += W) {
    d = NAME(load)(a + c) - m;
    x[0] += d;
    y[0] += d * d;
  }
  if (n >= W && c < n) {
    d = NAME(only)(NAME(fresh)(n), NAME(load)(a + n - W) - m);
    x[1] += d;
    y[1] += d * d;
  }
  T s = 0, q = 0;
  if (n < W)
    for (c = 0; c < n; c++) s += a[c] - m, q += (a[c] - m) * (a[c] - m);
  *sum = s + NAME(total)(x[0] + x[1]);
  *squares = q + NAME(total)(y[0] + y[1]);
}

/* Of the first `rows` rows; `all` rows will be read. */
static nd_moments NAME(block_moments)(int64_t rows, int64_t all, int64_t n, const T *a, int64_t pitch) {
  const double count = (double)(rows * n);
  double total = 0, sum = 0, squares = 0;
  for (int64_t r = 0; r < rows; r++) {
    NAME(ask)(r, all, n, a, pitch);
    total += NAME(sum_of_row)(n, a + r * pitch);
  }
  const T m = (T)(total / count);
  for (int64_t r = 0; r < rows; r++) {
    T s, q;
    NAME(distances_of_row)(n, a + r * pitch, m, &s, &q);
    sum += s;
    squares += q;
  }
  return (nd_moments){count, m + sum / count, squares - sum * sum / count};
}

static nd_moments NAME(moments)(int64_t rows, int64_t n, const void *a_, int64_t pitch) {
  const T *a = a_;
  nd_moments all = {0, 0, 0};
  const int64_t together = n < EXACT ? EXACT / n : 1;
  for (int64_t r = 0; r < rows; r += together)
    for (int64_t c = 0; c < n; c += EXACT)
      all = nd_moments_of_both(all, NAME(block_moments)(rows - r < together ? rows - r : together, rows - r,
                                                        n - c < EXACT ? n - c : EXACT, a + r * pitch + c, pitch));
  return all;
}

static void NAME(scale)(int64_t rows, int64_t n, void *out_, const void *a_, int64_t pitch, double mean, double scale,
                        double bias) {
  const T m = (T)mean, s = (T)scale, b = (T)(bias - (mean - m) * scale);
  for (int64_t r = 0; r < rows; r++) {
    const T *a = (const T *)a_ + r * pitch;
    T *out = (T *)out_ + r * pitch;
    NAME(ask)(r, rows, n, out_, pitch);
    ND_INDEPENDENT for (int64_t c = 0; c < n; c++) out[c] = (a[c] - m) * s + b;
  }
}

static void NAME(dots)(int64_t rows, int64_t n, const void *g_, const void *a_, int64_t pitch, double mean,
                       double *sums) {
  const T m = (T)mean;
  double sum = 0, dot = 0;
  for (int64_t r = 0; r < rows; r++) {
    NAME(ask)(r, rows, n, g_, pitch);
    NAME(ask)(r, rows, n, a_, pitch);
    for (int64_t from = 0; from < n; from += EXACT) {
      const int64_t length = n - from < EXACT ? n - from : EXACT;
      const T *g = (const T *)g_ + r * pitch + from, *a = (const T *)a_ + r * pitch + from;
      V x[2] = {{0}}, y[2] = {{0}}, v;
      int64_t c = 0;
      for (; c + 2 * W <= length; c += 2 * W)
        ND_UNROLL_WHOLE(2) for (int i = 0; i < 2; i++) {
          v = NAME(load)(g + c + i * W);
          x[i] += v;
          y[i] += v * (NAME(load)(a + c + i * W) - m);
        }
      if (c + W <= length) {
        v = NAME(load)(g + c);
        x[0] += v;
        y[0] += v * (NAME(load)(a + c) - m);
        c += W;
      }
      if (length >= W && c < length) {
        const M fresh = NAME(fresh)(length);
        v = NAME(only)(fresh, NAME(load)(g + length - W));
        x[1] += v;
        y[1] += NAME(only)(fresh, v * (NAME(load)(a + length - W) - m));
      }
      if (length < W)
        for (c = 0; c < length; c++) sum += g[c], dot += g[c] * (a[c] - m);
      sum += NAME(total)(x[0] + x[1]);
      dot += NAME(total)(y[0] + y[1]);
    }
  }
  sums[0] += sum;
  sums[1] += dot - (mean - m) * sum;
}

static void NAME(slope)(int64_t rows, int64_t n, void *out_, const void *g_, const void *a_, int64_t pitch,
                        double mean, double of_g, double of_a, double constant) {
  const T m = (T)mean, s = (T)of_g, t = (T)of_a, b = (T)(constant - (mean - m) * of_a);
  for (int64_t r = 0; r < rows; r++) {
    const T *g = (const T *)g_ + r * pitch, *a = (const T *)a_ + r * pitch;
    T *out = (T *)out_ + r * pitch;
    NAME(ask)(r, rows, n, out_, pitch);
    ND_INDEPENDENT for (int64_t c = 0; c < n; c++) out[c] = g[c] * s + ((a[c] - m) * t + b);
  }
}
