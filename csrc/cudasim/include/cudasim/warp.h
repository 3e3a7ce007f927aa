// warp.h - shuffles, votes and matches: what the 32 lanes of a warp do together.
//
// Each is a rendezvous of the lanes that `mask` names. Within segments of `width` lanes,
//   __shfl_sync(mask, v, k)       v of lane k of my segment
//   __shfl_up_sync(mask, v, d)    v of the lane d below me, or my own at the lower end
//   __shfl_down_sync(mask, v, d)  v of the lane d above me, or my own at the upper end
//   __shfl_xor_sync(mask, v, x)   v of the lane whose number is mine xor x, or my own outside
#ifndef CUDASIM_WARP_H
#define CUDASIM_WARP_H
#include "device.h"

namespace cudasim {
CUDASIM_INLINE int lane() {
  const uint3 t = threadIdx, d = blockDim;
  return int((t.x + d.x * (t.y + d.y * t.z)) & 31);
}
template <class T> CUDASIM_INLINE T shuffle(unsigned mask, T value, int source, const void *from) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8 || sizeof(T) == 2, "shuffles move 2, 4 or 8 bytes");
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  bits = cudasim_warp(CUDASIM_SHUFFLE, mask, bits, source, from);
  __builtin_memcpy(&value, &bits, sizeof(T));
  return value;
}
template <class T> CUDASIM_INLINE uint64_t bits_of(T value) {
  uint64_t bits = 0;
  __builtin_memcpy(&bits, &value, sizeof(T));
  return bits;
}
} // namespace cudasim

template <class T> CUDASIM_CALL T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  return cudasim::shuffle(mask, value, (cudasim::lane() & -width) | (source & (width - 1)), CUDASIM_FROM);
}
template <class T> CUDASIM_CALL T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = 32) {
  const int me = cudasim::lane(), from = me - int(by);
  return cudasim::shuffle(mask, value, from >= (me & -width) ? from : me, CUDASIM_FROM);
}
template <class T> CUDASIM_CALL T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = 32) {
  const int me = cudasim::lane(), from = me + int(by);
  return cudasim::shuffle(mask, value, from <= (me | (width - 1)) ? from : me, CUDASIM_FROM);
}
template <class T> CUDASIM_CALL T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32) {
  const int me = cudasim::lane(), from = me ^ with; // as on hardware, lanes of lower segments may be read
  return cudasim::shuffle(mask, value, from <= (me | (width - 1)) ? from : me, CUDASIM_FROM);
}
#define __syncwarp(...) ((void)cudasim_warp(CUDASIM_SYNC, cudasim::mask_or_all(__VA_ARGS__), 0, 0, nullptr))
namespace cudasim { CUDASIM_INLINE unsigned mask_or_all(unsigned mask = 0xffffffffu) { return mask; } }

CUDASIM_CALL unsigned __ballot_sync(unsigned mask, int p) { return unsigned(cudasim_warp(CUDASIM_BALLOT, mask, !!p, 0, CUDASIM_FROM)); }
CUDASIM_CALL int __any_sync(unsigned mask, int p) { return cudasim_warp(CUDASIM_BALLOT, mask, !!p, 0, CUDASIM_FROM) != 0; }
CUDASIM_CALL int __all_sync(unsigned mask, int p) { return cudasim_warp(CUDASIM_BALLOT, mask, !p, 0, CUDASIM_FROM) == 0; }
CUDASIM_CALL unsigned __activemask() { return unsigned(cudasim_warp(CUDASIM_ACTIVE, ~0u, 0, 0, CUDASIM_FROM)); }
template <class T> CUDASIM_CALL unsigned __match_any_sync(unsigned mask, T value) {
  return unsigned(cudasim_warp(CUDASIM_MATCH_ANY, mask, cudasim::bits_of(value), 0, CUDASIM_FROM));
}
template <class T> CUDASIM_CALL unsigned __match_all_sync(unsigned mask, T value, int *all) {
  const unsigned found = unsigned(cudasim_warp(CUDASIM_MATCH_ALL, mask, cudasim::bits_of(value), 0, CUDASIM_FROM));
  *all = found != 0;
  return found;
}
CUDASIM_CALL unsigned __reduce_add_sync(unsigned m, unsigned v) { return unsigned(cudasim_warp(CUDASIM_SUM, m, v, 0, CUDASIM_FROM)); }
CUDASIM_CALL int __reduce_add_sync(unsigned m, int v) { return int(cudasim_warp(CUDASIM_SUM, m, unsigned(v), 0, CUDASIM_FROM)); }
CUDASIM_CALL unsigned __reduce_min_sync(unsigned m, unsigned v) { return unsigned(cudasim_warp(CUDASIM_UMIN, m, v, 0, CUDASIM_FROM)); }
CUDASIM_CALL int __reduce_min_sync(unsigned m, int v) { return int(cudasim_warp(CUDASIM_MIN, m, unsigned(v), 0, CUDASIM_FROM)); }
CUDASIM_CALL unsigned __reduce_max_sync(unsigned m, unsigned v) { return unsigned(cudasim_warp(CUDASIM_UMAX, m, v, 0, CUDASIM_FROM)); }
CUDASIM_CALL int __reduce_max_sync(unsigned m, int v) { return int(cudasim_warp(CUDASIM_MAX, m, unsigned(v), 0, CUDASIM_FROM)); }
CUDASIM_CALL unsigned __reduce_and_sync(unsigned m, unsigned v) { return unsigned(cudasim_warp(CUDASIM_BIT_AND, m, v, 0, CUDASIM_FROM)); }
CUDASIM_CALL unsigned __reduce_or_sync(unsigned m, unsigned v) { return unsigned(cudasim_warp(CUDASIM_BIT_OR, m, v, 0, CUDASIM_FROM)); }
CUDASIM_CALL unsigned __reduce_xor_sync(unsigned m, unsigned v) { return unsigned(cudasim_warp(CUDASIM_BIT_XOR, m, v, 0, CUDASIM_FROM)); }
#endif
