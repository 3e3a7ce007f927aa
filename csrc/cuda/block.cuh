// block.cuh - one value made of those of all threads of a block: by shuffles within each warp, then of the warps' results.
//
// What is put together is a State, a struct with
//   of_none()        the value that changes nothing (0 of a sum)
//   with(other)      this one and the other, put together
//   from(lane)       what the lane `lane` away (by its number xor `lane`) holds, by shuffles
// A block has a multiple of 32 threads, at most 1024, in one dimension.
#pragma once
#include "launch.cuh"

namespace nd {
enum { WARP = 32, EVERY_LANE = 0xffffffff };

template <class T> __device__ T across(T value, int lane) { return __shfl_xor_sync(unsigned(EVERY_LANE), value, lane); }

// Every lane of the warp gets the result: after the first step pairs have one value, after the second fours, ...
template <class State> __device__ State of_warp(State mine) {
  for (int lane = WARP / 2; lane > 0; lane /= 2) mine = mine.with(mine.from(lane));
  return mine;
}

// Every thread of the block gets the result. All threads must call it. There are a few warps: each thread puts their results
// together by itself, all threads reading the same one at the same time, which costs less than shuffles would.
template <class State> __device__ State of_block(State mine) {
  __shared__ State of_warps[WARP];
  const int lane = int(threadIdx.x) % WARP, own = int(threadIdx.x) / WARP, warps = int(blockDim.x) / WARP;
  mine = of_warp(mine);
  if (warps == 1) return mine;
  if (lane == 0) of_warps[own] = mine;
  __syncthreads(); // all warps have written theirs
  mine = of_warps[0];
  for (int warp = 1; warp < warps; warp++) mine = mine.with(of_warps[warp]);
  __syncthreads(); // and have been read: the next call may overwrite them
  return mine;
}

// A sum in double: one addition for each element that is loaded is no work for a GPU, and long sums stay exact.
struct Sum {
  double value;
  static __device__ Sum of_none() { return {0}; }
  __device__ Sum with(Sum other) const { return {value + other.value}; }
  __device__ Sum from(int lane) const { return {across(value, lane)}; }
};
// The largest element; a nan is larger than any number.
template <class T> struct Largest {
  T value;
  static __device__ Largest of_none() { return {T(-INFINITY)}; }
  __device__ Largest with(Largest other) const { return other.value > value || other.value != other.value ? other : *this; }
  __device__ Largest from(int lane) const { return {across(value, lane)}; }
};

// As many threads as a line of n elements keeps busy with eight elements each, in whole warps: what all threads of a block
// put together costs more than an addition, so short lines have few of them, and up to 256 elements meet no barrier.
inline unsigned threads_for(int64_t n) {
  const int64_t warps = (n + 8 * WARP - 1) / (8 * WARP), most = THREADS / WARP;
  return unsigned(WARP * (warps < 1 ? 1 : warps < most ? warps : most));
}
// Short lines share a block: a team of 1, 2, 4 ... 32 lanes has one, eight elements a lane. A line of more than 256 elements
// has a block, which is its team.
struct Teams {
  unsigned lanes, threads, blocks; // of a team, of a block, of the grid
  Teams(int64_t lines, int64_t n) : lanes(1), threads(THREADS), blocks(0) {
    while (lanes < WARP && 8 * lanes < n) lanes *= 2;
    if (n > 8 * WARP) lanes = threads = threads_for(n);
    const int64_t of_block = threads / lanes;
    blocks = unsigned((lines + of_block - 1) / of_block);
  }
};
// Every lane of the team gets the result. All threads of the block must call it.
template <class State> __device__ State of_team(State mine, int lanes) {
  if (lanes > WARP) return of_block(mine);
  for (int lane = lanes / 2; lane > 0; lane /= 2) mine = mine.with(mine.from(lane));
  return mine;
}

// A block for each line: more than this no grid has.
enum : int64_t { MOST_LINES = 0x7fffffff };

// Of a plan whose last dimension is the line: where each line begins, and the step from element to element.
template <int N> struct Lines {
  Layout<N> begin;
  int64_t length, step[N];

  explicit Lines(const nd_plan *p) : begin(p), length(p->shape[p->ndim - 1]), step() {
    begin.ndim = p->ndim - 1;
    begin.size = 1;
    for (int d = 0; d < begin.ndim; d++) begin.size *= p->shape[d];
    for (int k = 0; k < N; k++) step[k] = p->stride[k][p->ndim - 1];
  }
};

// A kernel with a block for each line: `launch` is given the lines, and how many blocks of how many threads they take.
template <int N, class Launch> int each_line(const nd_plan *p, Launch launch) {
  if (p->ndim < 1) return ND_EPLAN;
  const Lines<N> lines(p);
  if (lines.begin.size > MOST_LINES) return ND_EPLAN;
  if (p->size) launch(lines, unsigned(lines.begin.size), threads_for(lines.length));
  return launched();
}
} // namespace nd
