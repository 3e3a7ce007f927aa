/* optim.c - optimiser steps: one pass over parameter, gradient and state instead of a dozen small ones. */
#include <math.h>
#include "optim.h"
#include "rows.h"

#define SGD(T)                                                                                              \
  static void sgd_##T(int64_t n, void *out, const void *param, const void *grad, void *velocity, double lr_,\
                      double momentum_, double fresh_, double weight_decay_, int nesterov) {                \
    T *o = out, *u = velocity;                                                                              \
    const T *p = param, *g = grad;                                                                          \
    const T lr = (T)lr_, momentum = (T)momentum_, fresh = (T)fresh_, weight_decay = (T)weight_decay_;       \
    if (u && nesterov) {                                                                                    \
      ND_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                      \
        const T d = g[i] + weight_decay * p[i];                                                             \
        u[i] = momentum * u[i] + fresh * d;                                                                 \
        o[i] = p[i] - lr * (d + momentum * u[i]);                                                           \
      }                                                                                                     \
    } else if (u) {                                                                                         \
      ND_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                      \
        const T d = g[i] + weight_decay * p[i];                                                             \
        u[i] = momentum * u[i] + fresh * d;                                                                 \
        o[i] = p[i] - lr * u[i];                                                                            \
      }                                                                                                     \
    } else {                                                                                                \
      ND_INDEPENDENT for (int64_t i = 0; i < n; i++) o[i] = p[i] - lr * (g[i] + weight_decay * p[i]);       \
    }                                                                                                       \
  }
SGD(f32)
SGD(f64)

#define ADAM(T, root)                                                                                       \
  static void adam_##T(int64_t n, void *out, const void *param, const void *grad, void *mean, void *variance, \
                       void *most, double lr_, double b1_, double b2_, double eps_, double weight_decay_,   \
                       double shrink_, double correct1, double correct2) {                                  \
    T *o = out, *m = mean, *v = variance, *top = most;                                                      \
    const T *p = param, *g = grad;                                                                          \
    const T b1 = (T)b1_, fresh1 = (T)(1 - b1_), b2 = (T)b2_, fresh2 = (T)(1 - b2_), eps = (T)eps_;          \
    const T weight_decay = (T)weight_decay_, shrink = (T)shrink_, step = (T)(lr_ / correct1);               \
    const T scale = (T)(1 / correct2);                                                                      \
    if (top) {                                                                                              \
      ND_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                      \
        const T d = g[i] + weight_decay * p[i];                                                             \
        m[i] = b1 * m[i] + fresh1 * d;                                                                      \
        v[i] = b2 * v[i] + fresh2 * d * d;                                                                  \
        top[i] = top[i] >= v[i] ? top[i] : v[i]; /* nan of v stays */                                       \
        o[i] = shrink * p[i] - step * m[i] / (root(top[i] * scale) + eps);                                  \
      }                                                                                                     \
    } else {                                                                                                \
      ND_INDEPENDENT for (int64_t i = 0; i < n; i++) {                                                      \
        const T d = g[i] + weight_decay * p[i];                                                             \
        m[i] = b1 * m[i] + fresh1 * d;                                                                      \
        v[i] = b2 * v[i] + fresh2 * d * d;                                                                  \
        o[i] = shrink * p[i] - step * m[i] / (root(v[i] * scale) + eps);                                    \
      }                                                                                                     \
    }                                                                                                       \
  }
ADAM(f32, sqrtf)
ADAM(f64, sqrt)

const nd_optim_table ND_TABLE(optim) = {.sgd = {sgd_f32, sgd_f64}, .adam = {adam_f32, adam_f64}};
