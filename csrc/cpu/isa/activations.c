/* activations.c - out = f(a), and out = g f'(a), where f is an activation with up to three numbers s, t, u.
 *
 * What each kind computes stands in needle_kernels.h. At the bounds between two pieces the slope is PyTorch's. A nan is
 * on neither side of a bound: conditions are written so that it comes out as a nan.
 */
#include "activation_math.h"
#include "activations.h"
#include "rows.h"

#define HEAD(name, T_, operands)                                                                            \
  static void name##_##T_(int64_t n, void *const *data, const int64_t *stride, double unused) {             \
    typedef T_ T;                                                                                           \
    const double *const numbers = data[operands];                                                           \
    const T s __attribute__((unused)) = (T)numbers[0], t __attribute__((unused)) = (T)numbers[1],            \
            u __attribute__((unused)) = (T)numbers[2];                                                      \
    T *const out = data[0];                                                                                 \
    const T *const pa = data[operands - 1];                                                                 \
    const int64_t to = stride[0], sa = stride[operands - 1];                                                \
    (void)unused;

#define FORWARD(name, T_, ...)                                                                              \
  HEAD(name, T_, 2)                                                                                         \
    ROW_LOOP(to == 1 && sa == 1, const T a = pa[i]; out[i] = __VA_ARGS__;)                                  \
    ROW_LOOP(1, const T a = pa[i * sa]; out[i * to] = __VA_ARGS__;)                                         \
  }
#define BACKWARD(name, T_, ...)                                                                             \
  HEAD(name##_backward, T_, 3)                                                                              \
    const T *const pg = data[1];                                                                            \
    const int64_t sg = stride[1];                                                                           \
    ROW_LOOP(to == 1 && sg == 1 && sa == 1, const T g = pg[i], a = pa[i]; out[i] = __VA_ARGS__;)            \
    ROW_LOOP(1, const T g = pg[i * sg], a = pa[i * sa]; out[i * to] = __VA_ARGS__;)                         \
  }
#define BOTH(ROW, name, ...) ROW(name, f32, __VA_ARGS__) ROW(name, f64, __VA_ARGS__)
/* f##_of_f32(...), f##_of_f64(...) */
#define CALLS(ROW, name, before, function, after)                                                           \
  ROW(name, f32, before function##_f32 after) ROW(name, f64, before function##_f64 after)

BOTH(FORWARD, leaky_relu, a > 0 ? a : a * s)
BOTH(BACKWARD, leaky_relu, a > 0 ? g : g * s)

CALLS(FORWARD, elu, a > 0 ? a * u : s *, expm1_below, (a > 0 ? 0 : a * t))
CALLS(BACKWARD, elu, a > 0 ? g * u : g * (s * t) *, exp_minus, (a > 0 ? 0 : -(a * t)))

/* between low (s) and high (t) */
#define KEPT(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
BOTH(FORWARD, hardtanh, KEPT(a, s, t))
BOTH(BACKWARD, hardtanh, ((a <= s) | (a >= t)) ? 0 : g)

BOTH(FORWARD, hardsigmoid, KEPT(a + 3, 0, 6) / 6)
BOTH(BACKWARD, hardsigmoid, ((a > -3) & (a < 3)) ? g / 6 : 0)
BOTH(FORWARD, hardswish, a * KEPT(a + 3, 0, 6) / 6)
BOTH(BACKWARD, hardswish, a <= -3 ? 0 : a >= 3 ? g : g * (a / 3 + (T)0.5))

BOTH(FORWARD, hardshrink, ((a >= -s) & (a <= s)) ? 0 : a)
BOTH(BACKWARD, hardshrink, ((a >= -s) & (a <= s)) ? 0 : g)
BOTH(FORWARD, softshrink, a > s ? a - s : a < -s ? a + s : a * 0)
BOTH(BACKWARD, softshrink, ((a >= -s) & (a <= s)) ? 0 : g)
BOTH(FORWARD, threshold, a <= s ? t : a)
BOTH(BACKWARD, threshold, a <= s ? 0 : g)

#define SIZE(x) ((x) < 0 ? -(x) : (x))
BOTH(FORWARD, huber, SIZE(a) <= s ? a * a * (t / 2) : (SIZE(a) - s / 2) * (s * t))
BOTH(BACKWARD, huber, g * (KEPT(a, -s, s) * t))
BOTH(FORWARD, softsign, a / (1 + SIZE(a)))
BOTH(BACKWARD, softsign, g / ((1 + SIZE(a)) * (1 + SIZE(a))))
CALLS(FORWARD, tanhshrink, , tanhshrink_of, (a))
BACKWARD(tanhshrink, f32, g * (tanh_of_f32(a) * tanh_of_f32(a)))
BACKWARD(tanhshrink, f64, g * (tanh(a) * tanh(a)))

CALLS(FORWARD, softplus, , softplus_of, (a * s) / s)
CALLS(BACKWARD, softplus, g *, sigmoid_of, (a * s))
CALLS(FORWARD, logsigmoid, -, softplus_of, (-a))
CALLS(BACKWARD, logsigmoid, g *, sigmoid_of, (-a))
CALLS(FORWARD, mish, , mish_of, (a))
CALLS(BACKWARD, mish, g *, mish_slope_of, (a))
CALLS(FORWARD, gelu_tanh, , gelu_tanh_of, (a))
CALLS(BACKWARD, gelu_tanh, g *, gelu_tanh_slope_of, (a))

#define FORWARD_ENTRY(kind, name, cost) [ND_##kind] = ND_FUNCTIONS_FLOATS(name),
#define BACKWARD_ENTRY(kind, name, cost) [ND_##kind] = ND_FUNCTIONS_FLOATS(name##_backward),
const nd_activations_table ND_TABLE(activations) = {
    .forward = {ND_ACTIVATIONS(FORWARD_ENTRY)},
    .backward = {ND_ACTIVATIONS(BACKWARD_ENTRY)},
};
