/* windows.h - which element of an axis a window sees, for convolution and pooling. */
#ifndef ND_WINDOWS_H
#define ND_WINDOWS_H
#include <stdint.h>

typedef struct {
  int64_t start, step, dilation, extent; /* window j sees at kernel position k element j*step + k*dilation + start */
} axis;

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t divided_up(int64_t a, int64_t b) { return a > 0 ? (a + b - 1) / b : -(-a / b); }

/* The windows first .. last-1 of `count` that see an element at kernel position k. */
static inline void seen_at(axis s, int64_t k, int64_t count, int64_t *first, int64_t *last) {
  const int64_t at = k * s.dilation + s.start;
  *first = least(most(divided_up(-at, s.step), 0), count);
  *last = most(least(divided_up(s.extent - at, s.step), count), *first);
}

/* The kernel positions first .. last-1 of `count` at which window j sees an element. */
static inline void seen_from(axis s, int64_t j, int64_t count, int64_t *first, int64_t *last) {
  seen_at((axis){.start = s.start, .step = s.dilation, .dilation = s.step, .extent = s.extent}, j, count, first, last);
}
#endif
