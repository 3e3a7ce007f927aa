// cross_entropy.cu - softmax cross-entropy and its gradient; a block for each row of logits. With z = a - max(a) and
// log p_k = z_k - log(sum of exp(z)),
//     loss of a row = -sum over k of weight_k q_k log(p_k),   q_k = smoothing/classes + (1 - smoothing)*[k = label]
// and the gradient is g (p_k sum_j weight_j q_j - weight_k q_k). A mean divides by the sum of the labels' weights, which
// one block adds up before the others need it.
#include "block.cuh"
#include "faults.cuh"

namespace nd {
enum : int64_t { IGNORED = -1, WRONG = -2 };

template <class T> struct Targets { // what is known of the rows besides their logits
  const void *labels;
  const T *weight; // NULL: all 1
  int type;        // of the labels
  double smoothing;
  int64_t ignore;

  __device__ double floating(int64_t at) const {
    return type == ND_F32 ? double(static_cast<const float *>(labels)[at]) : static_cast<const double *>(labels)[at];
  }
  __device__ bool whole(int64_t at) const { return type > ND_F64 || ::floor(floating(at)) == floating(at); }
  __device__ int64_t number(int64_t at) const { // without what is behind the point; what is too large, as large as can be
    if (type == ND_I32) return static_cast<const int32_t *>(labels)[at];
    if (type == ND_I64) return static_cast<const int64_t *>(labels)[at];
    if (type == ND_BOOL) return static_cast<const uint8_t *>(labels)[at];
    return fabs(floating(at)) <= 1e18 ? int64_t(floating(at)) : INT64_MAX;
  }
  __device__ int64_t label(int64_t at, int64_t classes) const {
    const int64_t y = number(at);
    if (!whole(at)) return WRONG;
    return y == ignore ? int64_t(IGNORED) : y >= 0 && classes > y ? y : int64_t(WRONG);
  }
  __device__ double weight_of(int64_t k) const { return weight ? double(weight[k]) : 1.0; }
  // weight_k q_k
  __device__ double share(int64_t k, int64_t label, int64_t classes) const {
    return weight_of(k) * (smoothing / double(classes) + (k == label ? 1 - smoothing : 0.0));
  }
};

// The largest logit of the block's row, and the logarithm of the sum of exp(a - largest).
template <class T> struct Normaliser { T largest; double log_total; };
template <class T, int N> __device__ Normaliser<T> normaliser(const Lines<N> &l, const T *a, int64_t begin, int logits) {
  Largest<T> m = Largest<T>::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) m = m.with({a[begin + k * l.step[logits]]});
  m = of_block(m);
  Sum total = Sum::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) total.value += double(::exp(a[begin + k * l.step[logits]] - m.value));
  return {m.value, ::log(of_block(total).value)};
}

// losses[row]
template <class T> __global__ void row_losses(Lines<3> l, double *losses, const T *a, Targets<T> y, Fault *place) {
  int64_t at[3];
  const int64_t row = blockIdx.x;
  l.begin.locate(row, at);
  const int64_t label = y.label(at[2], l.length);
  if (label < 0) { // the whole block
    if (threadIdx.x == 0) {
      losses[row] = 0;
      if (label == WRONG) fault(place, row);
    }
    return;
  }
  const Normaliser<T> n = normaliser<T>(l, a, at[1], 1);
  Sum loss = Sum::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) {
    const double share = y.share(k, label, l.length);
    if (share != 0) loss.value += share * (n.log_total - double(a[at[1] + k * l.step[1]] - n.largest));
  }
  loss = of_block(loss);
  if (threadIdx.x == 0) losses[row] = loss.value;
}
template <class T> __global__ void each_loss(Layout<3> rows, T *out, const double *losses) {
  for (int64_t row = first(); row < rows.size; row += step()) {
    int64_t at[3];
    rows.locate(row, at);
    out[at[0]] = T(losses[row]);
  }
}
// One block: the sum of all losses, and that of the labels' weights. LABELS is the labels' operand.
template <int LABELS, class T, int N>
__global__ void add_up(Layout<N> rows, int64_t classes, const double *losses, Targets<T> y, T *out, double *divisor, int mean) {
  Sum loss = Sum::of_none(), weights = Sum::of_none();
  for (int64_t row = threadIdx.x; row < rows.size; row += blockDim.x) {
    int64_t at[N];
    rows.locate(row, at);
    const int64_t label = y.label(at[LABELS], classes);
    if (label >= 0) weights.value += y.weight_of(label);
    if (losses) loss.value += losses[row];
  }
  loss = of_block(loss);
  weights = of_block(weights);
  if (threadIdx.x != 0) return;
  if (out) *out = T(loss.value / (mean ? weights.value : 1.0));
  else *divisor = mean ? weights.value : 1.0;
}

template <class T>
__global__ void logit_gradients(Lines<4> l, T *out, const T *g, const T *a, Targets<T> y, const double *divisor, Fault *place) {
  int64_t at[4];
  const int64_t row = blockIdx.x;
  l.begin.locate(row, at);
  const int64_t label = y.label(at[3], l.length);
  if (label < 0) {
    for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) out[at[0] + k * l.step[0]] = T(0);
    if (label == WRONG && threadIdx.x == 0) fault(place, row);
    return;
  }
  const Normaliser<T> n = normaliser<T>(l, a, at[2], 2);
  Sum shares = Sum::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) shares.value += y.share(k, label, l.length);
  shares = of_block(shares);
  const double scale = double(g[at[1]]) / *divisor;
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) {
    const double p = ::exp(double(a[at[2] + k * l.step[2]] - n.largest) - n.log_total);
    out[at[0] + k * l.step[0]] = T(shares.value == 0 ? 0.0 : scale * (p * shares.value - y.share(k, label, l.length)));
  }
}

// The same where q is given: a probability for each class.
template <class T> struct Shares {
  const T *weight; // NULL: all 1
  double smoothing;

  // weight_k q_k, q smoothed
  __device__ double of(int64_t k, T q, int64_t classes) const {
    return (weight ? double(weight[k]) : 1.0) * (double(q) * (1 - smoothing) + smoothing / double(classes));
  }
};
template <class T> __global__ void soft_losses(Lines<3> l, double *losses, const T *a, const T *q, Shares<T> y) {
  int64_t at[3];
  const int64_t row = blockIdx.x;
  l.begin.locate(row, at);
  const Normaliser<T> n = normaliser<T>(l, a, at[1], 1);
  Sum loss = Sum::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x)
    loss.value += y.of(k, q[at[2] + k * l.step[2]], l.length) * (n.log_total - double(a[at[1] + k * l.step[1]] - n.largest));
  loss = of_block(loss);
  if (threadIdx.x == 0) losses[row] = loss.value;
}
template <class T>
__global__ void soft_gradients(Lines<4> l, T *out, const T *g, const T *a, const T *q, Shares<T> y, double divisor) {
  int64_t at[4];
  l.begin.locate(blockIdx.x, at);
  const Normaliser<T> n = normaliser<T>(l, a, at[2], 2);
  Sum shares = Sum::of_none();
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) shares.value += y.of(k, q[at[3] + k * l.step[3]], l.length);
  shares = of_block(shares);
  const double scale = double(g[at[1]]) / divisor;
  for (int64_t k = threadIdx.x; k < l.length; k += blockDim.x) {
    const double p = ::exp(double(a[at[2] + k * l.step[2]] - n.largest) - n.log_total);
    out[at[0] + k * l.step[0]] = T(scale * (p * shares.value - y.of(k, q[at[3] + k * l.step[3]], l.length)));
  }
}
// One block.
template <class T> __global__ void soft_total(int64_t rows, const double *losses, T *out, double divisor) {
  Sum loss = Sum::of_none();
  for (int64_t row = threadIdx.x; row < rows; row += blockDim.x) loss.value += losses[row];
  loss = of_block(loss);
  if (threadIdx.x == 0) *out = T(loss.value / divisor);
}

// Negative log-likelihood: a thread has a row.
template <class T> __global__ void row_likelihoods(Lines<3> l, double *losses, const T *a, Targets<T> y, Fault *place) {
  for (int64_t row = first(); row < l.begin.size; row += step()) {
    int64_t at[3];
    l.begin.locate(row, at);
    const int64_t label = y.label(at[2], l.length);
    losses[row] = label < 0 ? 0.0 : -y.weight_of(label) * double(a[at[1] + label * l.step[1]]);
    if (label == WRONG) fault(place, row);
  }
}
// A thread has an element.
template <class T>
__global__ void likelihood_gradients(Lines<3> l, T *out, const T *g, Targets<T> y, const double *divisor, Fault *place) {
  for (int64_t element = first(); element < l.begin.size * l.length; element += step()) {
    int64_t at[3];
    const int64_t row = element / l.length, k = element % l.length;
    l.begin.locate(row, at);
    const int64_t label = y.label(at[2], l.length);
    out[at[0] + k * l.step[0]] = label == k ? T(-y.weight_of(k) * double(g[at[1]]) / *divisor) : T(0);
    if (label == WRONG) fault(place, row);
  }
}

template <class T, int N> struct LabelOfRow {
  Layout<N> rows;
  Targets<T> y;
  __device__ long long operator()(int64_t row) const {
    int64_t at[N];
    rows.locate(row, at);
    return y.number(at[N - 1]);
  }
};

int check(const nd_plan *p, int logits, const void *weight, int reduction) {
  if (p->ndim < 1 || reduction < ND_EACH || reduction > ND_MEAN || p->shape[p->ndim - 1] < 1) return ND_EPLAN;
  const int type = p->dtype[logits], labels = p->dtype[logits + 1];
  if (p->dtype[0] != type || p->dtype[1] != type || labels < ND_F32 || labels > ND_BOOL) return ND_EDTYPE;
  if (weight && p->dtype[logits + 2] != type) return ND_EDTYPE;
  return weight && p->shape[p->ndim - 1] > 1 && p->stride[logits + 2][p->ndim - 1] != 1 ? int(ND_EPLAN) : int(ND_OK);
}
template <class T>
Targets<T> targets(const nd_plan *p, int operand, const void *labels, const void *weight, double smoothing, int64_t ignore) {
  const T *const of_class = weight ? static_cast<const T *>(weight) + p->offset[operand + 1] : nullptr;
  return {labels, of_class, p->dtype[operand], smoothing, ignore};
}

// Write the losses of all rows, or their sum or mean; then say which label was none.
template <class T>
int reduced(const nd_plan *p, T *out, const double *losses, const Lines<3> &lines, const Targets<T> &y, int reduction, Fault *place) {
  const int64_t rows = lines.begin.size;
  if (rows && reduction == ND_EACH) each_loss<T><<<blocks_for(rows), THREADS>>>(lines.begin, out, losses);
  if (reduction != ND_EACH)
    add_up<2, T, 3><<<1, THREADS>>>(lines.begin, lines.length, losses, y, out + p->offset[0], nullptr, reduction == ND_MEAN);
  find_index<<<1, 1>>>(place, LabelOfRow<T, 3>{lines.begin, y});
  return launched_with_faults();
}
} // namespace nd

ND_API int nd_cross_entropy(const nd_plan *p, void *out, const void *a, const void *labels, const void *weight,
                            double smoothing, int64_t ignore, int reduction) {
  const int bad = nd::check(p, 1, weight, reduction);
  if (bad) return bad;
  return nd::with_type<nd::FLOATS>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    const nd::Lines<3> lines(p);
    const int64_t rows = lines.begin.size;
    const nd::Targets<T> y = nd::targets<T>(p, 2, labels, weight, smoothing, ignore);
    const nd::Scratch scratch(rows * int64_t(sizeof(double)));
    nd::Fault *const place = nd::fault_for("cross_entropy");
    if (!place || !scratch) return int(ND_ENOMEM);
    if (rows > nd::MOST_LINES) return int(ND_EPLAN);
    double *const losses = scratch.as<double>();
    if (rows) nd::row_losses<T><<<unsigned(rows), nd::threads_for(lines.length)>>>(lines, losses, static_cast<const T *>(a), y, place);
    return nd::reduced<T>(p, static_cast<T *>(out), losses, lines, y, reduction, place);
  });
}
ND_API int nd_cross_entropy_backward(const nd_plan *p, void *out, const void *g, const void *a, const void *labels,
                                     const void *weight, double smoothing, int64_t ignore, int reduction) {
  const int bad = nd::check(p, 2, weight, reduction);
  if (bad) return bad;
  return nd::with_type<nd::FLOATS>(p->dtype[2], [&](auto zero) {
    using T = decltype(zero);
    const nd::Lines<4> lines(p);
    const int64_t rows = lines.begin.size;
    const nd::Targets<T> y = nd::targets<T>(p, 3, labels, weight, smoothing, ignore);
    const nd::Scratch scratch(sizeof(double));
    nd::Fault *const place = nd::fault_for("cross_entropy_backward");
    if (!place || !scratch) return int(ND_ENOMEM);
    if (rows > nd::MOST_LINES) return int(ND_EPLAN);
    if (!rows) return int(ND_OK);
    double *const divisor = scratch.as<double>();
    nd::add_up<3, T, 4><<<1, nd::THREADS>>>(lines.begin, lines.length, nullptr, y, nullptr, divisor, reduction == ND_MEAN);
    nd::logit_gradients<T><<<unsigned(rows), nd::threads_for(lines.length)>>>(
        lines, static_cast<T *>(out), static_cast<const T *>(g), static_cast<const T *>(a), y, divisor, place);
    nd::find_index<<<1, 1>>>(place, nd::LabelOfRow<T, 4>{lines.begin, y});
    return nd::launched_with_faults();
  });
}
namespace nd {
int check_soft(const nd_plan *p, int logits, const void *weight, int reduction) {
  if (p->ndim < 1 || reduction < ND_EACH || reduction > ND_MEAN || p->shape[p->ndim - 1] < 1) return ND_EPLAN;
  for (int k = 0; k <= logits + 1 + (weight ? 1 : 0); k++)
    if (p->dtype[k] != p->dtype[logits]) return ND_EDTYPE;
  return weight && p->shape[p->ndim - 1] > 1 && p->stride[logits + 2][p->ndim - 1] != 1 ? int(ND_EPLAN) : int(ND_OK);
}
template <class T> Shares<T> shares(const nd_plan *p, int operand, const void *weight, double smoothing) {
  return {weight ? static_cast<const T *>(weight) + p->offset[operand] : nullptr, smoothing};
}
} // namespace nd

ND_API int nd_soft_cross_entropy(const nd_plan *p, void *out, const void *a, const void *q, const void *weight,
                                 double smoothing, int reduction) {
  const int bad = nd::check_soft(p, 1, weight, reduction);
  if (bad) return bad;
  return nd::with_type<nd::FLOATS>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    const nd::Lines<3> lines(p);
    const int64_t rows = lines.begin.size;
    const nd::Scratch scratch(rows * int64_t(sizeof(double)));
    if (!scratch) return int(ND_ENOMEM);
    if (rows > nd::MOST_LINES) return int(ND_EPLAN);
    double *const losses = scratch.as<double>();
    T *const to = static_cast<T *>(out);
    if (rows)
      nd::soft_losses<T><<<unsigned(rows), nd::threads_for(lines.length)>>>(
          lines, losses, static_cast<const T *>(a), static_cast<const T *>(q), nd::shares<T>(p, 3, weight, smoothing));
    if (rows && reduction == ND_EACH) nd::each_loss<T><<<nd::blocks_for(rows), nd::THREADS>>>(lines.begin, to, losses);
    if (reduction != ND_EACH)
      nd::soft_total<T><<<1, nd::THREADS>>>(rows, losses, to + p->offset[0], reduction == ND_MEAN ? double(rows) : 1.0);
    return nd::launched();
  });
}
ND_API int nd_soft_cross_entropy_backward(const nd_plan *p, void *out, const void *g, const void *a, const void *q,
                                          const void *weight, double smoothing, int reduction) {
  const int bad = nd::check_soft(p, 2, weight, reduction);
  if (bad) return bad;
  return nd::with_type<nd::FLOATS>(p->dtype[2], [&](auto zero) {
    using T = decltype(zero);
    const nd::Lines<4> lines(p);
    const int64_t rows = lines.begin.size;
    if (rows > nd::MOST_LINES) return int(ND_EPLAN);
    if (!rows) return int(ND_OK);
    nd::soft_gradients<T><<<unsigned(rows), nd::threads_for(lines.length)>>>(
        lines, static_cast<T *>(out), static_cast<const T *>(g), static_cast<const T *>(a), static_cast<const T *>(q),
        nd::shares<T>(p, 4, weight, smoothing), reduction == ND_MEAN ? double(rows) : 1.0);
    return nd::launched();
  });
}
ND_API int nd_nll(const nd_plan *p, void *out, const void *a, const void *labels, const void *weight, int64_t ignore,
                  int reduction) {
  const int bad = nd::check(p, 1, weight, reduction);
  if (bad) return bad;
  return nd::with_type<nd::FLOATS>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    const nd::Lines<3> lines(p);
    const int64_t rows = lines.begin.size;
    const nd::Targets<T> y = nd::targets<T>(p, 2, labels, weight, 0, ignore);
    const nd::Scratch scratch(rows * int64_t(sizeof(double)));
    nd::Fault *const place = nd::fault_for("nll");
    if (!place || !scratch) return int(ND_ENOMEM);
    double *const losses = scratch.as<double>();
    if (rows) nd::row_likelihoods<T><<<nd::blocks_for(rows), nd::THREADS>>>(lines, losses, static_cast<const T *>(a), y, place);
    return nd::reduced<T>(p, static_cast<T *>(out), losses, lines, y, reduction, place);
  });
}
ND_API int nd_nll_backward(const nd_plan *p, void *out, const void *g, const void *labels, const void *weight,
                           int64_t ignore, int reduction) {
  const int bad = nd::check(p, 1, weight, reduction);
  if (bad) return bad;
  return nd::with_type<nd::FLOATS>(p->dtype[1], [&](auto zero) {
    using T = decltype(zero);
    const nd::Lines<3> lines(p);
    const int64_t rows = lines.begin.size;
    const nd::Targets<T> y = nd::targets<T>(p, 2, labels, weight, 0, ignore);
    const nd::Scratch scratch(sizeof(double));
    nd::Fault *const place = nd::fault_for("nll_backward");
    if (!place || !scratch) return int(ND_ENOMEM);
    if (!rows) return int(ND_OK);
    double *const divisor = scratch.as<double>();
    nd::add_up<2, T, 3><<<1, nd::THREADS>>>(lines.begin, lines.length, nullptr, y, nullptr, divisor, reduction == ND_MEAN);
    nd::likelihood_gradients<T><<<nd::blocks_for(rows * lines.length), nd::THREADS>>>(
        lines, static_cast<T *>(out), static_cast<const T *>(g), y, divisor, place);
    nd::find_index<<<1, 1>>>(place, nd::LabelOfRow<T, 3>{lines.begin, y});
    return nd::launched_with_faults();
  });
}
