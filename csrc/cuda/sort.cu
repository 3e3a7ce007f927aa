// sort.cu - sort and argsort along the last dimension: a bitonic network, where who is compared with whom does not depend
// on the numbers, so that all threads do the same.
//
// Stage `run` (2, 4, 8, ...) makes runs of that many elements in order, every other one backwards, by steps of compare and
// swap over the distances run/2, run/4, ..., 1. A line is widened to a power of two by elements that come last. What is
// sorted are entries, a number and its place each, and places decide between equals: the order is stable, and complete. Steps over
// distances within a tile are made in shared memory, all of them in one launch; the longer ones in global memory.
#include "block.cuh"

namespace nd {
enum { TILE_PAIRS = 512 }; // each of 256 threads compares two

template <class T> struct Entry { // both of 4 bytes, or both of 8: no byte lies between them that nobody writes
  typename std::conditional<sizeof(T) == 1, int, T>::type value;
  typename std::conditional<sizeof(T) == 8, int64_t, int>::type place; // from the line's length on: nothing, and last
};
struct Sorting {
  int64_t length, wide; // of a line, and the power of two
  int descending;
};

template <class T> __device__ bool comes_first(const Entry<T> &a, const Entry<T> &b, const Sorting &s) {
  const bool a_there = s.length > a.place, b_there = s.length > b.place;
  if (!a_there || !b_there) return a_there;
  const bool a_nan = a.value != a.value, b_nan = b.value != b.value; // the largest numbers
  const bool larger = a_nan ? !b_nan : a.value > b.value, smaller = b_nan ? !a_nan : b.value > a.value;
  if (larger || smaller) return s.descending ? larger : smaller;
  return b.place > a.place;
}
// Puts pairs i and i + distance in order, in the direction of the run that i belongs to.
template <class T> __device__ void compare(Entry<T> *pairs, int64_t at, int64_t i, int64_t distance, int64_t run, const Sorting &s) {
  const Entry<T> low = pairs[at], high = pairs[at + distance];
  const bool backwards = (i & run) != 0;
  if (comes_first(high, low, s) == backwards) return;
  pairs[at] = high;
  pairs[at + distance] = low;
}
// Of the n-th comparison over a distance, the place of its lower pair.
__device__ inline int64_t lower_of(int64_t n, int64_t distance) { return n / distance * distance * 2 + n % distance; }

template <class T> __global__ void make_pairs(Lines<2> l, Sorting s, Entry<T> *pairs, const T *a) {
  for (int64_t i = first(); i < l.begin.size * s.wide; i += step()) {
    int64_t at[2];
    const int64_t k = i % s.wide;
    l.begin.locate(i / s.wide, at);
    pairs[i].value = s.length > k ? a[at[1] + k * l.step[1]] : T(0);
    pairs[i].place = decltype(pairs->place)(k);
  }
}
template <class T> __global__ void far_step(Sorting s, Entry<T> *pairs, int64_t comparisons, int64_t distance, int64_t run) {
  for (int64_t n = first(); n < comparisons; n += step()) {
    const int64_t i = lower_of(n, distance);
    compare(pairs, i, i % s.wide, distance, run, s);
  }
}
// All steps of the stages from_run ... to_run whose distances fit into the tile.
template <class T> __global__ void near_steps(Sorting s, Entry<T> *pairs, int tile, int64_t from_run, int64_t to_run) {
  __shared__ Entry<T> near[TILE_PAIRS];
  const int thread = int(threadIdx.x), half = tile / 2;
  const int64_t begin = int64_t(blockIdx.x) * tile;
  near[thread] = pairs[begin + thread];
  near[thread + half] = pairs[begin + thread + half];
  __syncthreads(); // the tile is complete
  for (int64_t run = from_run; run <= to_run; run *= 2)
    for (int64_t distance = run > tile ? half : run / 2; distance > 0; distance /= 2) {
      const int64_t i = lower_of(thread, distance);
      compare(near, i, (begin + i) % s.wide, distance, run, s);
      __syncthreads(); // the next step looks at what this one swapped
    }
  pairs[begin + thread] = near[thread];
  pairs[begin + thread + half] = near[thread + half];
}
template <class T> __global__ void take_values(Lines<2> l, Sorting s, T *out, const Entry<T> *pairs) {
  for (int64_t i = first(); i < l.begin.size * s.length; i += step()) {
    int64_t at[2];
    l.begin.locate(i / s.length, at);
    out[at[0] + i % s.length * l.step[0]] = T(pairs[i / s.length * s.wide + i % s.length].value);
  }
}
// The first `most` of each line.
template <class T> __global__ void take_places(Lines<2> l, Sorting s, int64_t *out, const Entry<T> *pairs, int64_t most) {
  for (int64_t i = first(); i < l.begin.size * most; i += step()) {
    int64_t at[2];
    l.begin.locate(i / most, at);
    out[at[0] + i % most * l.step[0]] = pairs[i / most * s.wide + i % most].place;
  }
}

// take(pairs) launches what writes the result.
template <class T, class Take> int sort_pairs(const nd_plan *p, const T *a, int descending, Take take) {
  if (p->ndim < 1) return ND_EPLAN;
  if (!p->size) return ND_OK;
  const Lines<2> lines(p);
  Sorting s = {lines.length, 2, descending};
  while (s.wide < s.length) s.wide *= 2;
  const int64_t all = lines.begin.size * s.wide;
  if (s.wide > int64_t(1) << 30) return ND_EPLAN; // places are ints
  const int tile = int(s.wide < TILE_PAIRS ? s.wide : int64_t(TILE_PAIRS));
  if (all / tile > MOST_LINES) return ND_EPLAN;
  const Scratch scratch(all * int64_t(sizeof(Entry<T>)));
  if (!scratch) return ND_ENOMEM;
  Entry<T> *const pairs = scratch.as<Entry<T>>();
  const unsigned tiles = unsigned(all / tile), threads = unsigned(tile / 2);
  make_pairs<T><<<blocks_for(all), THREADS>>>(lines, s, pairs, a);
  near_steps<T><<<tiles, threads>>>(s, pairs, tile, 2, tile);
  for (int64_t run = 2 * tile; run <= s.wide; run *= 2) {
    for (int64_t distance = run / 2; distance >= tile; distance /= 2)
      far_step<T><<<blocks_for(all / 2), THREADS>>>(s, pairs, all / 2, distance, run);
    near_steps<T><<<tiles, threads>>>(s, pairs, tile, run, run);
  }
  take(lines, s, pairs);
  return launched();
}
} // namespace nd

ND_API int nd_sort(const nd_plan *p, void *out, const void *a, int descending) {
  if (p->dtype[0] != p->dtype[1]) return ND_EDTYPE;
  return nd::with_type<nd::ALL>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    return nd::sort_pairs(p, static_cast<const T *>(a), descending, [&](auto lines, auto sorting, auto pairs) {
      nd::take_values<T><<<nd::blocks_for(p->size), nd::THREADS>>>(lines, sorting, static_cast<T *>(out), pairs);
    });
  });
}
ND_API int nd_argsort(const nd_plan *p, void *out, const void *a, int descending, int64_t most) {
  if (p->dtype[0] != ND_I64) return ND_EDTYPE;
  if (p->ndim < 1 || most < 0 || most > p->shape[p->ndim - 1]) return ND_EPLAN;
  if (most == 0) return ND_OK;
  return nd::with_type<nd::ALL>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    return nd::sort_pairs(p, static_cast<const T *>(a), descending, [&](auto lines, auto sorting, auto pairs) {
      nd::take_places<T><<<nd::blocks_for(p->size), nd::THREADS>>>(lines, sorting, static_cast<int64_t *>(out), pairs, most);
    });
  });
}
