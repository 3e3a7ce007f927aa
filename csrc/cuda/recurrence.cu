// recurrence.cu - recurrent networks through time: RNN, LSTM and GRU. The formulas stand in needle_kernels.h.
//
// A moment needs the states of the one before, so each is a launch of its own: launches of one stream run one after the
// other, and that is the only barrier there is between all blocks. Within a moment a thread has one unit of one sequence.
// It adds up h W for every gate of the unit, and what comes between never goes through memory. Backward the chain rule
// first needs the adjoints of all gates of a sequence and then their sums with W: two launches.
#include <vector>
#include "launch.cuh"
#include "sigmoid.cuh"

namespace nd {
__host__ __device__ constexpr int gates_of(int kind) { return kind == ND_LSTM ? 4 : kind == ND_GRU ? 3 : 1; }

// One moment: its rows and the first of them in all rows. Rows below `known` go on from those that begin at `before`, the
// others from the given state; rows from `ending` on are at the end of their sequence.
struct Moment { int64_t rows, at, before, known, ending, hidden; };

// The state before row k, unit 0: of an array over all moments, or the state at the beginning.
template <class T> __device__ const T *state_before(const Moment &m, int64_t k, const T *all, const T *beginning) {
  return k < m.known ? all + (m.before + k) * m.hidden : beginning + k * m.hidden;
}

template <class T, int KIND>
__global__ void recurrence(Moment m, T *gates, const T *weight, const T *bias, const T *h0, const T *c0, T *h, T *c,
                           T *h_end, T *c_end) {
  constexpr int GATES = gates_of(KIND);
  const int64_t hidden = m.hidden, wide = GATES * hidden;
  for (int64_t point = first(); point < m.rows * hidden; point += step()) {
    const int64_t k = point / hidden, unit = point - k * hidden;
    const T *before = state_before<T>(m, k, h, h0);
    T s[GATES] = {}; // h W
    for (int64_t p = 0; p < hidden; p++)
      for (int gate = 0; gate != GATES; gate++) s[gate] += before[p] * weight[p * wide + gate * hidden + unit];

    T *x = gates + (m.at + k) * wide + unit; // gate number i of this unit is x[i * hidden]
    const int64_t here = (m.at + k) * hidden + unit;
    T state;
    if constexpr (KIND == ND_LSTM) {
      const T i = sigmoid_of(x[0] + s[0]), f = sigmoid_of(x[hidden] + s[1]), g = ::tanh(x[2 * hidden] + s[2]);
      const T o = sigmoid_of(x[3 * hidden] + s[3]), memory = f * state_before<T>(m, k, c, c0)[unit] + i * g;
      x[0] = i, x[hidden] = f, x[2 * hidden] = g, x[3 * hidden] = o;
      c[here] = memory;
      if (k >= m.ending) c_end[k * hidden + unit] = memory;
      state = o * ::tanh(memory);
    } else if constexpr (KIND == ND_GRU) {
      const T r = sigmoid_of(x[0] + s[0] + bias[unit]), z = sigmoid_of(x[hidden] + s[1] + bias[hidden + unit]);
      const T kept = s[2] + bias[2 * hidden + unit], n = ::tanh(x[2 * hidden] + r * kept);
      x[0] = r, x[hidden] = z, x[2 * hidden] = n;
      c[here] = kept;
      state = n + z * (before[unit] - n);
    } else {
      x[0] += s[0];
      state = KIND == ND_RNN_TANH ? ::tanh(x[0]) : x[0] <= 0 ? T(0) : x[0]; // a nan stays
    }
    h[here] = state;
    if (k >= m.ending) h_end[k * hidden + unit] = state;
  }
}

// The adjoints of what came into the gates, for d, the adjoint of this moment's state: as an output and for the next one.
template <class T, int KIND>
__global__ void recurrence_backward(Moment m, T *out, const T *gates, const T *h0, const T *c0, const T *h, const T *c,
                                    const T *g, const T *g_h, T *g_c, T *out_of_state) {
  const int64_t hidden = m.hidden, wide = gates_of(KIND) * hidden;
  for (int64_t point = first(); point < m.rows * hidden; point += step()) {
    const int64_t k = point / hidden, unit = point - k * hidden, here = (m.at + k) * hidden + unit;
    const T *x = gates + (m.at + k) * wide + unit;
    T *to = out + (m.at + k) * wide + unit;
    const T d = g[here] + g_h[point];
    if constexpr (KIND == ND_LSTM) {
      const T i = x[0], f = x[hidden], n = x[2 * hidden], o = x[3 * hidden], shown = ::tanh(c[here]);
      const T of_c = g_c[point] + d * o * (T(1) - shown * shown);
      to[0] = of_c * n * i * (T(1) - i);
      to[hidden] = of_c * state_before<T>(m, k, c, c0)[unit] * f * (T(1) - f);
      to[2 * hidden] = of_c * i * (T(1) - n * n);
      to[3 * hidden] = d * shown * o * (T(1) - o);
      g_c[point] = of_c * f;
    } else if constexpr (KIND == ND_GRU) {
      const T r = x[0], z = x[hidden], n = x[2 * hidden], of_n = d * (T(1) - z) * (T(1) - n * n);
      const T of_z = d * (state_before<T>(m, k, h, h0)[unit] - n) * z * (T(1) - z), of_r = of_n * c[here] * r * (T(1) - r);
      T *to_state = out_of_state + (m.at + k) * wide + unit;
      to[0] = to_state[0] = of_r;
      to[hidden] = to_state[hidden] = of_z;
      to[2 * hidden] = of_n;
      to_state[2 * hidden] = of_n * r;
    } else {
      to[0] = KIND == ND_RNN_TANH ? d * (T(1) - h[here] * h[here]) : h[here] > 0 ? d : T(0);
    }
  }
}

// The adjoint of the state before: what the gates' adjoints (of_state) bring through W, and GRU what z let through.
template <class T, int KIND>
__global__ void recurrence_to_state(Moment m, const T *of_state, const T *transposed, const T *gates, const T *g, T *g_h) {
  const int64_t hidden = m.hidden, wide = gates_of(KIND) * hidden;
  for (int64_t point = first(); point < m.rows * hidden; point += step()) {
    const int64_t k = point / hidden, unit = point - k * hidden;
    const T *row = of_state + (m.at + k) * wide;
    T sum = 0;
    for (int64_t p = 0; p < wide; p++) sum += row[p] * transposed[p * hidden + unit];
    if constexpr (KIND == ND_GRU)
      sum += (g[(m.at + k) * hidden + unit] + g_h[point]) * gates[(m.at + k) * wide + hidden + unit];
    g_h[point] = sum;
  }
}

namespace {
// The moments in the order in which the network reads them; empty if sizes are none.
std::vector<Moment> moments(int64_t n, const int64_t *sizes, int64_t steps, int64_t hidden, int reverse) {
  std::vector<Moment> all;
  int64_t at = 0;
  for (int64_t t = 0; t < steps; t++) {
    if (sizes[t] < 0 || (t && sizes[t] > sizes[t - 1])) return {};
    all.push_back({sizes[t], at, 0, 0, 0, hidden});
    at += sizes[t];
  }
  if (at != n) return {};
  for (int64_t t = 0; t < steps; t++) {
    Moment &m = all[size_t(t)];
    const int64_t behind = t + 1 < steps ? sizes[t + 1] : 0; // rows that the moment behind has, too
    m.ending = reverse ? (t ? m.rows : 0) : behind;
    m.known = reverse ? behind : t ? m.rows : 0;
    if (m.known) m.before = all[size_t(reverse ? t + 1 : t - 1)].at;
  }
  return reverse ? std::vector<Moment>(all.rbegin(), all.rend()) : all;
}

template <class Function> int with_kind(int dtype, int kind, Function function) {
  return with_type<FLOATS>(dtype, [&](auto zero) {
    switch (kind) {
    case ND_RNN_TANH: function(zero, std::integral_constant<int, ND_RNN_TANH>()); break;
    case ND_RNN_RELU: function(zero, std::integral_constant<int, ND_RNN_RELU>()); break;
    case ND_LSTM: function(zero, std::integral_constant<int, ND_LSTM>()); break;
    case ND_GRU: function(zero, std::integral_constant<int, ND_GRU>()); break;
    }
    return launched();
  });
}
int wrong(int dtype, int kind, int64_t steps, int64_t hidden) {
  if (dtype != ND_F32 && dtype != ND_F64) return ND_EDTYPE;
  return kind < 0 || kind >= ND_RECURRENCE_KINDS || steps < 1 || hidden < 1 ? ND_EPLAN : ND_OK;
}
} // namespace
} // namespace nd

ND_API int nd_recurrence_dense(int dtype, int64_t n, void *gates, const void *weight, const void *bias, const void *h0,
                               const void *c0, void *h, void *c, void *h_end, void *c_end, const int64_t *sizes,
                               int64_t steps, int64_t hidden, int kind, int reverse) {
  if (const int error = nd::wrong(dtype, kind, steps, hidden)) return error;
  const auto moments = nd::moments(n, sizes, steps, hidden, reverse);
  if (moments.empty()) return ND_EPLAN;
  return nd::with_kind(dtype, kind, [&](auto zero, auto which) {
    using T = decltype(zero);
    for (const nd::Moment &m : moments)
      if (m.rows)
        nd::recurrence<T, decltype(which)::value><<<nd::blocks_for(m.rows * hidden), nd::THREADS>>>(
            m, static_cast<T *>(gates), static_cast<const T *>(weight), static_cast<const T *>(bias),
            static_cast<const T *>(h0), static_cast<const T *>(c0), static_cast<T *>(h), static_cast<T *>(c),
            static_cast<T *>(h_end), static_cast<T *>(c_end));
  });
}

ND_API int nd_recurrence_backward_dense(int dtype, int64_t n, void *out, const void *gates, const void *transposed,
                                        const void *h0, const void *c0, const void *h, const void *c, const void *g,
                                        void *g_h, void *g_c, void *out_of_state, const int64_t *sizes, int64_t steps,
                                        int64_t hidden, int kind, int reverse) {
  if (const int error = nd::wrong(dtype, kind, steps, hidden)) return error;
  auto moments = nd::moments(n, sizes, steps, hidden, reverse);
  if (moments.empty()) return ND_EPLAN;
  return nd::with_kind(dtype, kind, [&](auto zero, auto which) {
    using T = decltype(zero);
    constexpr int KIND = decltype(which)::value;
    for (auto moment = moments.rbegin(); moment != moments.rend(); ++moment) {
      if (!moment->rows) continue;
      const unsigned blocks = nd::blocks_for(moment->rows * hidden);
      nd::recurrence_backward<T, KIND><<<blocks, nd::THREADS>>>(
          *moment, static_cast<T *>(out), static_cast<const T *>(gates), static_cast<const T *>(h0),
          static_cast<const T *>(c0), static_cast<const T *>(h), static_cast<const T *>(c), static_cast<const T *>(g),
          static_cast<const T *>(g_h), static_cast<T *>(g_c), static_cast<T *>(out_of_state));
      nd::recurrence_to_state<T, KIND><<<blocks, nd::THREADS>>>(
          *moment, static_cast<const T *>(KIND == ND_GRU ? out_of_state : out), static_cast<const T *>(transposed),
          static_cast<const T *>(gates), static_cast<const T *>(g), static_cast<T *>(g_h));
    }
  });
}
