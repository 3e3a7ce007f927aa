/* optim_steps.h - each optimiser's formula for one element, and the loop around it; for the element type T.
 *
 * A formula gets a number p of the parameter, its gradient d (with weight decay, if that goes through the gradient), and
 * pointers to the numbers x, y, z that it remembers; it updates those and returns the new p. needle_kernels.h has all
 * formulas side by side. Included once for f32 and once for f64.
 *
 * A memory that is no normal number any more becomes 0. The gradient of a rectifier that is never above 0 is 0, and an
 * average 0.9 x of nothing would end at the smallest number there is and stay: a processor takes some hundred cycles for each
 * such number, at every step.
 */
#define NAMED(name) ND_JOIN(name, T)
#define FORMULA(name)                                                                                          \
  static inline __attribute__((always_inline)) T NAMED(name##_formula)(T p, T d, T *x, T *y, T *z, const NAMED(numbers) *s)
#define UNUSED (void)p, (void)d, (void)x, (void)y, (void)z, (void)s

typedef struct NAMED(numbers) { /* nd_step_numbers, rounded to the element type */
  T sign, decay, shrink, rate, keep1, fresh1, keep2, fresh2, scale, eps, bonus;
} NAMED(numbers);

static inline T NAMED(sign_of)(T a) { return a > 0 ? 1 : a < 0 ? -1 : a; /* nan stays */ }

static inline T NAMED(kept)(T a) { return MAGNITUDE(a) < SMALLEST ? 0 : a; /* nan stays */ }

FORMULA(sgd) {
  UNUSED;
  return p - s->rate * d;
}

FORMULA(momentum) {
  UNUSED;
  *x = s->keep1 * *x + s->fresh1 * d;
  return p - s->rate * *x;
}

FORMULA(nesterov) {
  UNUSED;
  *x = s->keep1 * *x + s->fresh1 * d;
  return p - s->rate * (d + s->keep1 * *x);
}

FORMULA(adam) {
  UNUSED;
  *x = s->keep1 * *x + s->fresh1 * d;
  *y = s->keep2 * *y + s->fresh2 * d * d;
  return s->shrink * p - s->rate * *x / (ROOT(*y * s->scale) + s->eps);
}

FORMULA(amsgrad) {
  *x = s->keep1 * *x + s->fresh1 * d;
  *y = s->keep2 * *y + s->fresh2 * d * d;
  *z = *z >= *y ? *z : *y; /* a nan of y stays */
  return s->shrink * p - s->rate * *x / (ROOT(*z * s->scale) + s->eps);
}

FORMULA(nadam) {
  UNUSED;
  *x = s->keep1 * *x + s->fresh1 * d;
  *y = s->keep2 * *y + s->fresh2 * d * d;
  return s->shrink * p - (s->rate * *x + s->bonus * d) / (ROOT(*y * s->scale) + s->eps);
}

FORMULA(radam_start) {
  UNUSED;
  *x = s->keep1 * *x + s->fresh1 * d;
  *y = s->keep2 * *y + s->fresh2 * d * d;
  return s->shrink * p - s->rate * *x;
}

FORMULA(adamax) {
  UNUSED;
  *x = s->keep1 * *x + s->fresh1 * d;
  const T faded = s->keep2 * *y, now = MAGNITUDE(d) + s->eps;
  *y = faded >= now || faded != faded ? faded : now; /* nan stays */
  return p - s->rate * *x / *y;
}

FORMULA(adagrad) {
  UNUSED;
  *x += d * d;
  return p - s->rate * d / (ROOT(*x) + s->eps);
}

FORMULA(rmsprop) {
  UNUSED;
  *x = s->keep2 * *x + s->fresh2 * d * d;
  return p - s->rate * (d / (ROOT(*x) + s->eps));
}

FORMULA(rmsprop_momentum) {
  UNUSED;
  *x = s->keep2 * *x + s->fresh2 * d * d;
  *y = s->keep1 * *y + d / (ROOT(*x) + s->eps);
  return p - s->rate * *y;
}

FORMULA(rmsprop_centered) {
  UNUSED;
  *x = s->keep2 * *x + s->fresh2 * d * d;
  *y = s->keep2 * *y + s->fresh2 * d;
  return p - s->rate * (d / (ROOT(*x - *y * *y) + s->eps));
}

FORMULA(rmsprop_centered_momentum) {
  *x = s->keep2 * *x + s->fresh2 * d * d;
  *y = s->keep2 * *y + s->fresh2 * d;
  *z = s->keep1 * *z + d / (ROOT(*x - *y * *y) + s->eps);
  return p - s->rate * *z;
}

FORMULA(adadelta) {
  UNUSED;
  *x = s->keep2 * *x + s->fresh2 * d * d;
  const T step = ROOT(*y + s->eps) / ROOT(*x + s->eps) * d;
  *y = s->keep2 * *y + s->fresh2 * step * step;
  return p - s->rate * step;
}

FORMULA(asgd) {
  UNUSED;
  const T out = s->shrink * p - s->rate * d;
  *x = s->scale < 1 ? *x + s->scale * (out - *x) : out;
  return out;
}

FORMULA(rprop) {
  UNUSED;
  const T agree = d * *x, factor = agree < 0 ? s->keep1 : agree > 0 ? s->keep2 : 1;
  const T length = *y * factor, enough = length < s->fresh1 ? s->fresh1 : length;
  *y = enough > s->fresh2 ? s->fresh2 : enough;
  *x = agree < 0 ? 0 : d;
  return p - *y * NAMED(sign_of)(*x);
}

FORMULA(lion) {
  UNUSED;
  const T direction = NAMED(sign_of)(s->keep1 * *x + s->fresh1 * d);
  *x = s->keep2 * *x + s->fresh2 * d;
  return s->shrink * p - s->rate * direction;
}

#define ROW(kind, name, memories)                                                                              \
  static void NAMED(name)(const nd_step *step, int64_t lo, int64_t hi) {                                       \
    const nd_step_numbers *w = &step->s;                                                                       \
    const NAMED(numbers) s = {w->sign, w->decay, w->shrink, w->rate, w->keep1, w->fresh1,                      \
                              w->keep2, w->fresh2, w->scale, w->eps, w->bonus};                                \
    T *out = step->out, *x = step->memory[0], *y = step->memory[1], *z = step->memory[2];                      \
    const T *p = step->p, *g = step->g;                                                                        \
    ND_INDEPENDENT for (int64_t i = lo; i < hi; i++) {                                                         \
      T a = memories > 0 ? x[i] : 0, b = memories > 1 ? y[i] : 0, c = memories > 2 ? z[i] : 0;                 \
      out[i] = NAMED(name##_formula)(p[i], s.sign * g[i] + s.decay * p[i], &a, &b, &c, &s);                    \
      if (memories > 0) x[i] = NAMED(kept)(a);                                                                  \
      if (memories > 1) y[i] = NAMED(kept)(b);                                                                  \
      if (memories > 2) z[i] = NAMED(kept)(c);                                                                  \
    }                                                                                                          \
  }
ND_OPTIMISER_STEPS(ROW)
#undef NAMED
#undef FORMULA
#undef UNUSED
#undef ROW
