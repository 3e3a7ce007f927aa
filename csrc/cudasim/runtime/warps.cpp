// warps.cpp - the rendezvous of a warp: the last of the lanes that `mask` names computes what all of them take away.
#include "../check/check.h"
#include "../profile/log.h"
#include "messages.h"
#include "switching.h"
#include "worker.h"

namespace cudasim {
CUDASIM_API uint64_t cudasim_warp(int what, unsigned mask, uint64_t value, int source, const void *from) {
  Worker &w = *this_worker;
  const int l = w.lane;
  Together &mine = w.together[w.current];
  if (!from) from = __builtin_return_address(0);
  if (!(mask >> l & 1)) {
    bad_mask(w, mask, from);
    mask |= 1u << l;
  }
  mine = {value, 0, mask, what, source, from};
  const unsigned there = w.waiting[w.warp] |= 1u << l, awaited = mask & w.alive[w.warp];
  if (what == CUDASIM_ACTIVE || (there & awaited) != awaited || !w.meet(w.warp, mask, what)) {
    w.ready[w.warp] &= ~(1u << l);
    w.let_others_run();
  }
  return mine.result;
}

// Completes the rendezvous if all lanes of the mask that have not returned are there for the same thing.
bool Worker::meet(int w, unsigned mask, int what) {
  const unsigned lanes = mask & alive[w];
  if ((waiting[w] & lanes) != lanes) return false;
  for (unsigned left = lanes; left; left &= left - 1) {
    const Together &other = together[w * LANES + __builtin_ctz(left)];
    if (other.what != what || other.mask != mask) return false;
  }
  warp_result(w, mask, what);
  waiting[w] &= ~lanes;
  ready[w] |= lanes;
  if (checking()) check_warp_met(*this, w, lanes);
  if (profiling()) profile_met(w, lanes);
  return true;
}

// A lane has returned: those who waited for it alone go on.
void Worker::settle_warp(int w) {
  for (unsigned left = waiting[w]; left; left &= left - 1) {
    const int l = __builtin_ctz(left);
    const Together &one = together[w * LANES + l];
    if (waiting[w] >> l & 1 && one.what != CUDASIM_ACTIVE) meet(w, one.mask, one.what);
  }
}

// __activemask(): when no lane of the warp can run, those who ask at one place are active together.
bool Worker::settle_active(int w) {
  unsigned lanes = 0;
  const void *place = nullptr;
  for (unsigned left = waiting[w]; left; left &= left - 1) {
    const int l = __builtin_ctz(left);
    const Together &one = together[w * LANES + l];
    if (one.what != CUDASIM_ACTIVE) continue;
    if (!place) place = one.from;
    if (one.from == place) lanes |= 1u << l;
  }
  for (unsigned left = lanes; left; left &= left - 1) together[w * LANES + __builtin_ctz(left)].result = lanes;
  waiting[w] &= ~lanes;
  ready[w] |= lanes;
  return lanes != 0;
}

static uint64_t reduce(int what, uint64_t a, uint64_t b) {
  switch (what) {
  case CUDASIM_SUM: return uint32_t(a + b);
  case CUDASIM_MIN: return int32_t(a) < int32_t(b) ? a : b;
  case CUDASIM_MAX: return int32_t(a) > int32_t(b) ? a : b;
  case CUDASIM_UMIN: return a < b ? a : b;
  case CUDASIM_UMAX: return a > b ? a : b;
  case CUDASIM_BIT_AND: return a & b;
  case CUDASIM_BIT_OR: return a | b;
  default: return a ^ b;
  }
}

void Worker::warp_result(int w, unsigned mask, int what) {
  Together *lane_ = together + w * LANES;
  const unsigned lanes = mask & alive[w];
  const int first = __builtin_ctz(lanes);
  uint64_t common = 0;
  switch (what) {
  case CUDASIM_SYNC: return;
  case CUDASIM_SHUFFLE:
    for (unsigned left = lanes; left; left &= left - 1) {
      const int l = __builtin_ctz(left), from = lane_[l].source;
      const bool there = from >= 0 && from < LANES && lanes >> from & 1;
      if (!there) shuffle_from_nobody(*this, w, l, from, lane_[l].from);
      lane_[l].result = lane_[there ? from : l].value; // undefined on a GPU
    }
    return;
  case CUDASIM_BALLOT:
    for (unsigned left = lanes; left; left &= left - 1)
      if (lane_[__builtin_ctz(left)].value) common |= 1u << __builtin_ctz(left);
    break;
  case CUDASIM_MATCH_ANY:
    for (unsigned mine = lanes; mine; mine &= mine - 1) {
      Together &me = lane_[__builtin_ctz(mine)];
      for (unsigned left = lanes; left; left &= left - 1)
        if (lane_[__builtin_ctz(left)].value == me.value) me.result |= 1u << __builtin_ctz(left);
    }
    return;
  case CUDASIM_MATCH_ALL:
    common = lanes;
    for (unsigned left = lanes; left; left &= left - 1)
      if (lane_[__builtin_ctz(left)].value != lane_[first].value) common = 0;
    break;
  default:
    common = lane_[first].value;
    for (unsigned left = lanes & (lanes - 1); left; left &= left - 1)
      common = reduce(what, common, lane_[__builtin_ctz(left)].value);
  }
  for (unsigned left = lanes; left; left &= left - 1) lane_[__builtin_ctz(left)].result = common;
}
} // namespace cudasim
