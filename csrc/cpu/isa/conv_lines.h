/* conv_lines.h - sums of products of two lines, each lane by itself (nd_lines_of_places in cpu/conv.h), for one element
 * type. Included by conv_places.h.
 *
 * A row's last vector ends where the row does: it reads nothing behind it. The lanes that it shares with the vector before
 * are set to zero, in both operands, since infinity times zero is no number.
 */
typedef BITS NAME(lane_bits) __attribute__((vector_size(VECTOR_BYTES)));

/* Each vector times each; `of_a` and `of_b` are constants at every call. `keep`: the lanes that count. */
static inline __attribute__((always_inline)) void NAME(multiply_lines)(const int of_a, const int of_b, const T *const *a,
                                                                       const T *const *b, int64_t a_at, int64_t b_at,
                                                                       const int all, NAME(lane_bits) keep,
                                                                       NAME(vector) acc[OF_A][OF_B]) {
  NAME(vector) second[OF_B];
ND_UNROLL_WHOLE(8)
  for (int j = 0; j < of_b; j++) {
    second[j] = *(const NAME(unaligned) *)(b[j] + b_at);
    if (!all) second[j] = (NAME(vector))((NAME(lane_bits))second[j] & keep);
  }
ND_UNROLL_WHOLE(8)
  for (int i = 0; i < of_a; i++) {
    NAME(vector) first = *(const NAME(unaligned) *)(a[i] + a_at);
    if (!all) first = (NAME(vector))((NAME(lane_bits))first & keep);
ND_UNROLL_WHOLE(8)
    for (int j = 0; j < of_b; j++) acc[i][j] += first * second[j];
  }
}

static inline __attribute__((always_inline)) void NAME(lines_tile)(const int of_a, const int of_b,
                                                                   const nd_lines_of_places *x, int64_t i, int64_t j) {
  const int64_t shared = (LANES - x->width % LANES) % LANES, whole = x->width - x->width % LANES;
  const T *a[OF_A], *b[OF_B];
  NAME(vector) acc[OF_A][OF_B];
  NAME(lane_bits) keep;
  for (int64_t lane = 0; lane < LANES; lane++) keep[lane] = lane < shared ? 0 : -1;
  T *c = (T *)x->c + (i * x->n + j) * LANES;
ND_UNROLL_WHOLE(8)
  for (int q = 0; q < of_b; q++) b[q] = (const T *)x->b + x->j_at[j + q];
ND_UNROLL_WHOLE(8)
  for (int q = 0; q < of_a; q++) {
    a[q] = (const T *)x->a + x->i_at[i + q];
ND_UNROLL_WHOLE(8)
    for (int s = 0; s < of_b; s++) acc[q][s] = (NAME(vector)){0};
  }
  for (int64_t row = 0, a_at = 0, b_at = 0; row < x->rows; row++, a_at += x->a_row, b_at += x->b_row) {
    for (int64_t v = 0; v < whole; v += LANES)
      NAME(multiply_lines)(of_a, of_b, a, b, a_at + v, b_at + v, 1, keep, acc);
    if (shared)
      NAME(multiply_lines)(of_a, of_b, a, b, a_at + x->width - LANES, b_at + x->width - LANES, 0, keep, acc);
  }
ND_UNROLL_WHOLE(8)
  for (int q = 0; q < of_a; q++)
ND_UNROLL_WHOLE(8)
    for (int s = 0; s < of_b; s++) {
      NAME(unaligned) *to = (NAME(unaligned) *)(c + (q * x->n + s) * LANES);
      *to = x->accumulate ? (NAME(vector))*to + acc[q][s] : acc[q][s];
    }
}

static void NAME(lines)(const nd_lines_of_places *x) {
  const int64_t rows_end = x->m - x->m % OF_A, end = x->n - x->n % OF_B;
  for (int64_t j = 0; j < end; j += OF_B) {
    for (int64_t i = 0; i < rows_end; i += OF_A) NAME(lines_tile)(OF_A, OF_B, x, i, j);
    for (int64_t i = rows_end; i < x->m; i++) NAME(lines_tile)(1, OF_B, x, i, j);
  }
  for (int64_t j = end; j < x->n; j++) {
    for (int64_t i = 0; i < rows_end; i += OF_A) NAME(lines_tile)(OF_A, 1, x, i, j);
    for (int64_t i = rows_end; i < x->m; i++) NAME(lines_tile)(1, 1, x, i, j);
  }
}
