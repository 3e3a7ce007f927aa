// pool.cu - the device's memory, and blocks of it that are kept for the next who asks.
//
// cudaFree waits for all kernels, and cudaMalloc takes longer than most of them run. A block that is given back is therefore
// kept, in a list for its size: sizes are rounded up, to eighths of a power of two, so that few lists serve all. It may be
// handed out again at once, though kernels may still be reading it: they come first in the stream, whoever writes to it next
// comes later. nd_pool_set_limit(0) keeps nothing: then every mistake in the use of memory meets the device's own checks.
#include <cstdint>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>
#include "launch.cuh"

namespace {
std::mutex lock;
std::map<int64_t, std::vector<void *>> kept; // by size
std::unordered_map<void *, int64_t> sizes;   // of the blocks that are in use
int64_t live = 0, cached = 0, limit = 0;

// Up to the next eighth of a power of two, 512 bytes at least: no block is more than an eighth larger than was asked for.
int64_t rounded(int64_t nbytes) {
  int64_t step = 512;
  while (step * 16 <= nbytes) step *= 2;
  return nbytes <= step ? step : (nbytes + step - 1) / step * step;
}

void trim_to(int64_t most) { // the largest first
  while (cached > most && !kept.empty()) {
    auto last = std::prev(kept.end());
    cudaFree(last->second.back());
    cached -= last->first;
    last->second.pop_back();
    if (last->second.empty()) kept.erase(last);
  }
}
} // namespace

ND_API void *nd_alloc(int64_t nbytes) {
  const std::lock_guard<std::mutex> hold(lock);
  if (nbytes < 0 || nbytes > int64_t(1) << 60) return nullptr;
  const int64_t size = limit ? rounded(nbytes) : nbytes;
  void *block = nullptr;
  const auto found = kept.find(size);
  if (found != kept.end()) {
    block = found->second.back();
    found->second.pop_back();
    cached -= size;
    if (found->second.empty()) kept.erase(found);
  } else if (cudaMalloc(&block, size_t(size)) != cudaSuccess) {
    cudaGetLastError(); // it has been met, and is no error of the next kernel
    trim_to(0);         // other sizes may be in the way
    if (cudaMalloc(&block, size_t(size)) != cudaSuccess) return cudaGetLastError(), nullptr;
  }
  if (block) {
    sizes[block] = size;
    live += size;
  }
  return block;
}
ND_API void nd_free(void *block) {
  const std::lock_guard<std::mutex> hold(lock);
  const auto found = sizes.find(block);
  if (found == sizes.end()) return;
  const int64_t size = found->second;
  sizes.erase(found);
  live -= size;
  if (cached + size > limit) {
    cudaFree(block);
    return;
  }
  kept[size].push_back(block);
  cached += size;
}
ND_API int64_t nd_pool_live_bytes(void) { return live; }
ND_API int64_t nd_pool_cached_bytes(void) { return cached; }
ND_API void nd_pool_trim(void) {
  const std::lock_guard<std::mutex> hold(lock);
  trim_to(0);
}
ND_API void nd_pool_set_limit(int64_t nbytes) {
  const std::lock_guard<std::mutex> hold(lock);
  limit = nbytes;
  trim_to(limit);
}
