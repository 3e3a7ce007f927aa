/* running_averages.c - what batch normalisation keeps of its batches: one pass over the channels. */
#include "kernel_types.h"

#define AVERAGES(T)                                                                                         \
  static void averages_##T(int64_t n, T *out, const T *old, const double *batch, double momentum, double factor) { \
    const T kept = (T)(1 - momentum), fresh = (T)momentum;                                                  \
    for (int64_t i = 0; i < n; i++) out[i] = old[i] * kept;                                                 \
    for (int64_t i = 0; i < n; i++) out[i] += (T)(batch[i] * factor) * fresh;                               \
  }
AVERAGES(f32)
AVERAGES(f64)

int nd_running_averages_dense(int dtype, int64_t n, void *mean, void *variance, const void *old_mean,
                              const void *old_variance, const void *stats, double momentum, double factor) {
  if (n < 0) return ND_EPLAN;
  const double *batch = stats;
  if (dtype == ND_F32) {
    averages_f32(n, mean, old_mean, batch, momentum, 1);
    averages_f32(n, variance, old_variance, batch + n, momentum, factor);
  } else if (dtype == ND_F64) {
    averages_f64(n, mean, old_mean, batch, momentum, 1);
    averages_f64(n, variance, old_variance, batch + n, momentum, factor);
  } else {
    return ND_EDTYPE;
  }
  return ND_OK;
}
