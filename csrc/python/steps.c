/* steps.c - a step of an optimiser: `step_together` of needle_edu/optim/together.py, for the usual group, in C.
 *
 * The usual group: all parameters were stepped before, all as often, and parameter, gradient and memories are dense arrays
 * of floats that the library computes with. Python takes 10 us for each parameter where nothing is in the caches any more,
 * which is as long as the kernel takes for 20,000 numbers. None is returned before anything was done.
 */
#include "accelerator.h"
#include "needle_kernels.h"

enum { MEMORIES = 3, SMALL_WORK = 16384 }; /* with more numbers, other threads of Python may run meanwhile */

static PyObject *library_kernel, *str_optimizer_steps;

/* optimizer_kernel(function): cffi's function of the library; where another one computes, Python calls it. */
static PyObject *optimizer_kernel(PyObject *self, PyObject *function) {
  (void)self;
  if (!str_optimizer_steps) str_optimizer_steps = PyUnicode_InternFromString("optimizer_steps");
  if (!str_optimizer_steps) return NULL;
  nd_keep(&library_kernel, function);
  Py_RETURN_NONE;
}

/* What is the same for all parameters. `first` is the state of one, `counts` what is counted in it after the step. */
typedef struct {
  PyObject *states, *first, *counts, *names, *code;
} Group;

/* One parameter: what is its own, and, held while the kernel runs, what is somebody else's. */
typedef struct {
  PyObject *tensor, *state, *data, *gradient, *out, *memory[MEMORIES];
} Member;

static void let_go(Member *m) {
  PyObject *held[] = {m->tensor, m->state, m->data, m->gradient, m->out, m->memory[0], m->memory[1], m->memory[2]};
  for (int k = 0; k < 5 + MEMORIES; k++) Py_XDECREF(held[k]);
}

/* ---- is it the usual case? 1: yes, 0: no, -1: exception ------------------------------------------------------ */

/* The array of a tensor, borrowed, or NULL. */
static PyObject *array_of(PyObject *tensor) {
  PyObject *data = PyObject_TypeCheck(tensor, nd_tensor_type) ? SLOT(tensor, nd_node.data) : NULL;
  return data && Py_IS_TYPE(data, nd_array_type) && SLOT(data, nd_array_storage) ? data : NULL;
}

static int counted_alike(const Group *g, PyObject *state) {
  if (PyDict_GET_SIZE(state) != PyDict_GET_SIZE(g->first)) return 0;
  PyObject *name, *after;
  for (Py_ssize_t at = 0; PyDict_Next(g->counts, &at, &name, &after);) {
    PyObject *mine = PyDict_GetItemWithError(state, name), *his = PyDict_GetItemWithError(g->first, name);
    if (!mine || !his) return PyErr_Occurred() ? -1 : 0;
    const int equal = PyObject_RichCompareBool(mine, his, Py_EQ);
    if (equal < 1) return equal;
  }
  return 1;
}

/* Does the library compute with arrays of this layout, and are they of the group's element type? */
static int is_for_kernel(Group *g, PyObject *layout) {
  if (SLOT(layout, nd_layout_dense_float) != Py_True) return 0;
  if (!g->code) g->code = SLOT(layout, nd_layout_code);
  if (SLOT(layout, nd_layout_code) != g->code) return 0; /* small numbers are one object each */
  PyObject *kernel = PyDict_GetItemWithError(SLOT(layout, nd_layout_kernels), str_optimizer_steps);
  return kernel ? kernel == library_kernel : PyErr_Occurred() ? -1 : 0;
}

/* Take one (place, tensor) into `m`. */
static int take(Group *g, PyObject *pair, Member *m) {
  if (!PyTuple_CheckExact(pair) || PyTuple_GET_SIZE(pair) != 2) return 0;
  PyObject *tensor = PyTuple_GET_ITEM(pair, 1), *data = array_of(tensor);
  if (!data || SLOT(tensor, nd_node.op) != Py_None) return 0;
  PyObject *gradient = SLOT(tensor, nd_node.grad) ? array_of(SLOT(tensor, nd_node.grad)) : NULL;
  PyObject *layout = SLOT(data, nd_array_layout);
  if (!gradient || SLOT(gradient, nd_array_layout) != layout) return 0;
  PyObject *state = PyDict_GetItemWithError(g->states, PyTuple_GET_ITEM(pair, 0));
  if (!state || !PyDict_CheckExact(state)) return PyErr_Occurred() ? -1 : 0;
  int usual = is_for_kernel(g, layout);
  if (usual == 1) usual = counted_alike(g, state);
  if (usual < 1) return usual;
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(g->names); k++) {
    PyObject *memory = PyDict_GetItemWithError(state, PyTuple_GET_ITEM(g->names, k));
    if (!memory) return PyErr_Occurred() ? -1 : 0;
    if (!Py_IS_TYPE(memory, nd_array_type) || SLOT(memory, nd_array_layout) != layout) return 0;
    m->memory[k] = Py_NewRef(memory);
  }
  const int alone = nd_held_once(data); /* asked before we hold it, too */
  if (alone < 0) return -1;
  m->tensor = Py_NewRef(tensor), m->state = Py_NewRef(state);
  m->data = Py_NewRef(data), m->gradient = Py_NewRef(gradient);
  m->out = alone ? Py_NewRef(data) : nd_new_array(layout, NULL);
  return m->out ? 1 : -1;
}

/* ---- the step --------------------------------------------------------------------------------------------------- */

/* The row of one parameter, as the kernel reads it. */
static int lay_out(const Member *m, nd_step *row) {
  PyObject *arrays[] = {m->out, m->data, m->gradient, m->memory[0], m->memory[1], m->memory[2]};
  void *address[3 + MEMORIES] = {NULL};
  for (int k = 0; k < 3 + MEMORIES; k++)
    if (arrays[k] && !(address[k] = nd_address_of(arrays[k])) && PyErr_Occurred()) return -1;
  row->n = PyLong_AsLongLong(SLOT(SLOT(m->data, nd_array_layout), nd_layout_size));
  row->out = address[0], row->p = address[1], row->g = address[2];
  for (int k = 0; k < MEMORIES; k++) row->memory[k] = address[3 + k];
  return row->n == -1 && PyErr_Occurred() ? -1 : 0;
}

/* What the step leaves behind: new versions, counts, and `replace_data` of value.py, of a leaf. */
static int hand_over(const Group *g, Member *m) {
  for (int k = 0; k < MEMORIES; k++)
    if (m->memory[k] && nd_overwritten(m->memory[k])) return -1;
  if (m->out == m->data && nd_overwritten(m->out)) return -1;
  if (PyDict_Update(m->state, g->counts)) return -1;
  PyObject *version = nd_new_version();
  if (!version) return -1;
  Py_XSETREF(SLOT(m->tensor, nd_node.version), version);
  Py_XSETREF(SLOT(m->tensor, nd_node.data), Py_NewRef(m->out));
  return 0;
}

/* 0: done, 1: not the usual case, -1: exception. */
static int run(Group *g, PyObject *pairs, int kind, const nd_step_numbers *numbers, Member *members, nd_step *rows) {
  const Py_ssize_t count = PyList_GET_SIZE(pairs);
  int64_t all = 0;
  for (Py_ssize_t k = 0; k < count; k++) {
    const int usual = take(g, PyList_GET_ITEM(pairs, k), &members[k]);
    if (usual < 1) return usual < 0 ? -1 : 1;
    rows[k] = (nd_step){.kind = kind, .s = *numbers};
    if (lay_out(&members[k], &rows[k])) return -1;
    all += rows[k].n;
  }
  const int code = (int)PyLong_AsLong(g->code);
  PyThreadState *save = all > SMALL_WORK ? PyEval_SaveThread() : NULL;
  const int error = nd_optimizer_steps(code, (int)count, rows);
  if (save) PyEval_RestoreThread(save);
  if (error) {
    PyObject *number = PyLong_FromLong(error);
    if (number) nd_kernel_failed(str_optimizer_steps, number, members[0].data, members[0].gradient);
    Py_XDECREF(number);
    return -1;
  }
  for (Py_ssize_t k = 0; k < count; k++)
    if (hand_over(g, &members[k])) return -1;
  return 0;
}

static int read_numbers(PyObject *tuple, nd_step_numbers *numbers) {
  double *to = (double *)numbers;
  const Py_ssize_t n = sizeof *numbers / sizeof *to;
  if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != n) return 1;
  for (Py_ssize_t k = 0; k < n; k++) {
    to[k] = PyFloat_AsDouble(PyTuple_GET_ITEM(tuple, k));
    if (to[k] == -1 && PyErr_Occurred()) return -1;
  }
  return 0;
}

/* optimizer_steps(members, states, first, counts, kind, names, numbers): True, or None where Python has to do it. */
static PyObject *optimizer_steps(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 7) return PyErr_Format(PyExc_TypeError, "optimizer_steps: takes 7 arguments");
  if (!library_kernel || !nd_tensor_type || !nd_array_type || !PyList_CheckExact(args[0]) || !PyList_GET_SIZE(args[0]) ||
      !PyDict_CheckExact(args[1]) || !PyDict_CheckExact(args[2]) || !PyDict_CheckExact(args[3]) ||
      !PyTuple_CheckExact(args[5]) || PyTuple_GET_SIZE(args[5]) > MEMORIES)
    Py_RETURN_NONE;
  Group group = {.states = args[1], .first = args[2], .counts = args[3], .names = args[5]};
  const long kind = PyLong_AsLong(args[4]);
  if (kind == -1 && PyErr_Occurred()) return NULL;
  nd_step_numbers numbers;
  int result = read_numbers(args[6], &numbers);
  const Py_ssize_t count = PyList_GET_SIZE(args[0]);
  Member *members = PyMem_Calloc(count, sizeof *members);
  nd_step *rows = PyMem_Calloc(count, sizeof *rows);
  if (!members || !rows) {
    PyErr_NoMemory();
    result = -1;
  }
  if (!result) result = run(&group, args[0], (int)kind, &numbers, members, rows);
  for (Py_ssize_t k = 0; members && k < count; k++) let_go(&members[k]);
  PyMem_Free(members);
  PyMem_Free(rows);
  if (result < 0) return NULL;
  return Py_NewRef(result ? Py_None : Py_True);
}

PyMethodDef nd_steps_methods[] = {
  {"optimizer_kernel", (PyCFunction)optimizer_kernel, METH_O, "Take the library's kernel of optimisers."},
  {"optimizer_steps", (PyCFunction)(void (*)(void))optimizer_steps, METH_FASTCALL, "One step of a group, or None."},
  {NULL, NULL, 0, NULL},
};
