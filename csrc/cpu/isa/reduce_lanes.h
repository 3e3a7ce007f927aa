/* reduce_lanes.h - reductions of f32 and f64 in SIMD lanes: long rows, short rows, columns.
 *
 * A compiler may not reorder floating-point additions, so it will not vectorise `x += row[c]` by itself; these
 * loops say themselves in which order to add. It is the same for every run and every number of threads.
 */
#ifndef ND_REDUCE_LANES_H
#define ND_REDUCE_LANES_H
#include "turn.h"

/* A vector of W floats or doubles, and integers of the same size to hold the masks of comparisons. */
enum { W_f32 = WIDTH_4, W_f64 = WIDTH_8 };
typedef f32 lanes_f32 __attribute__((vector_size(W_f32 * 4)));
typedef f64 lanes_f64 __attribute__((vector_size(W_f64 * 8)));
typedef i32 mask_f32 __attribute__((vector_size(W_f32 * 4)));
typedef i64 mask_f64 __attribute__((vector_size(W_f64 * 8)));
#define turn_f32(v) turn_4((vec_4 *)(v))
#define turn_f64(v) turn_8((vec_8 *)(v))

/* `mask ? x : y`, lane by lane */
#define CHOOSE(mask, x, y) ((V)(((mask) & (M)(x)) | (~(mask) & (M)(y))))
#define LARGER_LANES(x, y) CHOOSE(((y) > (x)) | ((y) != (y)), y, x)
#define SMALLER_LANES(x, y) CHOOSE(((y) < (x)) | ((y) != (y)), y, x)

enum {
  STRETCH = 4096, /* elements that are joined as T before they are joined as A */
  SHORT_ROW = 96, /* rows shorter than this are taken W at a time */
  DEEP = 128,     /* rows that are laid on top of each other as T before they are joined as A */
  STRIP = 256     /* columns at a time; the driver asks for no more */
};

#define LANE_ROWS(name, T, A, NEUTRAL, JOIN, JOIN_LANES)                                                    \
  /* One long row: eight vectors of lanes, for the adder is pipelined; then the lanes, pairwise. */         \
  static A name##_of_row_##T(int64_t n, const T *a) {                                                       \
    typedef lanes_##T V;                                                                                    \
    typedef mask_##T M __attribute__((unused));                                                             \
    enum { W = W_##T };                                                                                     \
    A total = NEUTRAL;                                                                                      \
    while (n >= 8 * W) {                                                                                    \
      const int64_t stretch = (n < STRETCH ? n : STRETCH) / (8 * W) * (8 * W);                              \
      V x[8], y;                                                                                            \
      _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) memcpy(&x[i], a + i * W, sizeof x[i]);            \
      for (int64_t c = 8 * W; c < stretch; c += 8 * W) {                                                    \
        _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++) {                                               \
          memcpy(&y, a + c + i * W, sizeof y);                                                              \
          x[i] = JOIN_LANES(x[i], y);                                                                       \
        }                                                                                                   \
      }                                                                                                     \
      _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) x[i] = JOIN_LANES(x[i], x[i + 4]);                \
      x[0] = JOIN_LANES(x[0], x[2]);                                                                        \
      x[1] = JOIN_LANES(x[1], x[3]);                                                                        \
      for (int l = 0; l < W; l++) total = JOIN(total, JOIN((A)x[0][l], (A)x[1][l]));                        \
      a += stretch;                                                                                         \
      n -= stretch;                                                                                         \
    }                                                                                                       \
    for (int64_t c = 0; c < n; c++) total = JOIN(total, (A)a[c]);                                           \
    return total;                                                                                           \
  }                                                                                                         \
  /* W short rows at once, W <= cols: lane l of x[i] holds columns l, l+W, ... of row i. Turned over, lane i */ \
  /* belongs to row i. The last cols % W columns come from a vector that ends with the row: `fresh` are the */ \
  /* lanes of it that have not been counted. */                                                             \
  static void name##_of_short_rows_##T(int64_t cols, const T *a, int64_t rs, A *acc) {                      \
    typedef lanes_##T V;                                                                                    \
    typedef mask_##T M;                                                                                     \
    enum { W = W_##T };                                                                                     \
    V x[W], y;                                                                                              \
    M fresh;                                                                                                \
    const int64_t whole = cols / W * W, old = W - (cols - whole);                                           \
    _Pragma("GCC unroll 8") for (int i = 0; i < W; i++) memcpy(&x[i], a + i * rs, sizeof x[i]);             \
    for (int64_t c = W; c < whole; c += W) {                                                                \
      _Pragma("GCC unroll 8") for (int i = 0; i < W; i++) {                                                 \
        memcpy(&y, a + i * rs + c, sizeof y);                                                               \
        x[i] = JOIN_LANES(x[i], y);                                                                         \
      }                                                                                                     \
    }                                                                                                       \
    if (whole < cols) {                                                                                     \
      for (int l = 0; l < W; l++) fresh[l] = l >= old ? -1 : 0;                                             \
      const V neutral = (V){0} + (T)NEUTRAL;                                                                \
      _Pragma("GCC unroll 8") for (int i = 0; i < W; i++) {                                                 \
        memcpy(&y, a + i * rs + cols - W, sizeof y);                                                        \
        y = CHOOSE(fresh, y, neutral);                                                                      \
        x[i] = JOIN_LANES(x[i], y);                                                                         \
      }                                                                                                     \
    }                                                                                                       \
    turn_##T(x);                                                                                            \
    for (int i = 1; i < W; i++) x[0] = JOIN_LANES(x[0], x[i]);                                              \
    for (int l = 0; l < W; l++) acc[l] = JOIN(acc[l], (A)x[0][l]);                                          \
  }                                                                                                         \
  static void lane_##name##_rows_##T(int64_t rows, int64_t cols, const void *a_, int64_t rs, int64_t cs, void *acc_) { \
    const T *a = a_;                                                                                        \
    A *acc = acc_;                                                                                          \
    int64_t r = 0;                                                                                          \
    if (cs == 1 && cols >= SHORT_ROW) {                                                                     \
      for (; r < rows; r++) acc[r] = JOIN(acc[r], name##_of_row_##T(cols, a + r * rs));                     \
    } else if (cs == 1 && cols >= W_##T) {                                                                  \
      for (; r + W_##T <= rows; r += W_##T) name##_of_short_rows_##T(cols, a + r * rs, rs, acc + r);        \
    } else if (cols >= SHORT_ROW) { /* elements apart: bring them together first */                         \
      T near[STRIP];                                                                                        \
      for (; r < rows; r++)                                                                                 \
        for (int64_t c = 0; c < cols; c += STRIP) {                                                         \
          const int64_t n = cols - c < STRIP ? cols - c : STRIP;                                            \
          const T *far = a + r * rs + c * cs;                                                               \
          for (int64_t i = 0; i < n; i++) near[i] = far[i * cs];                                            \
          acc[r] = JOIN(acc[r], name##_of_row_##T(n, near));                                                \
        }                                                                                                   \
    }                                                                                                       \
    plain_##name##_rows_##T(rows - r, cols, a + r * rs, rs, cs, acc + r);                                   \
  }

/* Four rows at a time into a strip of T, which is joined to the accumulators after DEEP rows. Column by column the
 * loops are independent, so here the compiler does vectorise. */
#define LANE_COLUMNS(name, T, A, NEUTRAL, JOIN)                                                             \
  static void lane_##name##_columns_##T(int64_t rows, int64_t cols, const void *a_, int64_t rs, int64_t cs, void *acc_) { \
    A *acc = acc_;                                                                                          \
    if (cs != 1 || cols > STRIP) {                                                                          \
      plain_##name##_columns_##T(rows, cols, a_, rs, cs, acc_);                                             \
      return;                                                                                               \
    }                                                                                                       \
    T strip[STRIP];                                                                                         \
    for (int64_t top = 0; top < rows; top += DEEP) {                                                        \
      const int64_t bottom = rows - top < DEEP ? rows : top + DEEP;                                         \
      int64_t r = top;                                                                                      \
      for (int64_t c = 0; c < cols; c++) strip[c] = NEUTRAL;                                                \
      for (; r + 4 <= bottom; r += 4) {                                                                     \
        const T *a = (const T *)a_ + r * rs, *b = a + rs, *d = b + rs, *e = d + rs;                         \
        for (int64_t c = 0; c < cols; c++) {                                                                \
          const T ab = JOIN(a[c], b[c]), de = JOIN(d[c], e[c]), four = JOIN(ab, de);                        \
          strip[c] = JOIN(strip[c], four);                                                                  \
        }                                                                                                   \
      }                                                                                                     \
      for (; r < bottom; r++) {                                                                             \
        const T *a = (const T *)a_ + r * rs;                                                                \
        for (int64_t c = 0; c < cols; c++) strip[c] = JOIN(strip[c], a[c]);                                 \
      }                                                                                                     \
      for (int64_t c = 0; c < cols; c++) acc[c] = JOIN(acc[c], (A)strip[c]);                                \
    }                                                                                                       \
  }
#endif
