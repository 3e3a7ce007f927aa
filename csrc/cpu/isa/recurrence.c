/* recurrence.c - recurrent cells, one row at a time: all gates of a unit are computed together, so nothing in between
 * goes through memory. The formulas stand in needle_kernels.h. */
#include <math.h>
#include "isa.h"
#include "recurrence.h"
#include "unroll.h"
#include "vecmath.h"

#define tanh_of_f64 tanh

#define RNN(name, T, activation, slope)                                                          \
  static void name##_forward_##T(int64_t n, const nd_moment *m) {                                \
    const T *const x = m->gates;                                                                 \
    T *const h = m->h;                                                                           \
    ND_INDEPENDENT for (int64_t i = 0; i < n; i++) { const T a = x[i]; h[i] = (activation); }    \
  }                                                                                              \
  static void name##_backward_##T(int64_t n, const nd_moment *m) {                               \
    const T *const g = m->g, *const g_h = m->g_h;                                                \
    const T *const y = m->h;                                                                     \
    T *const out = m->out;                                                                       \
    ND_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                             \
      const T h = y[i], d = g[i] + g_h[i];                                                       \
      out[i] = (slope);                                                                          \
    }                                                                                            \
  }
RNN(rnn_tanh, f32, tanh_of_f32(a), d * (1 - h * h))
RNN(rnn_tanh, f64, tanh_of_f64(a), d * (1 - h * h))
RNN(rnn_relu, f32, a < 0 ? 0 : a, h > 0 ? d : 0) /* a nan stays */
RNN(rnn_relu, f64, a < 0 ? 0 : a, h > 0 ? d : 0)

#define LSTM(T)                                                                                  \
  static void lstm_forward_##T(int64_t n, const nd_moment *m) {                                  \
    T *const pi = m->gates, *const pf = pi + n, *const pg = pf + n, *const po = pg + n;          \
    T *const pc = m->c, *const ph = m->h;                                                        \
    const T *const before = m->c_before;                                                         \
    ND_INDEPENDENT for (int64_t k = 0; k < n; k++) {                                             \
      const T i = sigmoid_of_##T(pi[k]), f = sigmoid_of_##T(pf[k]), g = tanh_of_##T(pg[k]);      \
      const T o = sigmoid_of_##T(po[k]), c = f * before[k] + i * g;                              \
      pi[k] = i, pf[k] = f, pg[k] = g, po[k] = o, pc[k] = c;                                     \
      ph[k] = o * tanh_of_##T(c);                                                                \
    }                                                                                            \
  }                                                                                              \
  static void lstm_backward_##T(int64_t n, const nd_moment *m) {                                 \
    const T *const pi = m->gates, *const pf = pi + n, *const pg = pf + n, *const po = pg + n;    \
    const T *const pc = m->c, *const before = m->c_before, *const py = m->g, *const ph = m->g_h; \
    T *const state = m->g_c;                                                                     \
    T *const oi = m->out, *const of = oi + n, *const og = of + n, *const oo = og + n;            \
    ND_INDEPENDENT for (int64_t k = 0; k < n; k++) {                                             \
      const T i = pi[k], f = pf[k], g = pg[k], o = po[k], c = tanh_of_##T(pc[k]);                \
      const T d = py[k] + ph[k], of_c = state[k] + d * o * (1 - c * c);                          \
      oi[k] = of_c * g * i * (1 - i);                                                            \
      of[k] = of_c * before[k] * f * (1 - f);                                                    \
      og[k] = of_c * i * (1 - g * g);                                                            \
      oo[k] = d * c * o * (1 - o);                                                               \
      state[k] = of_c * f;                                                                       \
    }                                                                                            \
  }
LSTM(f32)
LSTM(f64)

#define GRU(T)                                                                                   \
  static void gru_forward_##T(int64_t n, const nd_moment *m) {                                   \
    T *const pr = m->gates, *const pz = pr + n, *const pn = pz + n, *const kept = m->c;          \
    const T *const sr = m->of_state, *const sz = sr + n, *const sn = sz + n;                     \
    const T *const before = m->h_before;                                                         \
    T *const ph = m->h;                                                                          \
    ND_INDEPENDENT for (int64_t k = 0; k < n; k++) {                                             \
      const T r = sigmoid_of_##T(pr[k] + sr[k]), z = sigmoid_of_##T(pz[k] + sz[k]), s = sn[k];   \
      const T new = tanh_of_##T(pn[k] + r * s);                                                  \
      pr[k] = r, pz[k] = z, pn[k] = new, kept[k] = s;                                            \
      ph[k] = new + z * (before[k] - new);                                                       \
    }                                                                                            \
  }                                                                                              \
  static void gru_backward_##T(int64_t n, const nd_moment *m) {                                  \
    const T *const pr = m->gates, *const pz = pr + n, *const pn = pz + n, *const kept = m->c;    \
    const T *const before = m->h_before, *const py = m->g;                                       \
    T *const state = m->g_h;                                                                     \
    T *const xr = m->out, *const xz = xr + n, *const xn = xz + n;                                \
    T *const sr = m->out_of_state, *const sz = sr + n, *const sn = sz + n;                       \
    ND_INDEPENDENT for (int64_t k = 0; k < n; k++) {                                             \
      const T r = pr[k], z = pz[k], new = pn[k], d = py[k] + state[k];                           \
      const T of_n = d * (1 - z) * (1 - new * new), of_z = d * (before[k] - new) * z * (1 - z);  \
      const T of_r = of_n * kept[k] * r * (1 - r);                                               \
      xr[k] = sr[k] = of_r;                                                                      \
      xz[k] = sz[k] = of_z;                                                                      \
      xn[k] = of_n;                                                                              \
      sn[k] = of_n * r;                                                                          \
      state[k] = d * z;                                                                          \
    }                                                                                            \
  }
GRU(f32)
GRU(f64)

const nd_recurrence_table ND_TABLE(recurrence) = {
    .forward = {[ND_RNN_TANH] = ND_FUNCTIONS_FLOATS(rnn_tanh_forward), [ND_RNN_RELU] = ND_FUNCTIONS_FLOATS(rnn_relu_forward),
                [ND_LSTM] = ND_FUNCTIONS_FLOATS(lstm_forward), [ND_GRU] = ND_FUNCTIONS_FLOATS(gru_forward)},
    .backward = {[ND_RNN_TANH] = ND_FUNCTIONS_FLOATS(rnn_tanh_backward), [ND_RNN_RELU] = ND_FUNCTIONS_FLOATS(rnn_relu_backward),
                 [ND_LSTM] = ND_FUNCTIONS_FLOATS(lstm_backward), [ND_GRU] = ND_FUNCTIONS_FLOATS(gru_backward)},
};
