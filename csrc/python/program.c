/* program.c - a call of a compiled program: `run` of needle_edu/graph/compiled/executable.py, step by step, in C.
 *
 * What a call needs is known when the program is compiled: which tensors it reads, which arrays it makes, where they go.
 * quick_call.py hands all of it over once, as a tuple of facts. A call then looks at types and layouts, puts addresses
 * in a row, and jumps. Whatever is not the usual case is left to Python: NotImplemented is returned before anything was
 * done.
 */
#include "program.h"

enum { OTHER_ISA = -1 };

/* ---- is it the usual case? --------------------------------------------------------------------------------- */

/* The array of a tensor, borrowed, if it has this layout; else NULL. */
static PyObject *array_of(PyObject *tensor, PyObject *layout) {
  PyObject *data = SLOT(tensor, nd_node.data);
  if (!data || !Py_IS_TYPE(data, nd_array_type) || SLOT(data, nd_array_layout) != layout) return NULL;
  return SLOT(data, nd_array_storage) ? data : NULL;
}

/* 1: yes, 0: no, -1: exception. */
static int is_usual(Program *p, PyObject *arguments) {
  if (!p->facts || nd_is_watched() || PyTuple_GET_SIZE(arguments) != PyTuple_GET_SIZE(p->inputs)) return 0;
  if (PyDict_GET_SIZE(p->overridden)) { /* a student's kernel is not bypassed */
    PyObject *answer = PyObject_CallNoArgs(p->has_overrides);
    const int is_overridden = answer ? PyObject_IsTrue(answer) : -1;
    Py_XDECREF(answer);
    if (is_overridden) return is_overridden < 0 ? -1 : 0;
  }
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(arguments); k++) {
    PyObject *one = PyTuple_GET_ITEM(arguments, k);
    if (!Py_IS_TYPE(one, nd_tensor_type) || !array_of(one, PyTuple_GET_ITEM(p->inputs, k))) return 0;
  }
  for (Py_ssize_t k = 0; k < p->n_sources; k++)
    if (p->sources[k].tensor != Py_None && !array_of(p->sources[k].tensor, p->sources[k].layout)) return 0;
  for (Py_ssize_t k = 0; k < p->n_updates; k++)
    if (p->updates[k].what == DATA && SLOT(p->updates[k].owner, nd_node.op) != Py_None) return 0;
  return 1;
}

/* ---- a call ------------------------------------------------------------------------------------------------ */

/* Put the arrays into a row: inputs, sources, then what the program makes. */
static int gather(Program *p, PyObject *arguments, PyObject **given) {
  PyObject **sources = given + PyTuple_GET_SIZE(arguments), **made = sources + p->n_sources;
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(arguments); k++)
    given[k] = Py_NewRef(SLOT(PyTuple_GET_ITEM(arguments, k), nd_node.data));
  for (Py_ssize_t k = 0; k < p->n_fresh; k++) { /* asked before we hold the sources' arrays, too */
    if (p->made_anew[k].donor < 0) continue;
    PyObject *old = SLOT(p->sources[p->made_anew[k].donor].tensor, nd_node.data);
    const int alone = SLOT(old, nd_array_layout) == p->made_anew[k].layout ? nd_held_once(old) : 0;
    if (alone < 0) return -1;
    if (alone) made[k] = Py_NewRef(old);
  }
  for (Py_ssize_t k = 0; k < p->n_sources; k++)
    if (p->sources[k].tensor != Py_None) sources[k] = Py_NewRef(SLOT(p->sources[k].tensor, nd_node.data));
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(p->forgotten); k++) /* the new gradient may have its memory */
    Py_XSETREF(SLOT(PyTuple_GET_ITEM(p->forgotten, k), nd_node.grad), Py_NewRef(Py_None));
  for (Py_ssize_t k = 0; k < p->n_sources; k++)
    if (!sources[k] && !(sources[k] = PyObject_CallNoArgs(p->sources[k].read))) return -1;
  for (Py_ssize_t k = 0; k < p->n_fresh; k++)
    if (!made[k] && !(made[k] = nd_new_array(p->made_anew[k].layout, NULL))) return -1;
  return 0;
}

/* Compute, one call of this program at a time: they share an arena. */
static int compute(Program *p, void **pointers) {
  PyObject *answer = PyObject_CallNoArgs(p->lock_acquire);
  if (!answer) return -1;
  Py_DECREF(answer);
  int code;
  for (int attempt = 0;; attempt++) {
    PyThreadState *save = p->releases ? PyEval_SaveThread() : NULL;
    code = p->function(p->arena, pointers, p->table);
    if (save) PyEval_RestoreThread(save);
    if (code != OTHER_ISA || attempt) break;
    answer = PyObject_CallNoArgs(p->reload);
    p->function = answer ? (compiled *)PyLong_AsVoidPtr(answer) : NULL;
    Py_XDECREF(answer);
    if (!p->function) break;
  }
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  answer = PyObject_CallNoArgs(p->lock_release);
  if (type) PyErr_Restore(type, value, traceback);
  Py_XDECREF(answer);
  if (!answer || PyErr_Occurred()) return -1;
  if (code) {
    answer = PyObject_CallFunction(p->failed, "i", code);
    Py_XDECREF(answer);
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "accelerator: a program failed and nothing was raised");
    return -1;
  }
  return 0;
}

static int call(Program *p, PyObject **given, void **pointers, Py_ssize_t n) {
  for (Py_ssize_t k = 0; k < n; k++) { /* numbers that C on the host reads come without an array */
    PyObject *ptr = Py_IS_TYPE(given[k], nd_array_type) ? nd_ptr_of(given[k]) : given[k];
    pointers[k] = nd_address(ptr);
    if (!pointers[k] && PyErr_Occurred()) return -1;
  }
  if (compute(p, pointers)) return -1;
  for (Py_ssize_t k = 0; k < p->n_fresh; k++) {
    if (p->made_anew[k].donor < 0) continue;
    const Py_ssize_t place = n - p->n_fresh + k, donor = n - p->n_fresh - p->n_sources + p->made_anew[k].donor;
    if (given[place] == given[donor] && nd_overwritten(given[place])) return -1;
  }
  return 0;
}

/* Write an update; `array` is borrowed. */
static int write_update(const update *u, PyObject *array) {
  if (u->what == DATA) { /* `replace_data` of value.py, of a leaf */
    PyObject *version = nd_new_version();
    if (!version) return -1;
    Py_XSETREF(SLOT(u->owner, nd_node.version), version);
    Py_XSETREF(SLOT(u->owner, nd_node.data), Py_NewRef(array));
    return 0;
  }
  PyObject *done = NULL;
  if (u->what == GRADIENT) {
    done = nd_make_leaf(nd_tensor_type, array);
    if (done) Py_XSETREF(SLOT(u->owner, nd_node.grad), done);
    return done ? 0 : -1;
  }
  done = PyObject_CallOneArg(u->write, array);
  Py_XDECREF(done);
  return done ? 0 : -1;
}

/* The outputs as tensors, in the shape that the function gives them. */
static PyObject *returned(Program *p, PyObject **made) {
  const Py_ssize_t n = PyTuple_GET_SIZE(p->outputs);
  if (p->unflatten == Py_None) return nd_make_leaf(nd_tensor_type, made[PyLong_AsSsize_t(PyTuple_GET_ITEM(p->outputs, 0))]);
  PyObject *list = PyList_New(n), *nested = NULL;
  if (!list) return NULL;
  for (Py_ssize_t k = 0; k < n; k++) {
    PyObject *leaf = nd_make_leaf(nd_tensor_type, made[PyLong_AsSsize_t(PyTuple_GET_ITEM(p->outputs, k))]);
    if (!leaf) goto done;
    PyList_SET_ITEM(list, k, leaf);
  }
  nested = PyObject_CallOneArg(p->unflatten, list);
done:
  Py_DECREF(list);
  return nested;
}

static PyObject *hand_out(Program *p, PyObject **given, Py_ssize_t n, PyObject **made) {
  for (Py_ssize_t k = 0; k < p->n_results; k++) {
    const result *r = &p->results[k];
    PyObject *array = given[r->place];
    const int as_it_is = r->place >= n - p->n_fresh && SLOT(array, nd_array_layout) == r->layout;
    made[k] = as_it_is ? Py_NewRef(array) : nd_new_array(r->layout, SLOT(array, nd_array_storage));
    if (!made[k]) return NULL;
  }
  for (Py_ssize_t k = 0; k < p->n_updates; k++)
    if (write_update(&p->updates[k], made[p->updates[k].result])) return NULL;
  return returned(p, made);
}

/* run_program(program, arguments): `run` of executable.py with a tuple of arguments, or NotImplemented. */
static PyObject *run_program(PyObject *self, PyObject *const *args, Py_ssize_t n_args) {
  (void)self;
  if (n_args != 2) return PyErr_Format(PyExc_TypeError, "run_program: takes 2 arguments");
  if (!Py_IS_TYPE(args[0], &nd_program_type) || !PyTuple_CheckExact(args[1])) Py_RETURN_NOTIMPLEMENTED;
  Program *p = (Program *)args[0];
  const int usual = is_usual(p, args[1]);
  if (usual < 0) return NULL;
  if (!usual) Py_RETURN_NOTIMPLEMENTED;
  const Py_ssize_t n = PyTuple_GET_SIZE(args[1]) + p->n_sources + p->n_fresh, all = n + p->n_results;
  PyObject **given = PyMem_Calloc(all + n, sizeof *given); /* arrays, results, and addresses of arrays */
  if (!given) return PyErr_NoMemory();
  PyObject *facts = Py_NewRef(p->facts), *answer = NULL;
  if (!gather(p, args[1], given) && !call(p, given, (void **)(given + all), n))
    answer = hand_out(p, given, n, given + n);
  for (Py_ssize_t k = 0; k < all; k++) Py_XDECREF(given[k]);
  PyMem_Free(given);
  Py_DECREF(facts);
  return answer;
}

PyMethodDef nd_program_methods[] = {
  {"run_program", (PyCFunction)(void (*)(void))run_program, METH_FASTCALL, "Call a program, or NotImplemented."},
  {NULL, NULL, 0, NULL},
};
