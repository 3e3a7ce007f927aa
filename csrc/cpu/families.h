/* families.h - the kernel families, one line each.
 *
 * A family is a group of kernels whose inner loops are compiled several times, once for each instruction set:
 *     isa/<family>.c   the loops, and at its end the table that names them: nd_<family>_table_avx2 and so on
 *     <family>.c       compiled once: the public functions, which walk plans and call what the table names
 *     <family>.h       what both must know: struct nd_<family>_table
 * From this list the compiler makes what joins them: nd_isa (kernel_types.h), which has a pointer to each table, and
 * one nd_isa for each instruction set (instruction_sets.c). nd_current_isa()-><family> is the table in use.
 *
 *     X(family, table, isa)
 * table   ROWS: kernels of one loop over rows of elements, listed in elementwise_kernels.h, from which table and public
 *         functions are made, so that isa/<family>.c is the only file; OWN: as above
 * isa     what the user of the list passes through, the name of an instruction set or nothing
 *
 * Kernels that gain nothing from wide registers, such as gather.c, are compiled once and have no line here. The build
 * (needle_edu's, and csrc/tests/run.sh) compiles every file in cpu/ and cpu/isa/; docs/kernels.md has the steps.
 */
#ifndef ND_FAMILIES_H
#define ND_FAMILIES_H

#define ND_FAMILIES(X, isa)                                          \
  X(unary, ROWS, isa)          /* out = f(a)                      */ \
  X(transcendental, ROWS, isa) /* out = exp(a) and its kin        */ \
  X(binary, ROWS, isa)         /* out = f(a, b)                   */ \
  X(scalar, ROWS, isa)         /* out = f(a, s) with a number s   */ \
  X(power, ROWS, isa)          /* out = a ** b, a ** s, s ** a    */ \
  X(compare, ROWS, isa)        /* out = a < b, a < s and their kin */ \
  X(move, OWN, isa)            /* fill, copy, cast, where         */ \
  X(reduce, OWN, isa)          /* sum, prod, max, min             */ \
  X(slices, OWN, isa)          /* logsumexp, argmax, argmin       */ \
  X(softmax, OWN, isa)         /* softmax, its logarithm          */ \
  X(cross_entropy, OWN, isa)   /* softmax cross-entropy           */ \
  X(activations, OWN, isa)     /* activations with numbers        */ \
  X(normalise, OWN, isa)       /* batch, group, layer norm        */ \
  X(gemm, OWN, isa)            /* matrix product                  */ \
  X(conv, OWN, isa)            /* convolution                     */ \
  X(pooling, OWN, isa)         /* max and average pooling         */ \
  X(attention, OWN, isa)       /* attention                       */ \
  X(dropout, OWN, isa)         /* dropout                         */ \
  X(recurrence, OWN, isa)      /* RNN, LSTM, GRU cells            */ \
  X(optim, OWN, isa)           /* steps of optimisers             */ \
  X(ladder, OWN, isa)          /* tiles of the ladder's upper rungs */
#endif
