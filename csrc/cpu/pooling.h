/* pooling.h - the family of max and average pooling, f32 and f64. */
#ifndef ND_POOLING_H
#define ND_POOLING_H
#include "kernel_types.h"
#include "windows.h"

enum { ND_POOL_LANES = 16 }; /* lanes are worked on in groups of so many; rows of them are padded to whole groups */

/* What is the same for all planes. A plane is what one image has of one channel or, where channels come last, of `c`
 * channels that lie side by side. Strides are of x, of y and of places, in elements: from plane to plane, of channels,
 * rows and columns. */
typedef struct {
  axis down, across;
  int64_t kh, kw, h, w; /* the kernel; windows */
  int64_t c, xp, xc, xh, xw, yp, yc, yh, yw, pp, pc, ph, pw;
  int64_t pitch, rows, phases, lanes; /* how planes are dealt out: isa/pooling_lanes.h */
  int apart; /* one channel a plane, and no element is seen by two windows */
  int64_t divide, pad_down, pad_across; /* means: ND_WINDOW, ND_SEEN or a number; padding at either end */
  int pairs; /* compact planes, covered exactly by windows of 2 x 2 elements: isa/pooling_pairs.h */
} nd_pool;

/* Of some planes; backward adds to x. room: (step + phases + 1) * lanes elements of 8 bytes and lanes of 4. */
typedef struct nd_pooling_table {
  void (*max[2])(const nd_pool *v, int64_t planes, const void *x, void *y, i32 *places, void *room);
  void (*max_backward[2])(const nd_pool *v, int64_t planes, void *x, const void *g, const i32 *places, void *room);
  void (*mean[2])(const nd_pool *v, int64_t planes, const void *x, void *y, void *room);
  void (*mean_backward[2])(const nd_pool *v, int64_t planes, void *x, const void *g, void *room);
} nd_pooling_table;
#endif
