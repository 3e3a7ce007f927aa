// normalise.cu - batch and group normalisation of (batch, channels, inner), forward and backward.
//
// Elements that share a mean are the work of one team, a block or some lanes of it. It walks over them three times: for the mean, for the variance about
// that mean, which does not cancel, and to write z = (a - mean) / sqrt(variance + eps). Statistics are double throughout.
#include "block.cuh"

namespace nd {
// Which elements: those of channel `which` in all examples (batch normalisation, runs of `inner` neighbours), or those of
// one group of channels in one example, which lie together. A division of 64 bits takes a GPU some hundred instructions: what
// is the same for all elements is divided once, by the host or before a loop.
struct Shared {
  int64_t n, channels, inner, groups; // groups 0: batch normalisation
  int64_t channels_of_group, count, means; // of elements that share one; how many means

  Shared(int64_t n_, int64_t channels_, int64_t inner_, int64_t groups_)
      : n(n_), channels(channels_), inner(inner_), groups(groups_), channels_of_group(1), count(0), means(0) {
    if (channels < 1 || inner < 1 || groups < 0 || n < 0) return; // see check()
    if (groups) channels_of_group = channels / groups;
    count = groups ? channels_of_group * inner : n / channels;
    means = groups ? n / (channels * inner) * groups : channels;
  }
  __device__ int64_t first_channel(int64_t which) const { return groups ? which % groups * channels_of_group : which; }
  __device__ int64_t channel(int64_t first_channel, int64_t k) const {
    return channels_of_group == 1 ? first_channel : first_channel + k / inner;
  }
};
// Goes through the elements that have mean `which`, in steps of `team`: the k-th of them lies at `at`. In batch normalisation
// it is number `place` of its example's run; a step is some examples and some places, with a carry as in a sum by hand.
struct Walk {
  int64_t k, at, place, inner;
  int64_t team, step, places, carry; // what a step adds to k, to `at` and to `place`, and to `at` besides at a carry

  __device__ Walk(const Shared &s, int64_t which, int64_t first, int64_t steps) : k(first), place(0), inner(s.inner), team(steps), places(0), carry(0) {
    if (s.groups) {
      at = which * s.count + k;
      step = team;
      return;
    }
    const int64_t run = s.channels * inner; // from an example to the next
    place = k % inner;
    places = team % inner;
    at = k / inner * run + which * inner + place;
    step = team / inner * run + places;
    carry = run - inner;
  }
  __device__ void next() {
    k += team;
    at += step;
    place += places;
    if (place >= inner) place -= inner, at += carry;
  }
};
struct TwoSums {
  double a, b;
  static __device__ TwoSums of_none() { return {0, 0}; }
  __device__ TwoSums with(TwoSums other) const { return {a + other.a, b + other.b}; }
  __device__ TwoSums from(int lane) const { return {across(a, lane), across(b, lane)}; }
};

template <class T>
__global__ void normalise(Shared s, int team, T *out, const T *a, const T *weight, const T *bias, double *stats, double eps) {
  const int64_t which = first() / team, of_first = s.first_channel(which);
  const int64_t count = which < s.means ? s.count : 0; // a team without a mean goes along
  const int lane = int(threadIdx.x) % team;
  Sum sum = Sum::of_none();
  for (Walk w(s, which, lane, team); w.k < count; w.next()) sum.value += double(a[w.at]);
  const double mean = of_team(sum, team).value / double(count);
  sum = Sum::of_none();
  for (Walk w(s, which, lane, team); w.k < count; w.next()) {
    const double away = double(a[w.at]) - mean;
    sum.value += away * away;
  }
  const double variance = of_team(sum, team).value / double(count), inverse = 1 / ::sqrt(variance + eps);
  for (Walk w(s, which, lane, team); w.k < count; w.next()) {
    const int64_t channel = s.channel(of_first, w.k);
    out[w.at] = T(double(weight[channel]) * ((double(a[w.at]) - mean) * inverse) + double(bias[channel]));
  }
  if (lane != 0 || count == 0) return;
  stats[which] = mean;
  stats[s.means + which] = variance;
  stats[2 * s.means + which] = inverse;
}

// out = (u - mean(u) - z mean(u z)) / sqrt(variance + eps),  u = g weight
template <class T>
__global__ void normalise_backward(Shared s, int team, T *out, const T *g, const T *a, const T *weight, const double *stats) {
  const int64_t which = first() / team, of_first = s.first_channel(which);
  const int64_t count = which < s.means ? s.count : 0;
  const double mean = count ? stats[which] : 0, inverse = count ? stats[2 * s.means + which] : 0;
  const int lane = int(threadIdx.x) % team;
  TwoSums sums = TwoSums::of_none();
  for (Walk w(s, which, lane, team); w.k < count; w.next()) {
    const double u = double(g[w.at]) * double(weight[s.channel(of_first, w.k)]);
    sums = sums.with({u, u * (double(a[w.at]) - mean) * inverse});
  }
  sums = of_team(sums, team);
  const double a_share = sums.a / double(count), b_share = sums.b / double(count);
  for (Walk w(s, which, lane, team); w.k < count; w.next()) {
    const double u = double(g[w.at]) * double(weight[s.channel(of_first, w.k)]), z = (double(a[w.at]) - mean) * inverse;
    out[w.at] = T((u - a_share - z * b_share) * inverse);
  }
}

// to_weight = sum of g z, to_bias = sum of g, over all examples and inner; a block for each channel.
template <class T>
__global__ void channel_sums(Shared s, T *to_weight, T *to_bias, const T *g, const T *a, const double *stats) {
  const int64_t channel = blockIdx.x, count = s.n / s.channels, group = channel / s.channels_of_group;
  TwoSums sums = TwoSums::of_none();
  for (int64_t k = threadIdx.x; k < count; k += blockDim.x) {
    const int64_t example = k / s.inner, at = (example * s.channels + channel) * s.inner + k % s.inner;
    const int64_t which = s.groups ? example * s.groups + group : channel;
    sums = sums.with({double(g[at]) * (double(a[at]) - stats[which]) * stats[2 * s.means + which], double(g[at])});
  }
  sums = of_block(sums);
  if (threadIdx.x != 0) return;
  to_weight[channel] = T(sums.a);
  to_bias[channel] = T(sums.b);
}

// Running averages after a batch: a thread has a channel.
template <class T>
__global__ void running_averages(int64_t n, T *mean, T *variance, const T *old_mean, const T *old_variance,
                                 const double *stats, T kept, T fresh, double factor) {
  for (int64_t i = first(); i < n; i += step()) {
    const T was_mean = old_mean[i] * kept, was_variance = old_variance[i] * kept;
    mean[i] = was_mean + T(stats[i]) * fresh;
    variance[i] = was_variance + T(stats[n + i] * factor) * fresh;
  }
}

int check(int dtype, const Shared &s) {
  if (dtype != ND_F32 && dtype != ND_F64) return ND_EDTYPE;
  const bool fits = s.channels > 0 && s.inner > 0 && s.groups >= 0 && s.n >= 0 && s.n % (s.channels * s.inner) == 0;
  if (!fits || (s.groups ? s.channels % s.groups != 0 : s.n == 0)) return ND_EPLAN;
  return s.means > MOST_LINES || s.channels > MOST_LINES ? int(ND_EPLAN) : int(ND_OK);
}
int forward(int dtype, const Shared &s, void *out, const void *a, const void *weight, const void *bias, void *stats, double eps) {
  const int bad = check(dtype, s);
  if (bad) return bad;
  return with_type<FLOATS>(dtype, [&](auto zero) {
    using T = decltype(zero);
    const Teams teams(s.means, s.count);
    if (s.n)
      normalise<T><<<teams.blocks, teams.threads>>>(s, int(teams.lanes), static_cast<T *>(out), static_cast<const T *>(a),
                                                    static_cast<const T *>(weight), static_cast<const T *>(bias),
                                                    static_cast<double *>(stats), eps);
    return launched();
  });
}
int backward(int dtype, const Shared &s, void *out, const void *g_, const void *a_, const void *weight, const void *stats_,
             void *to_weight, void *to_bias) {
  const int bad = check(dtype, s);
  if (bad) return bad;
  return with_type<FLOATS>(dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *const g = static_cast<const T *>(g_), *const a = static_cast<const T *>(a_);
    const double *const stats = static_cast<const double *>(stats_);
    const Teams teams(s.means, s.count);
    if (s.n)
      normalise_backward<T><<<teams.blocks, teams.threads>>>(s, int(teams.lanes), static_cast<T *>(out), g, a,
                                                             static_cast<const T *>(weight), stats);
    channel_sums<T><<<unsigned(s.channels), threads_for(s.n / s.channels)>>>(s, static_cast<T *>(to_weight),
                                                                             static_cast<T *>(to_bias), g, a, stats);
    return launched();
  });
}
} // namespace nd

ND_API int nd_batch_norm_dense(int dtype, int64_t n, void *out, const void *a, const void *weight, const void *bias,
                               void *stats, int64_t channels, int64_t inner, double eps) {
  return nd::forward(dtype, {n, channels, inner, 0}, out, a, weight, bias, stats, eps);
}
ND_API int nd_batch_norm_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *a, const void *weight,
                                        const void *stats, void *to_weight, void *to_bias, int64_t channels, int64_t inner) {
  return nd::backward(dtype, {n, channels, inner, 0}, out, g, a, weight, stats, to_weight, to_bias);
}
ND_API int nd_group_norm_dense(int dtype, int64_t n, void *out, const void *a, const void *weight, const void *bias,
                               void *stats, int64_t channels, int64_t inner, int64_t groups, double eps) {
  return groups < 1 ? int(ND_EPLAN) : nd::forward(dtype, {n, channels, inner, groups}, out, a, weight, bias, stats, eps);
}
ND_API int nd_group_norm_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *a, const void *weight,
                                        const void *stats, void *to_weight, void *to_bias, int64_t channels, int64_t inner,
                                        int64_t groups) {
  return groups < 1 ? int(ND_EPLAN)
                    : nd::backward(dtype, {n, channels, inner, groups}, out, g, a, weight, stats, to_weight, to_bias);
}
ND_API int nd_running_averages_dense(int dtype, int64_t n, void *mean, void *variance, const void *old_mean,
                                     const void *old_variance, const void *stats, double momentum, double factor) {
  if (n < 0) return ND_EPLAN;
  return nd::with_type<nd::FLOATS>(dtype, [&](auto zero) {
    using T = decltype(zero);
    if (n)
      nd::running_averages<T><<<nd::blocks_for(n), nd::THREADS>>>(
          n, static_cast<T *>(mean), static_cast<T *>(variance), static_cast<const T *>(old_mean),
          static_cast<const T *>(old_variance), static_cast<const double *>(stats), T(1 - momentum), T(momentum), factor);
    return nd::launched();
  });
}
