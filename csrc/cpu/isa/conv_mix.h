/* conv_mix.h - the rules of Winograd's algorithm (ND_MIXES in cpu/conv.h), for one element type. Included by conv_places.h.
 *
 *     to[r][i] = sum over v of rule[r][v] from[v][i]        or, turned, of rule[v][r]; or added to what is there
 *
 * Rows, columns and the rule are constants at every call: what is multiplied by 0 vanishes, 1 and -1 are no multiplications.
 */
static inline __attribute__((always_inline)) void NAME(mix)(const int rows, const int cols, const T rule[4][4],
                                                            const int turned, const int accumulate, int64_t n,
                                                            const T *const *from, T *const *to) {
  const T *in[4];
  T *out[4];
ND_UNROLL_WHOLE(4)
  for (int v = 0; v < cols; v++) in[v] = from[v];
ND_UNROLL_WHOLE(4)
  for (int r = 0; r < rows; r++) out[r] = to[r];
  for (int64_t i = 0; i < n; i += LANES) {
    const int whole = i + LANES <= n;
    NAME(vector) x[4], y[4];
ND_UNROLL_WHOLE(4)
    for (int v = 0; v < cols; v++)
      if (whole) x[v] = *(const NAME(unaligned) *)(in[v] + i);
      else memcpy(&x[v], in[v] + i, (n - i) * sizeof(T));
ND_UNROLL_WHOLE(4)
    for (int r = 0; r < rows; r++) {
      int begun = 0;
ND_UNROLL_WHOLE(4)
      for (int v = 0; v < cols; v++) {
        const T times = turned ? rule[v][r] : rule[r][v];
        if (times == 0) continue;
        if (!begun) y[r] = times == 1 ? x[v] : times * x[v];
        else if (times == 1) y[r] += x[v];
        else if (times == -1) y[r] -= x[v];
        else y[r] += times * x[v];
        begun = 1;
      }
    }
ND_UNROLL_WHOLE(4)
    for (int r = 0; r < rows; r++)
      if (whole) {
        NAME(unaligned) *at = (NAME(unaligned) *)(out[r] + i);
        *at = accumulate ? (NAME(vector))*at + y[r] : y[r];
      } else {
        for (int64_t l = 0; l < n - i; l++) out[r][i + l] = accumulate ? out[r][i + l] + y[r][l] : y[r][l];
      }
  }
}

#define MIX_FUNCTIONS(NAME_OF_RULE, ROWS, COLS, ...)                                                                   \
  static const T NAME(rule_##NAME_OF_RULE)[4][4] = {__VA_ARGS__};                                                     \
  static void NAME(mix_##NAME_OF_RULE)(int64_t n, const T *const *from, T *const *to, int accumulate) {               \
    if (accumulate) NAME(mix)(ROWS, COLS, NAME(rule_##NAME_OF_RULE), 0, 1, n, from, to);                              \
    else NAME(mix)(ROWS, COLS, NAME(rule_##NAME_OF_RULE), 0, 0, n, from, to);                                         \
  }                                                                                                                    \
  static void NAME(turned_##NAME_OF_RULE)(int64_t n, const T *const *from, T *const *to, int accumulate) {            \
    if (accumulate) NAME(mix)(COLS, ROWS, NAME(rule_##NAME_OF_RULE), 1, 1, n, from, to);                              \
    else NAME(mix)(COLS, ROWS, NAME(rule_##NAME_OF_RULE), 1, 0, n, from, to);                                         \
  }
ND_MIXES(MIX_FUNCTIONS)

static void NAME(mixed)(int rule, int turned, int64_t n, const void *const *from, void *const *to, int accumulate) {
  typedef void mix_fn(int64_t n, const T *const *from, T *const *to, int accumulate);
#define MIX_ENTRY(NAME_OF_RULE, ROWS, COLS, ...) {NAME(mix_##NAME_OF_RULE), NAME(turned_##NAME_OF_RULE)},
  static mix_fn *const rules[ND_MIX_RULES][2] = {ND_MIXES(MIX_ENTRY)};
#undef MIX_ENTRY
  rules[rule][turned](n, (const T *const *)from, (T *const *)to, accumulate);
}
#undef MIX_FUNCTIONS

/* Whether none of n numbers is infinite or NaN. */
static int NAME(finite)(int64_t n, const void *from) {
  const T *x = from;
  NAME(vector) lanes = {0};
  T none = 0; /* what is finite, times 0, is 0 */
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES) lanes += *(const NAME(unaligned) *)(x + i) * 0;
  for (; i < n; i++) none += x[i] * 0;
  for (int64_t lane = 0; lane < LANES; lane++) none += lanes[lane];
  return none == 0;
}
