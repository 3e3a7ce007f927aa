/* activations.c - activations with numbers: the elementwise driver, given one operand more, which stands still.
 *
 * A plan knows where arrays lie; the numbers of an activation, such as the slope of leaky_relu, are an array of three
 * doubles here, whose strides are 0: every row finds it under the same address.
 */
#include "activations.h"
#include "elementwise.h"
#include "parallel.h"

#define GRAIN(kind, name, cost) [ND_##kind] = ND_GRAIN_##cost,
static const int64_t grain[ND_ACTIVATION_KINDS] = {ND_ACTIVATIONS(GRAIN)};

static int run(const nd_plan *p, int operands, nd_row *const (*rows)[ND_DTYPES], int kind, void *const *data) {
  if (kind < 0 || kind >= ND_ACTIVATION_KINDS) return ND_EPLAN;
  const int type = p->dtype[0];
  for (int k = 0; k < operands; k++)
    if (p->dtype[k] != type) return ND_EDTYPE;
  if (!nd_is_dtype(type) || !rows[kind][type]) return ND_EDTYPE;
  nd_plan with_numbers = *p;
  with_numbers.dtype[operands] = ND_F64;
  with_numbers.offset[operands] = 0;
  for (int d = 0; d < ND_MAX_NDIM; d++) with_numbers.stride[operands][d] = 0;
  return nd_run_elementwise(&with_numbers, operands + 1, rows[kind][type], grain[kind], data, 0);
}

int nd_activation(const nd_plan *p, void *out, const void *a, int kind, double s, double t, double u) {
  double numbers[] = {s, t, u};
  return run(p, 2, nd_current_isa()->activations->forward, kind, (void *[]){out, (void *)a, numbers});
}

int nd_activation_backward(const nd_plan *p, void *out, const void *g, const void *a, int kind, double s, double t,
                           double u) {
  double numbers[] = {s, t, u};
  return run(p, 3, nd_current_isa()->activations->backward, kind, (void *[]){out, (void *)g, (void *)a, numbers});
}
