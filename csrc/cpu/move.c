/* move.c - fill, copy and cast, where: the elementwise driver with rows that move elements (isa/move.c). */
#include "elementwise.h"
#include "move.h"
#include "parallel.h"

int nd_fill(const nd_plan *p, void *out, double value) {
  if (!nd_is_dtype(p->dtype[0])) return ND_EDTYPE;
  return nd_run_elementwise(p, 1, nd_current_isa()->move->fill[p->dtype[0]], ND_GRAIN_CHEAP, &out, value);
}

int nd_fill_dense(int dtype, int64_t n, void *out, double value) {
  if (!nd_is_dtype(dtype)) return ND_EDTYPE;
  const int size = nd_item_size(dtype);
  return nd_run_dense(n, 1, &size, nd_current_isa()->move->fill[dtype], ND_GRAIN_CHEAP, &out, value);
}

int nd_copy(const nd_plan *p, void *out, const void *a) {
  if (!nd_is_dtype(p->dtype[0]) || !nd_is_dtype(p->dtype[1])) return ND_EDTYPE;
  return nd_run_elementwise(p, 2, nd_current_isa()->move->copy[p->dtype[0]][p->dtype[1]], ND_GRAIN_CHEAP,
                            (void *[]){out, (void *)a}, 0);
}

int nd_where(const nd_plan *p, void *out, const void *cond, const void *a, const void *b) {
  const int type = p->dtype[0];
  if (!nd_is_dtype(type) || p->dtype[1] != ND_BOOL || p->dtype[2] != type || p->dtype[3] != type) return ND_EDTYPE;
  return nd_run_elementwise(p, 4, nd_current_isa()->move->where[type], ND_GRAIN_CHEAP,
                            (void *[]){out, (void *)cond, (void *)a, (void *)b}, 0);
}
