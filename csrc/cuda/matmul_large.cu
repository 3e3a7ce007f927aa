// matmul_large.cu - the matrix product where its extents are large: tiles of out in the registers of a block. It is the top
// of the ladder in csrc/cuda/ladder, made to take any strides, any extents and batches.
//
// A block of 16 x 16 threads has a tile of EDGE x EDGE elements of out, a thread EACH x EACH of them (EACH = EDGE / 16). For
// DEPTH columns of a and rows of b at a time, 4 elements a thread, both parts go to shared memory; then a thread reads EACH
// numbers of either for EACH^2 multiply-adds. Four things make that fast:
//   - a thread's numbers are in runs of four, 64 apart: a warp reads 16 bytes a lane, side by side, without bank conflicts;
//   - global memory is read 16 bytes at a time wherever four neighbours lie there aligned, along whichever axis that is;
//   - the next parts are on their way to registers while these are multiplied;
//   - shared memory has two of each part, so that one barrier a round is enough.
#include "matmul.cuh"

namespace nd {
enum { SIDE = 16 };
__host__ __device__ constexpr int depth_of(int edge) { return RUN * THREADS / edge; }

// One factor, seen from out: `lines` are rows of a or columns of b, and each line has depth k.
template <class T> struct Factor {
  int64_t lines, line_stride, depth_stride;
  bool deep;  // neighbours in memory are neighbours in depth, not neighbouring lines
  bool fours; // and begin at multiples of 16 bytes, so that four are read at once
};

// The part of a factor that a block keeps: EDGE lines, DEPTH deep, of which each thread brings a run of four.
template <class T, int EDGE> struct Part {
  static constexpr int DEPTH = depth_of(EDGE);
  Four<T> held;
  const T *next;     // where this thread's run of the next part begins
  int line, depth;   // of the run, within the part
  int lines, deep;   // how many lines and how much depth there are from it on

  __device__ Part(const Factor<T> &f, const T *from, int64_t first_line, int64_t k) {
    const int number = int(threadIdx.x);
    line = f.deep ? number / (DEPTH / RUN) : number % (EDGE / RUN) * RUN;
    depth = f.deep ? number % (DEPTH / RUN) * RUN : number / (EDGE / RUN);
    lines = int(f.lines - first_line) - line;
    deep = int(k) - depth;
    next = from + (first_line + line) * f.line_stride + depth * f.depth_stride;
  }
  // From global memory to registers; what lies outside is 0, which changes no sum.
  __device__ void fetch(const Factor<T> &f) {
    const int along = f.deep ? deep : lines, beside = f.deep ? lines : deep;
    if (f.fours && along >= RUN && beside > 0) {
      held = *reinterpret_cast<const Four<T> *>(next);
    } else {
      const int64_t step = f.deep ? f.depth_stride : f.line_stride;
      for (int e = 0; e != RUN; e++) held.x[e] = beside > 0 && along > e ? next[e * step] : T(0);
    }
    next += DEPTH * f.depth_stride;
    deep -= DEPTH;
  }
  // From registers to shared memory, [depth][line].
  __device__ void store(const Factor<T> &f, T (&tile)[DEPTH][EDGE + RUN]) const {
    if (f.deep)
      for (int e = 0; e != RUN; e++) tile[depth + e][line] = held.x[e];
    else *reinterpret_cast<Four<T> *>(&tile[depth][line]) = held;
  }
};

// out_fours: four neighbours of a row of out begin at multiples of 16 bytes.
template <class T, int EDGE, class Finish>
__global__ void __launch_bounds__(THREADS, 2)
    matmul_registers(Product p, Batch batch, int64_t first_matrix, Factor<T> rows, Factor<T> columns, bool out_fours, T *out,
                     const T *a, const T *b, Finish finish) {
  constexpr int DEPTH = depth_of(EDGE), RUNS = EDGE / (SIDE * RUN), EACH = RUNS * RUN; // runs of a thread along each axis
  __shared__ __align__(16) T a_tile[2][DEPTH][EDGE + RUN];
  __shared__ __align__(16) T b_tile[2][DEPTH][EDGE + RUN];
  const int x = int(threadIdx.x) % SIDE * RUN, y = int(threadIdx.x) / SIDE * RUN;
  const int64_t across = (p.n + EDGE - 1) / EDGE;
  const int64_t row = blockIdx.x / across * EDGE, column = blockIdx.x % across * EDGE;
  int64_t at[3];
  batch.locate(first_matrix + blockIdx.z, at);
  Four<T> sum[EACH * RUNS] = {};
  Part<T, EDGE> of_a(rows, a + at[1], row, p.k), of_b(columns, b + at[2], column, p.k);
  of_a.fetch(rows);
  of_b.fetch(columns);
  int now = 0;
  of_a.store(rows, a_tile[now]);
  of_b.store(columns, b_tile[now]);
  __syncthreads(); // the first parts are complete
  for (int deep = int(p.k) - DEPTH;; deep -= DEPTH) { // how much depth there is behind these parts
    if (deep > 0) {
      of_a.fetch(rows);
      of_b.fetch(columns);
    }
#pragma unroll
    for (int d = 0; d != DEPTH; d++) {
      Four<T> left[RUNS], right[RUNS];
#pragma unroll
      for (int r = 0; r != RUNS; r++) {
        left[r] = *reinterpret_cast<const Four<T> *>(&a_tile[now][d][y + r * SIDE * RUN]);
        right[r] = *reinterpret_cast<const Four<T> *>(&b_tile[now][d][x + r * SIDE * RUN]);
      }
#pragma unroll
      for (int i = 0; i != EACH; i++)
#pragma unroll
        for (int j = 0; j != EACH; j++) {
          T &s = sum[i * RUNS + j / RUN].x[j % RUN];
          s = multiply_add(left[i / RUN].x[i % RUN], right[j / RUN].x[j % RUN], s);
        }
    }
    if (deep <= 0) break;
    now = 1 - now;
    of_a.store(rows, a_tile[now]);
    of_b.store(columns, b_tile[now]);
    __syncthreads(); // these parts are complete, and everybody has read those before
  }
#pragma unroll
  for (int i = 0; i != EACH; i++) {
    const int64_t to_row = row + y + i / RUN * SIDE * RUN + i % RUN;
    if (to_row >= p.m) continue;
#pragma unroll
    for (int r = 0; r != RUNS; r++) {
      const int64_t to_column = column + x + r * SIDE * RUN;
      T *const to = out + at[0] + to_row * p.out_row + to_column * p.out_column;
      if (Finish::alone && out_fours && p.n - to_column >= RUN) {
        *reinterpret_cast<Four<T> *>(to) = sum[i * RUNS + r];
      } else {
        for (int e = 0; e != RUN; e++)
          if (p.n - to_column > e) finish(to + e * p.out_column, sum[i * RUNS + r].x[e], to_row, to_column + e);
      }
    }
  }
}

namespace {
// Whether 16 bytes can be moved at once: neighbours 1 apart, and all other steps of the address in multiples of them.
template <class T> bool in_fours(const Batch &batch, int operand, const T *data, int64_t near, int64_t far) {
  constexpr int64_t whole = 16 / sizeof(T);
  bool fits = near == 1 && far % whole == 0 && batch.offset[operand] % whole == 0 && reinterpret_cast<uintptr_t>(data) % 16 == 0;
  for (int d = 0; d < batch.ndim; d++) fits = fits && batch.stride[operand][d] % whole == 0;
  return fits;
}
template <class T>
Factor<T> factor(const Batch &batch, int operand, const T *data, int64_t lines, int64_t line, int64_t depth) {
  const bool deep = line != 1; // what is no neighbour either way is read along the depth
  return {lines, line, depth, deep, in_fours(batch, operand, data, deep ? depth : line, deep ? line : depth)};
}

template <int EDGE, class T, class Finish>
int launch(const Product &p, const Batch &batch, T *out, const T *a, const T *b, Finish finish) {
  const int64_t tiles = (p.m + EDGE - 1) / EDGE * ((p.n + EDGE - 1) / EDGE);
  if (tiles > INT32_MAX) return ND_EPLAN;
  const Factor<T> rows = factor(batch, 1, a, p.m, p.a_row, p.a_column), columns = factor(batch, 2, b, p.n, p.b_column, p.b_row);
  const bool out_fours = in_fours(batch, 0, out, p.out_column, p.out_row);
  for (int64_t first = 0; first < batch.size; first += 65535) { // no grid is deeper
    const dim3 grid(unsigned(tiles), 1, unsigned(batch.size - first < 65535 ? batch.size - first : 65535));
    matmul_registers<T, EDGE><<<grid, THREADS>>>(p, batch, first, rows, columns, out_fours, out, a, b, finish);
  }
  return launched();
}

// Tiles of 128 read each number half as often, tiles of 64 keep four times as many blocks busy.
template <class T, class Finish>
int matmul_tiled(const Product &p, const Batch &batch, T *out, const T *a, const T *b, Finish finish) {
  if constexpr (sizeof(T) == 4) {
    const bool plenty = p.m / 128 * (p.n / 128) * batch.size >= 200;
    if (plenty) return launch<128>(p, batch, out, a, b, finish);
  }
  return launch<64>(p, batch, out, a, b, finish);
}
inline bool fills_tiles(const Product &p) {
  constexpr int64_t most = INT32_MAX / 2; // threads count within a matrix in 32 bits
  return p.m >= 48 && p.n >= 48 && p.k >= 8 && p.m < most && p.n < most && p.k < most;
}
} // namespace

#ifndef ND_PRODUCTS_ONLY
bool is_large(const Product &p) { return fills_tiles(p); }
int matmul_large(const Product &p, const Batch &batch, float *out, const float *a, const float *b) {
  return matmul_tiled(p, batch, out, a, b, Store());
}
int matmul_large(const Product &p, const Batch &batch, double *out, const double *a, const double *b) {
  return matmul_tiled(p, batch, out, a, b, Store());
}
#endif
} // namespace nd
