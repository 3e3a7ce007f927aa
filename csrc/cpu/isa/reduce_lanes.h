/* reduce_lanes.h - reductions of f32 and f64 in SIMD lanes: long rows, short rows, columns.
 *
 * A compiler may not reorder floating-point additions, so it will not vectorise `x += row[c]` by itself; these
 * loops say themselves in which order to add. It is the same for every run and every number of threads.
 */
#ifndef ND_REDUCE_LANES_H
#define ND_REDUCE_LANES_H
#include "transpose.h"

/* A vector of W floats or doubles, and integers of the same size to hold the masks of comparisons. */
enum { W_f32 = WIDE_32, W_f64 = WIDE_64 };
typedef f32 lanes_f32 __attribute__((vector_size(W_f32 * 4)));
typedef f64 lanes_f64 __attribute__((vector_size(W_f64 * 8)));
typedef i32 mask_f32 __attribute__((vector_size(W_f32 * 4)));
typedef i64 mask_f64 __attribute__((vector_size(W_f64 * 8)));
#define transpose_f32(v) transpose_wide_32((vec_wide_32 *)(v))
#define transpose_f64(v) transpose_wide_64((vec_wide_64 *)(v))

/* `mask ? x : y`, lane by lane */
#define CHOOSE(mask, x, y) ((V)(((mask) & (M)(x)) | (~(mask) & (M)(y))))
/* What is joined of an element: itself or its square. */
#define ITSELF(x) (x)
#define SQUARE_OF(x) ((x) * (x))
#define LARGER_LANES(x, y) CHOOSE(((y) > (x)) | ((y) != (y)), y, x)
#define SMALLER_LANES(x, y) CHOOSE(((y) < (x)) | ((y) != (y)), y, x)

enum {
  STRETCH = 32,   /* elements that one lane joins as T before they are joined as A */
  SHORT_ROW = 96, /* rows shorter than this are taken W at a time */
  AT_ONCE = 8,    /* rows that share one load and store of a strip */
  DEEP = 64,      /* rows that are laid on top of each other as T before they are joined as A */
  STRIP = 1024    /* columns at a time; the driver asks for no more */
};

#define LANE_ROWS(name, T, A, NEUTRAL, JOIN, JOIN_LANES, OF)                                                \
  /* One long row, stretch by stretch: eight vectors of lanes, for the adder is pipelined; then the lanes. */ \
  static A name##_of_row_##T(int64_t n, const T *a) {                                                       \
    typedef lanes_##T V;                                                                                    \
    typedef mask_##T M __attribute__((unused));                                                             \
    enum { W = W_##T };                                                                                     \
    A total = NEUTRAL;                                                                                      \
    while (n >= W) {                                                                                        \
      const int64_t stretch = n < STRETCH * 8 * W ? n / W * W : STRETCH * 8 * W;                                            \
      V x[8], y;                                                                                            \
      int64_t c = 0;                                                                                        \
      ND_UNROLL_WHOLE(8) for (int i = 0; i < 8; i++) x[i] = (V){0} + (T)NEUTRAL;                            \
      for (; c + 8 * W <= stretch; c += 8 * W) {                                                            \
        ND_UNROLL_WHOLE(8) for (int i = 0; i < 8; i++) {                                                    \
          memcpy(&y, a + c + i * W, sizeof y);                                                              \
          x[i] = JOIN_LANES(x[i], OF(y));                                                                   \
        }                                                                                                   \
      }                                                                                                     \
      for (; c < stretch; c += W) {                                                                         \
        memcpy(&y, a + c, sizeof y);                                                                        \
        x[0] = JOIN_LANES(x[0], OF(y));                                                                     \
      }                                                                                                     \
      ND_UNROLL_WHOLE(4) for (int i = 0; i < 4; i++) x[i] = JOIN_LANES(x[i], x[i + 4]);                     \
      x[0] = JOIN_LANES(x[0], x[2]);                                                                        \
      x[1] = JOIN_LANES(x[1], x[3]);                                                                        \
      for (int l = 0; l < W; l++) total = JOIN(total, JOIN((A)x[0][l], (A)x[1][l]));                        \
      a += stretch;                                                                                         \
      n -= stretch;                                                                                         \
    }                                                                                                       \
    for (int64_t c = 0; c < n; c++) total = JOIN(total, OF((A)a[c]));                                       \
    return total;                                                                                           \
  }                                                                                                         \
  /* W short rows at once, W <= cols: lane l of x[i] holds columns l, l+W, ... of row i. Transposed, lane i */ \
  /* belongs to row i. The last cols % W columns come from a vector that ends with the row: `fresh` are the */ \
  /* lanes of it that have not been counted. */                                                             \
  static void name##_of_short_rows_##T(int64_t cols, const T *a, int64_t rs, A *acc) {                      \
    typedef lanes_##T V;                                                                                    \
    typedef mask_##T M;                                                                                     \
    enum { W = W_##T };                                                                                     \
    V x[W], y;                                                                                              \
    M fresh;                                                                                                \
    const int64_t whole = cols / W * W, old = W - (cols - whole);                                           \
    ND_UNROLL_WHOLE(8) for (int i = 0; i < W; i++) {                                                        \
      memcpy(&y, a + i * rs, sizeof y);                                                                     \
      x[i] = OF(y);                                                                                         \
    }                                                                                                       \
    for (int64_t c = W; c < whole; c += W) {                                                                \
      ND_UNROLL_WHOLE(8) for (int i = 0; i < W; i++) {                                                      \
        memcpy(&y, a + i * rs + c, sizeof y);                                                               \
        x[i] = JOIN_LANES(x[i], OF(y));                                                                     \
      }                                                                                                     \
    }                                                                                                       \
    if (whole < cols) {                                                                                     \
      for (int l = 0; l < W; l++) fresh[l] = l >= old ? -1 : 0;                                             \
      const V neutral = (V){0} + (T)NEUTRAL;                                                                \
      ND_UNROLL_WHOLE(8) for (int i = 0; i < W; i++) {                                                      \
        memcpy(&y, a + i * rs + cols - W, sizeof y);                                                        \
        y = CHOOSE(fresh, y, neutral);                                                                      \
        x[i] = JOIN_LANES(x[i], OF(y));                                                                     \
      }                                                                                                     \
    }                                                                                                       \
    transpose_##T(x);                                                                                       \
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

/* A strip of T grows downwards, AT_ONCE rows (joined in pairs) for each time it is loaded and stored; it is joined to
 * the accumulators after DEEP rows. The cols % W last columns are left to the plain version. */
#define LANE_COLUMNS(name, T, A, NEUTRAL, JOIN, JOIN_LANES, OF)                                             \
  static void lane_##name##_columns_##T(int64_t rows, int64_t cols, const void *a_, int64_t rs, int64_t cs, void *acc_) { \
    typedef lanes_##T V;                                                                                    \
    typedef mask_##T M __attribute__((unused));                                                             \
    enum { W = W_##T };                                                                                     \
    A *acc = acc_;                                                                                          \
    const int64_t whole = cs == 1 && cols <= STRIP ? cols / W * W : 0;                                      \
    T strip[STRIP];                                                                                         \
    for (int64_t top = 0; whole && top < rows; top += DEEP) {                                               \
      const int64_t bottom = rows - top < DEEP ? rows : top + DEEP;                                         \
      int64_t r = top;                                                                                      \
      for (int64_t c = 0; c < whole; c++) strip[c] = NEUTRAL;                                               \
      for (; r < bottom; r += AT_ONCE) {                                                                    \
        const T *a = (const T *)a_ + r * rs;                                                                \
        const int64_t count = bottom - r;                                                                   \
        for (int64_t c = 0; c < whole; c += W) {                                                            \
          V x, y;                                                                                           \
          memcpy(&x, strip + c, sizeof x);                                                                  \
          if (count >= AT_ONCE) {                                                                           \
            V eight[AT_ONCE / 2];                                                                           \
            ND_UNROLL_WHOLE(8) for (int i = 0; i < AT_ONCE / 2; i++) {                                      \
              memcpy(&eight[i], a + 2 * i * rs + c, sizeof y);                                              \
              memcpy(&y, a + (2 * i + 1) * rs + c, sizeof y);                                               \
              eight[i] = JOIN_LANES(OF(eight[i]), OF(y));                                                   \
            }                                                                                               \
            eight[0] = JOIN_LANES(eight[0], eight[1]);                                                      \
            eight[2] = JOIN_LANES(eight[2], eight[3]);                                                      \
            eight[0] = JOIN_LANES(eight[0], eight[2]);                                                      \
            x = JOIN_LANES(x, eight[0]);                                                                    \
          } else {                                                                                          \
            for (int i = 0; i < count; i++) {                                                               \
              memcpy(&y, a + i * rs + c, sizeof y);                                                         \
              x = JOIN_LANES(x, OF(y));                                                                     \
            }                                                                                               \
          }                                                                                                 \
          memcpy(strip + c, &x, sizeof x);                                                                  \
        }                                                                                                   \
      }                                                                                                     \
      for (int64_t c = 0; c < whole; c++) acc[c] = JOIN(acc[c], (A)strip[c]);                               \
    }                                                                                                       \
    plain_##name##_columns_##T(rows, cols - whole, (const T *)a_ + whole * cs, rs, cs, acc + whole);        \
  }
#endif
