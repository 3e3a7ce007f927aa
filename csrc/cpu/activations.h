/* activations.h - the family of activations that take numbers, and their vjps: one row function for each kind. */
#ifndef ND_ACTIVATIONS_H
#define ND_ACTIVATIONS_H
#include "kernel_types.h"

/* Each kind (enum nd_activation), and what it costs (parallel.h). */
#define ND_ACTIVATIONS(X)      \
  X(LEAKY_RELU, leaky_relu, CHEAP)   \
  X(ELU, elu, COSTLY)                \
  X(HARDTANH, hardtanh, CHEAP)       \
  X(HARDSIGMOID, hardsigmoid, CHEAP) \
  X(HARDSWISH, hardswish, CHEAP)     \
  X(HARDSHRINK, hardshrink, CHEAP)   \
  X(SOFTSHRINK, softshrink, CHEAP)   \
  X(THRESHOLD, threshold, CHEAP)     \
  X(SOFTSIGN, softsign, CHEAP)       \
  X(TANHSHRINK, tanhshrink, COSTLY)  \
  X(SOFTPLUS, softplus, COSTLY)      \
  X(LOGSIGMOID, logsigmoid, COSTLY)  \
  X(MISH, mish, COSTLY)              \
  X(GELU_TANH, gelu_tanh, COSTLY)    \
  X(HUBER, huber, CHEAP)

/* Rows whose last operand, after the input (or adjoint and input), is the array of the three numbers. */
typedef struct nd_activations_table {
  nd_row *forward[ND_ACTIVATION_KINDS][ND_DTYPES], *backward[ND_ACTIVATION_KINDS][ND_DTYPES];
} nd_activations_table;
#endif
