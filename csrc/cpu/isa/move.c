/* move.c - fill, where, copy and cast; packing a block is in pack.h. */
#include "move.h"
#include "pack.h"
#include "rows.h"

/* out = s */
#define FILL_ROW(name, type, value)                                                                         \
  ROW_HEAD(name, type, type)                                                                                \
    const T s = value;                                                                                      \
    ROW_LOOP(to == 1, out[i] = s;)                                                                          \
    ROW_LOOP(1, out[i * to] = s;)                                                                           \
  }
NUMBERS(FILL_ROW, fill, (T)scalar)
FILL_ROW(fill, b8, scalar != 0)

/* out = cond ? a : b */
#define WHERE_ROW(name, type, unused)                                                                       \
  ROW_HEAD(name, type, type)                                                                                \
    const b8 *const pc = data[1];                                                                           \
    const T *const pa = data[2], *const pb = data[3];                                                       \
    const int64_t sc = stride[1], sa = stride[2], sb = stride[3];                                           \
    const T a0 = *pa, b0 = *pb; /* n is never 0 */                                                          \
    ROW_LOOP(to == 1 && sc == 1 && sa == 1 && sb == 1, out[i] = pc[i] ? pa[i] : pb[i];)                     \
    ROW_LOOP(to == 1 && sc == 1 && sa == 1 && sb == 0, out[i] = pc[i] ? pa[i] : b0;)                        \
    ROW_LOOP(to == 1 && sc == 1 && sa == 0 && sb == 1, out[i] = pc[i] ? a0 : pb[i];)                        \
    ROW_LOOP(1, out[i * to] = pc[i * sc] ? pa[i * sa] : pb[i * sb];)                                        \
  }
ALL(WHERE_ROW, where, )

/* out = (R)a: the row is named after the type it makes, the argument is the type it reads. */
#define COPY_ROW(to_type, type, ...)                                                                        \
  ROW_HEAD(copy_to_##to_type, type, to_type)                                                                \
    const T *const pa = data[1];                                                                            \
    const int64_t sa = stride[1];                                                                           \
    ROW_LOOP(to == 1 && sa == 1, const T a = pa[i]; out[i] = (R)(__VA_ARGS__);)                             \
    ROW_LOOP(to == 1 && sa == 0, const T a = *pa; out[i] = (R)(__VA_ARGS__);)                               \
    ROW_LOOP(1, const T a = pa[i * sa]; out[i * to] = (R)(__VA_ARGS__);)                                    \
  }
ALL(COPY_ROW, f32, a)
ALL(COPY_ROW, f64, a)
ALL(COPY_ROW, i32, a)
ALL(COPY_ROW, i64, a)
ALL(COPY_ROW, b8, a != 0)

const nd_move_table ND_TABLE(move) = {
    .fill = ND_FUNCTIONS_ALL(fill),
    .where = ND_FUNCTIONS_ALL(where),
    .copy = {ND_FUNCTIONS_ALL(copy_to_f32), ND_FUNCTIONS_ALL(copy_to_f64), ND_FUNCTIONS_ALL(copy_to_i32),
             ND_FUNCTIONS_ALL(copy_to_i64), ND_FUNCTIONS_ALL(copy_to_b8)},
    .pack = {[1] = pack_1, [4] = pack_4, [8] = pack_8},
};
