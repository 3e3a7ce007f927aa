/* program.h - what a call of a compiled program needs; program_facts.c fills it in, program.c uses it. */
#ifndef ND_PROGRAM_H
#define ND_PROGRAM_H
#include "accelerator.h"

enum { DATA, GRADIENT, OTHER };  /* what an update writes; other targets have a function in Python */

typedef int compiled(void *arena, void **arrays, const void **table);
typedef struct { PyObject *tensor, *layout, *read; } source; /* a tensor's data, or what a function returns */
typedef struct { PyObject *layout; Py_ssize_t donor; } fresh; /* the donor, if any, is a source */
typedef struct { Py_ssize_t place; PyObject *layout; } result;
typedef struct { int what; PyObject *owner, *write; Py_ssize_t result; } update;

/* All pointers are into the facts, which stay as long as the program. */
typedef struct {
  PyObject_HEAD
  PyObject *facts;
  compiled *function;
  void *arena;
  const void **table;
  PyObject *lock_acquire, *lock_release, *overridden, *has_overrides, *reload, *failed, *unflatten;
  PyObject *inputs, *forgotten, *outputs; /* tuples: layouts, tensors, places among the results */
  source *sources;
  fresh *made_anew;
  result *results;
  update *updates;
  Py_ssize_t n_sources, n_fresh, n_results, n_updates;
  int releases; /* whether other threads of Python may run meanwhile */
} Program;
#endif
