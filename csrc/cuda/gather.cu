// gather.cu - gather, scatter and scatter-add: the thread of a point follows the index that it finds there.
//
// Threads come in any order, so that of several points that write to one place not the last would win but any. In a first
// pass every point therefore enters its number, the largest stays, and in a second pass only that point writes. Nobody
// writes if an index is out of range: then the array stays as it was.
//
// Sums are not added up in any order either, for each order rounds in its own way, and a training would not give the same
// numbers twice. The places that are added to are sorted, with the rows that go there behind one another in their own
// order, and the thread that stands at the first of them adds them all: the CPU's order, to the last bit.
#include "faults.cuh"

namespace nd {
// Element 0 of the indexed dimension lies at locate(point)[WHICH]; the index chooses among `limit`, `step` apart.
struct Indexed {
  Layout<3> l; // out, src, index; or dst, val, index
  int64_t step, limit;
};
// The index of a point, counted from the end if it is negative; below 0 if it is out of range.
__device__ inline int64_t wrapped(int64_t index, int64_t limit) {
  const int64_t i = index < 0 ? index + limit : index;
  return i < limit ? i : -1;
}
struct IndexOfPoint {
  Layout<3> l;
  const int64_t *index;
  __device__ long long operator()(int64_t point) const {
    int64_t at[3];
    l.locate(point, at);
    return index[at[2]];
  }
};

template <class T> __global__ void gather(Indexed s, T *out, const T *src, const int64_t *index, Fault *place) {
  for (int64_t point = first(); point < s.l.size; point += step()) {
    int64_t at[3];
    s.l.locate(point, at);
    const int64_t i = wrapped(index[at[2]], s.limit);
    if (i >= 0) out[at[0]] = src[at[1] + i * s.step];
    else fault(place, point);
  }
}

// One more than the number of the last point that writes to each place; `low` is the first place of all.
__global__ void last_writer(Indexed s, const int64_t *index, unsigned long long *owner, int64_t low, Fault *place) {
  for (int64_t point = first(); point < s.l.size; point += step()) {
    int64_t at[3];
    s.l.locate(point, at);
    const int64_t i = wrapped(index[at[2]], s.limit);
    if (i >= 0) atomicMax(&owner[at[0] + i * s.step - low], static_cast<unsigned long long>(point + 1));
    else fault(place, point);
  }
}
template <class T>
__global__ void scatter(Indexed s, T *dst, const T *val, const int64_t *index, const unsigned long long *owner, int64_t low,
                        const Fault *place) {
  if (place->point != NOWHERE) return;
  for (int64_t point = first(); point < s.l.size; point += step()) { // what is beyond the last point owns nothing
    int64_t at[3];
    s.l.locate(point, at);
    const int64_t i = wrapped(index[at[2]], s.limit), to = at[0] + i * s.step;
    if (i >= 0 && owner[to - low] == static_cast<unsigned long long>(point + 1)) dst[to] = val[at[1]];
  }
}

// The points of a scatter as rows times columns: an index is that of a whole row, an embedding's vector say.
struct RowsAndColumns {
  Indexed rows;
  Layout<3> columns;

  RowsAndColumns(const nd_plan *p, int64_t step, int64_t limit) : rows{Layout<3>(), step, limit}, columns() {
    for (int k = 0; k < 3; k++) rows.l.offset[k] = p->offset[k];
    for (int d = 0; d < p->ndim; d++) {
      Layout<3> &part = p->stride[2][d] == 0 && p->stride[0][d] != 0 ? columns : rows.l;
      part.shape[part.ndim] = p->shape[d];
      for (int k = 0; k < 3; k++) part.stride[k][part.ndim] = p->stride[k][d];
      part.size *= p->shape[d];
      part.ndim++;
    }
  }
};
// Where the first column of each row is added to.
__global__ void places_of_rows(Indexed s, const int64_t *index, int64_t *places, Fault *place) {
  for (int64_t row = first(); row < s.l.size; row += step()) { // a row looked at twice says the same twice
    int64_t at[3];
    s.l.locate(row, at);
    const int64_t i = wrapped(index[at[2]], s.limit);
    places[row] = at[0] + i * s.step;
    if (i < 0) fault(place, row);
  }
}
// `order` has the rows in the order of their places. Integers wrap around: T is unsigned.
template <class T>
__global__ void scatter_add(RowsAndColumns s, T *dst, const T *val, const int64_t *places, const int64_t *order,
                            const Fault *place) {
  if (place->point != NOWHERE) return;
  for (int64_t point = first(); point < s.rows.l.size * s.columns.size; point += step()) {
    int64_t k = point / s.columns.size;
    const int64_t to = places[order[k]];
    if (k > 0 && places[order[k - 1]] == to) continue; // an earlier thread adds this row
    int64_t at[3], column[3];
    s.columns.locate(point % s.columns.size, column);
    T sum = dst[to + column[0]];
    for (; k < s.rows.l.size && places[order[k]] == to; k++) {
      s.rows.l.locate(order[k], at);
      sum += val[at[1] + column[1]];
    }
    dst[to + column[0]] = sum;
  }
}

int finish(const Indexed &s, const void *index, Fault *place) {
  const int error = launched();
  if (error) return error;
  find_index<<<1, 1>>>(place, IndexOfPoint{s.l, static_cast<const int64_t *>(index)});
  return launched_with_faults();
}
int check(const nd_plan *p) {
  return p->dtype[0] != p->dtype[1] || p->dtype[2] != ND_I64 ? int(ND_EDTYPE) : int(ND_OK);
}
int add_in_order(const nd_plan *p, void *dst, const void *val, const int64_t *index, int64_t step, int64_t limit, Fault *place) {
  const RowsAndColumns s(p, step, limit);
  const int64_t n = s.rows.l.size;
  const Scratch scratch(2 * n * int64_t(sizeof(int64_t)));
  if (!scratch) return ND_ENOMEM;
  int64_t *const places = scratch.as<int64_t>(), *const order = places + n;
  places_of_rows<<<blocks_for(n), THREADS>>>(s.rows, index, places, place);
  nd_plan line = {};
  line.ndim = 1;
  line.dtype[0] = line.dtype[1] = ND_I64;
  line.size = line.shape[0] = n;
  line.stride[0][0] = line.stride[1][0] = 1;
  const int error = nd_argsort(&line, order, places, 0, n); // stable: rows of one place stay in their order
  if (error) return error;
  return with_type<NUMBERS>(p->dtype[0], [&](auto zero) {
    using T = typename Unsigned<decltype(zero)>::type;
    scatter_add<T><<<blocks_for(p->size), THREADS>>>(s, static_cast<T *>(dst), static_cast<const T *>(val), places, order, place);
    return finish(s.rows, index, place);
  });
}
} // namespace nd

ND_API int nd_gather(const nd_plan *p, void *out, const void *src, const void *index, int64_t step, int64_t limit) {
  if (nd::check(p)) return nd::check(p);
  nd::Fault *const place = nd::fault_for("gather");
  if (!place) return ND_ENOMEM;
  return nd::with_type<nd::ALL>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    if (!p->size) return int(ND_OK);
    const nd::Indexed s = {nd::Layout<3>(p), step, limit};
    nd::gather<T><<<nd::blocks_for(p->size), nd::THREADS>>>(s, static_cast<T *>(out), static_cast<const T *>(src),
                                                           static_cast<const int64_t *>(index), place);
    return nd::finish(s, index, place);
  });
}

ND_API int nd_scatter(const nd_plan *p, void *dst, const void *val, const void *index, int64_t step, int64_t limit, int add) {
  if (nd::check(p) || (add && p->dtype[0] == ND_BOOL)) return ND_EDTYPE;
  nd::Fault *const place = nd::fault_for("scatter");
  if (!place) return ND_ENOMEM;
  const nd::Indexed s = {nd::Layout<3>(p), step, limit};
  const int64_t *const indices = static_cast<const int64_t *>(index);
  const unsigned blocks = nd::blocks_for(p->size);
  if (!p->size) return nd::with_type<nd::ALL>(p->dtype[0], [](auto) { return int(ND_OK); });
  if (add) return nd::add_in_order(p, dst, val, indices, step, limit, place);
  // The places that can be written to lie between two bounds: an owner for each.
  int64_t low = p->offset[0], high = low;
  const auto reach = [&](int64_t way) { (way < 0 ? low : high) += way; };
  for (int d = 0; d < p->ndim; d++) reach((p->shape[d] - 1) * p->stride[0][d]);
  reach(limit > 0 ? (limit - 1) * step : 0);
  const int64_t bytes = (high - low + 1) * int64_t(sizeof(unsigned long long));
  const nd::Scratch scratch(bytes);
  if (!scratch) return ND_ENOMEM;
  unsigned long long *const owner = scratch.as<unsigned long long>();
  const cudaError_t error = cudaMemsetAsync(owner, 0, size_t(bytes), 0);
  if (error) return -int(error);
  nd::last_writer<<<blocks, nd::THREADS>>>(s, indices, owner, low, place);
  return nd::with_type<nd::ALL>(p->dtype[0], [&](auto zero) {
    using T = decltype(zero);
    nd::scatter<T><<<blocks, nd::THREADS>>>(s, static_cast<T *>(dst), static_cast<const T *>(val), indices, owner, low, place);
    return nd::finish(s, index, place);
  });
}
