/* attention_type.h - attention for one element type: attention.c includes it with
 *   T, TYPE, CODE            the element type, its name and its number
 *   W                        elements of 64 bytes
 *   SQUARE, TRANSPOSE_SQUARE side and function of a square that transpose.h turns
 *
 * With s the scale, M the mask and P a row of weights for each query,
 *     S = s Q Kᵀ + M,    P = exp(S - lse),  lse = log of the sum of exp(S),    out = P V
 * a block of queries meets one block of keys after the other. What was added up so far belongs to the largest score seen
 * so far, m; when a larger one comes, it is multiplied by exp(old m - new m) (Milakov and Gimelshein, "Online normalizer
 * calculation for softmax", 2018; Dao et al., "FlashAttention", 2022). Backward computes the weights again, from lse:
 *     V̄ = Pᵀ G,   S̄ = P (G Vᵀ - rowsum(G out)) s,   Q̄ = S̄ K,   K̄ = S̄ᵀ Q
 * Dropout multiplies P before it meets V, and G Vᵀ, by what is drawn for them, each time anew.
 * Rows of scores are `wide` long, whole registers; what lies behind the last key is a weight of 0.
 */
#define NAME(name) ND_JOIN(name, TYPE)

static inline T *NAME(at)(const nd_head *h, int name, int64_t row) { return (T *)h->data[name] + row * h->row[name]; }

/* out = a b, or out += a b. a and b have any strides; `out` is a matrix of the head from row `at` on, or scratch. */
static int NAME(multiply)(int64_t m, int64_t n, int64_t k, const T *a, int64_t a_row, int64_t a_col, const T *b, int64_t b_row,
                          int64_t b_col, T *c, int64_t c_row, int64_t c_col, int accumulate) {
  const nd_product x = {.m = m, .n = n, .k = k, .a_row = a_row, .a_col = a_col, .b_row = b_row, .b_col = b_col,
                        .c_row = c_row, .c_col = c_col, .a = a, .b = b, .c = c, .accumulate = accumulate};
  return m && n ? ND_TABLE(gemm).product[CODE](&x) : ND_OK;
}

/* to[c][j] = from[j][c] for n rows of `columns`; rows of `to` are `wide` long and end in zeros. */
static void NAME(turned)(int64_t n, int64_t columns, const T *from, int64_t row, int64_t col, T *to, int64_t wide) {
  const int64_t whole = col == 1 ? n / SQUARE * SQUARE : 0, square = columns / SQUARE * SQUARE;
  for (int64_t j = 0; j < whole; j += SQUARE)
    for (int64_t c = 0; c < square; c += SQUARE) TRANSPOSE_SQUARE(to + c * wide + j, wide, from + j * row + c, row);
  for (int64_t c = 0; c < columns; c++)
    for (int64_t j = c < square ? whole : 0; j < n; j++) to[c * wide + j] = from[j * row + c * col];
  for (int64_t c = 0; c < columns; c++)
    for (int64_t j = n; j < wide; j++) to[c * wide + j] = 0;
}

/* z = s z + mask for the first `seen` of `wide` scores, the others -inf; returns the largest. */
static T NAME(scores)(int64_t seen, int64_t wide, T *z, T s, const T *mask, int64_t step) {
  T x[W];
  if (mask)
    for (int64_t j = 0; j < seen; j++) z[j] = z[j] * s + mask[j * step];
  else
    ND_INDEPENDENT for (int64_t j = 0; j < seen; j++) z[j] *= s;
  for (int64_t j = seen; j < wide; j++) z[j] = -INFINITY;
  for (int l = 0; l < W; l++) x[l] = -INFINITY;
  for (int64_t j = 0; j < wide; j += W)
    ND_INDEPENDENT for (int l = 0; l < W; l++) x[l] = z[j + l] > x[l] ? z[j + l] : x[l];
  T largest = x[0];
  for (int l = 1; l < W; l++) largest = x[l] > largest ? x[l] : largest;
  if (largest == -INFINITY) /* nothing is seen, or all of it is nan */
    for (int64_t j = 0; j < seen; j++)
      if (z[j] != z[j]) return z[j];
  return largest;
}

/* z = exp(z - m); returns the sum. */
static f64 NAME(weights)(int64_t wide, T *z, T m) {
  T x[W];
  f64 total = 0;
  for (int l = 0; l < W; l++) x[l] = 0;
  for (int64_t j = 0; j < wide; j += W)
    ND_INDEPENDENT for (int l = 0; l < W; l++) x[l] += z[j + l] = NAME(exp_below_one)(z[j + l] - m);
  for (int l = 0; l < W; l++) total += x[l];
  return total;
}

/* What dropout multiplies the weights of the queries i .. i + 3 by, for 64 keys from `first` on, a multiple of 64. */
static void NAME(dropping)(const nd_head *h, int64_t i, int64_t first, T by[PHILOX_RUNS][PHILOX_NUMBERS]) {
  const uint64_t limit = philox_limit(h->drop);
  const uint32_t least = (uint32_t)limit;
  const T scale = limit >> 32 ? 0 : (T)(1 / (1 - h->drop));
  uint32_t number[PHILOX_RUNS][PHILOX_NUMBERS];
  philox((uint64_t)first / PHILOX_NUMBERS, 0, h->first + (uint64_t)i, 1, h->key, number);
  for (int q = 0; q < PHILOX_RUNS; q++)
    ND_INDEPENDENT for (int k = 0; k < PHILOX_NUMBERS; k++) by[q][k] = number[q][k] >= least ? scale : 0;
}

/* Drops weights of `rows` queries from i on, for the n keys from `first` on. */
static void NAME(dropped)(const nd_head *h, int64_t i, int64_t rows, int64_t first, int64_t n, int64_t wide, T *p) {
  T by[PHILOX_RUNS][PHILOX_NUMBERS];
  for (int64_t r = 0; r < rows; r += PHILOX_RUNS)
    for (int64_t j = 0; j < n; j += PHILOX_NUMBERS) {
      const int64_t count = n - j < PHILOX_NUMBERS ? n - j : PHILOX_NUMBERS;
      NAME(dropping)(h, i + r, first + j, by);
      for (int64_t q = 0; q < PHILOX_RUNS && r + q < rows; q++) {
        T *const line = p + (r + q) * wide + j;
        ND_INDEPENDENT for (int64_t k = 0; k < count; k++) line[k] *= by[q][k];
      }
    }
}

/* s = p (s - delta) scale for each of the `rows` queries from i on; with dropout s and then p are dropped. */
static void NAME(slopes)(const nd_head *h, int64_t i, int64_t rows, int64_t first, int64_t n, int64_t wide, T *p, T *s,
                         const T *delta) {
  const T scale = (T)h->scale;
  T by[PHILOX_RUNS][PHILOX_NUMBERS];
  for (int64_t r = 0; r < rows; r += PHILOX_RUNS)
    for (int64_t j = 0; j < n; j += PHILOX_NUMBERS) {
      const int64_t count = n - j < PHILOX_NUMBERS ? n - j : PHILOX_NUMBERS;
      if (h->drop > 0) NAME(dropping)(h, i + r, first + j, by);
      for (int64_t q = 0; q < PHILOX_RUNS && r + q < rows; q++) {
        T *const pr = p + (r + q) * wide + j, *const sr = s + (r + q) * wide + j;
        const T mean = delta[r + q];
        if (h->drop > 0)
          ND_INDEPENDENT for (int64_t k = 0; k < count; k++) {
            sr[k] = pr[k] * (sr[k] * by[q][k] - mean) * scale;
            pr[k] *= by[q][k];
          }
        else
          ND_INDEPENDENT for (int64_t k = 0; k < count; k++) sr[k] = pr[k] * (sr[k] - mean) * scale;
      }
    }
}

static inline void NAME(scaled)(int64_t n, T *x, int64_t step, T by) {
  if (step == 1)
    ND_INDEPENDENT for (int64_t i = 0; i < n; i++) x[i] *= by;
  else
    for (int64_t i = 0; i < n; i++) x[i * step] *= by;
}

/* How many of the keys from `first` on query i sees, at most n. */
static inline int64_t NAME(seen)(const nd_head *h, int64_t i, int64_t first, int64_t n) {
  const int64_t count = h->diagonal >= h->keys ? n : i + h->diagonal + 1 - first;
  return count < 0 ? 0 : count > n ? n : count;
}

static int NAME(forward)(const nd_head *h, int64_t lo, int64_t hi) {
  enum { Q = ATTENTION_Q, K = ATTENTION_K, V = ATTENTION_V, OUT = ATTENTION_OUT, MASK = ATTENTION_MASK };
  const int64_t most = h->keys < KEYS ? h->keys : KEYS, wide = (most + W - 1) / W * W, d = h->values;
  T *const kt = nd_scratch(ND_SCRATCH_ATTENTION, (h->features * wide + QUERIES * (wide + 2)) * (int64_t)sizeof(T) + 64);
  if (!kt) return ND_ENOMEM;
  T *const z = kt + h->features * wide, *const m = z + QUERIES * wide, *const total = m + QUERIES;
  int is_turned = 0;
  for (int64_t i = lo; i < hi; i += QUERIES) {
    const int64_t rows = hi - i < QUERIES ? hi - i : QUERIES, until = NAME(seen)(h, i + rows - 1, 0, h->keys);
    T *const out = NAME(at)(h, OUT, i);
    for (int64_t r = 0; r < rows; r++) m[r] = -INFINITY, total[r] = 0;
    if (until <= 0)
      for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < d; c++) out[r * h->row[OUT] + c * h->col[OUT]] = 0;
    for (int64_t j = 0; j < until; j += KEYS) {
      const int64_t n = until - j < KEYS ? until - j : KEYS, width = (n + W - 1) / W * W, only = until <= KEYS;
      const int64_t there = h->keys - j < KEYS ? h->keys - j : KEYS;
      if (h->keys > KEYS || !is_turned) NAME(turned)(there, h->features, NAME(at)(h, K, j), h->row[K], h->col[K], kt, wide);
      is_turned = 1;
      int error = NAME(multiply)(rows, width, h->features, NAME(at)(h, Q, i), h->row[Q], h->col[Q], kt, wide, 1, z, wide, 1, 0);
      if (error) return error;
      for (int64_t r = 0; r < rows; r++) {
        T *const line = z + r * wide;
        const T *const mask = h->data[MASK] ? NAME(at)(h, MASK, i + r) + j * h->col[MASK] : NULL;
        const T largest = NAME(scores)(NAME(seen)(h, i + r, j, n), width, line, (T)h->scale, mask, h->col[MASK]);
        const T now = m[r] >= largest ? m[r] : largest;
        if (now == -INFINITY) { /* blind so far */
          memset(line, 0, width * sizeof(T));
          continue;
        }
        const T before = j ? NAME(exp_below_one)(m[r] - now) : 0;
        const f64 sum = NAME(weights)(width, line, now);
        total[r] = total[r] * before + (T)sum;
        if (only) NAME(scaled)(width, line, 1, (T)(1 / sum));
        if (!only && j) NAME(scaled)(d, out + r * h->row[OUT], h->col[OUT], before);
        m[r] = now;
      }
      if (h->drop > 0) NAME(dropped)(h, i, rows, j, width, wide, z);
      error = NAME(multiply)(rows, d, n, z, wide, 1, NAME(at)(h, V, j), h->row[V], h->col[V], out, h->row[OUT], h->col[OUT], j > 0);
      if (error) return error;
    }
    for (int64_t r = 0; r < rows; r++) {
      if (until > KEYS && total[r] != 0) NAME(scaled)(d, out + r * h->row[OUT], h->col[OUT], 1 / total[r]);
      *NAME(at)(h, ATTENTION_LSE, i + r) = m[r] + (T)log(total[r]);
    }
  }
  return ND_OK;
}

static void NAME(zero)(const nd_head *h, int name, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) NAME(at)(h, name, r)[c * h->col[name]] = 0;
}

/* The sum over columns of G out, for a query. */
static f64 NAME(of_row)(const nd_head *h, int64_t i) {
  const T *const g = NAME(at)(h, ATTENTION_G, i), *const out = NAME(at)(h, ATTENTION_OUT, i);
  f64 sum = 0;
  for (int64_t c = 0; c < h->values; c++) sum += (f64)g[c * h->col[ATTENTION_G]] * out[c * h->col[ATTENTION_OUT]];
  return sum;
}

static int NAME(backward)(const nd_head *h) {
  enum { Q = ATTENTION_Q, K = ATTENTION_K, V = ATTENTION_V, G = ATTENTION_G, MASK = ATTENTION_MASK,
         TO_Q = ATTENTION_TO_Q, TO_K = ATTENTION_TO_K, TO_V = ATTENTION_TO_V };
  const int64_t most = h->keys < KEYS ? h->keys : KEYS, wide = (most + W - 1) / W * W, e = h->features, d = h->values;
  T *const kt = nd_scratch(ND_SCRATCH_ATTENTION, ((e + d) * wide + 2 * QUERIES * wide) * (int64_t)sizeof(T) + 64);
  if (!kt) return ND_ENOMEM;
  T *const vt = kt + e * wide, *const p = vt + d * wide, *const s = p + QUERIES * wide;
  NAME(zero)(h, TO_Q, h->queries, e);
  NAME(zero)(h, TO_K, h->keys, e);
  NAME(zero)(h, TO_V, h->keys, d);
  for (int64_t j = 0; j < h->keys; j += KEYS) {
    const int64_t n = h->keys - j < KEYS ? h->keys - j : KEYS;
    NAME(turned)(n, e, NAME(at)(h, K, j), h->row[K], h->col[K], kt, wide);
    NAME(turned)(n, d, NAME(at)(h, V, j), h->row[V], h->col[V], vt, wide);
    for (int64_t i = 0; i < h->queries; i += QUERIES) {
      const int64_t rows = h->queries - i < QUERIES ? h->queries - i : QUERIES;
      const int64_t count = NAME(seen)(h, i + rows - 1, j, n), width = (count + W - 1) / W * W;
      if (!count) continue;
      const T *const q = NAME(at)(h, Q, i), *const g = NAME(at)(h, G, i);
      int error = NAME(multiply)(rows, width, e, q, h->row[Q], h->col[Q], kt, wide, 1, p, wide, 1, 0);
      error |= NAME(multiply)(rows, width, d, g, h->row[G], h->col[G], vt, wide, 1, s, wide, 1, 0);
      T delta[QUERIES];
      for (int64_t r = 0; r < rows; r++) {
        T *const pr = p + r * wide, *const sr = s + r * wide;
        const T *const mask = h->data[MASK] ? NAME(at)(h, MASK, i + r) + j * h->col[MASK] : NULL;
        const T lse = *NAME(at)(h, ATTENTION_LSE, i + r);
        NAME(scores)(NAME(seen)(h, i + r, j, count), width, pr, (T)h->scale, mask, h->col[MASK]);
        delta[r] = lse == -INFINITY ? 0 : (T)NAME(of_row)(h, i + r);
        if (lse == -INFINITY) { /* blind */
          memset(pr, 0, width * sizeof(T));
          memset(sr, 0, width * sizeof(T));
        } else {
          NAME(weights)(width, pr, lse);
        }
      }
      NAME(slopes)(h, i, rows, j, width, wide, p, s, delta);
      T *const to_q = NAME(at)(h, TO_Q, i), *const to_k = NAME(at)(h, TO_K, j), *const to_v = NAME(at)(h, TO_V, j);
      error |= NAME(multiply)(count, d, rows, p, 1, wide, g, h->row[G], h->col[G], to_v, h->row[TO_V], h->col[TO_V], 1);
      error |= NAME(multiply)(rows, e, count, s, wide, 1, NAME(at)(h, K, j), h->row[K], h->col[K], to_q, h->row[TO_Q], h->col[TO_Q], 1);
      error |= NAME(multiply)(count, e, rows, s, 1, wide, q, h->row[Q], h->col[Q], to_k, h->row[TO_K], h->col[TO_K], 1);
      if (error) return error;
    }
  }
  return ND_OK;
}
#undef NAME
#undef T
#undef TYPE
#undef CODE
#undef W
#undef SQUARE
#undef TRANSPOSE_SQUARE
