/* graph.c - making nodes of the graph (needle_edu/autograd/op.py), and walking it backwards (topo.py, array_pass.py).
 *
 * The usual case of each, line by line; for whatever is not usual, None is returned before anything was done, or the
 * Python function that does it is called.
 */
#include "accelerator.h"

nd_node_slots nd_node;
PyTypeObject *nd_tensor_type;
static PyObject *state, *storage; /* the dictionaries of two modules: their globals may be rebound at any time */
static PyObject *serials, *no_inputs;
static PyObject *str_watched, *str_threads_without_grad, *str_grad_enabled, *str_latest_version, *str_compute,
    *str_check_result, *str_differentiable;

/* nodes(Value, Tensor, Array, state, storage, next_serial): classes, two modules' dictionaries, the counter of results. */
static PyObject *nodes(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 6 || !PyType_Check(args[0]) || !PyType_Check(args[1]) || !PyType_Check(args[2]) || !PyDict_Check(args[3]) ||
      !PyDict_Check(args[4]))
    return PyErr_Format(PyExc_TypeError, "nodes: wanted three classes, two dictionaries and a function");
  if (nd_find_slot(args[0], "op", &nd_node.op) || nd_find_slot(args[0], "inputs", &nd_node.inputs) ||
      nd_find_slot(args[0], "cached_data", &nd_node.data) ||
      nd_find_slot(args[0], "requires_grad", &nd_node.requires_grad) || nd_find_slot(args[0], "grad", &nd_node.grad) ||
      nd_find_slot(args[0], "version", &nd_node.version) || nd_find_slot(args[0], "_serial", &nd_node.serial) ||
      nd_find_slot(args[0], "extra", &nd_node.extra))
    return NULL;
  nd_keep((PyObject **)&nd_node.type, args[0]);
  nd_keep((PyObject **)&nd_tensor_type, args[1]);
  nd_keep((PyObject **)&nd_node.data_type, args[2]);
  nd_keep(&state, args[3]);
  nd_keep(&storage, args[4]);
  if (nd_keep_counter(&serials, args[5])) return NULL;
  if (!no_inputs) {
    no_inputs = PyTuple_New(0);
    str_watched = PyUnicode_InternFromString("watched");
    str_threads_without_grad = PyUnicode_InternFromString("threads_without_grad");
    str_grad_enabled = PyUnicode_InternFromString("grad_enabled");
    str_latest_version = PyUnicode_InternFromString("latest_version");
    str_compute = PyUnicode_InternFromString("compute");
    str_check_result = PyUnicode_InternFromString("check_result");
    str_differentiable = PyUnicode_InternFromString("differentiable");
  }
  if (PyErr_Occurred()) return NULL;
  Py_RETURN_NONE;
}

PyObject *nd_latest_version(void) {
  PyObject *version = PyDict_GetItemWithError(storage, str_latest_version);
  if (!version && !PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "accelerator: no latest_version");
  return version;
}

/* `new_version` of needle_edu/backend/storage.py. */
PyObject *nd_new_version(void) {
  PyObject *latest = nd_latest_version();
  const long long number = latest ? PyLong_AsLongLong(latest) : -1;
  PyObject *version = number == -1 && PyErr_Occurred() ? NULL : PyLong_FromLongLong(number + 1);
  if (version && PyDict_SetItem(storage, str_latest_version, version)) Py_CLEAR(version);
  return version;
}

int nd_is_watched(void) {
  const int is_quiet = nd_node.type && PyDict_GetItemWithError(state, str_watched) == Py_False;
  return !is_quiet;
}

/* ---- making nodes -------------------------------------------------------------------------------------------- */

/* `fill_node(object.__new__(cls), op, inputs, data, requires_grad)` of value.py. */
static PyObject *make_node(PyTypeObject *cls, PyObject *op, PyObject *inputs, PyObject *data, PyObject *requires_grad) {
  PyObject *version = nd_latest_version();
  if (!version) return NULL;
  PyObject *node = cls->tp_alloc(cls, 0);
  if (!node) return NULL;
  nd_fill_slot(node, nd_node.op, op);
  nd_fill_slot(node, nd_node.inputs, inputs);
  nd_fill_slot(node, nd_node.data, data);
  nd_fill_slot(node, nd_node.requires_grad, requires_grad);
  nd_fill_slot(node, nd_node.grad, Py_None);
  nd_fill_slot(node, nd_node.extra, Py_None);
  nd_fill_slot(node, nd_node.version, version);
  if (op != Py_None) {
    SLOT(node, nd_node.serial) = nd_count(serials);
    if (!SLOT(node, nd_node.serial)) Py_CLEAR(node);
  }
  return node;
}

PyObject *nd_make_leaf(PyTypeObject *cls, PyObject *data) {
  return make_node(cls, Py_None, no_inputs, data, Py_False);
}

/* The array of a value, borrowed; NULL if it is no value, or has none yet. */
static inline PyObject *data_of(PyObject *x) {
  if (!PyObject_TypeCheck(x, nd_node.type)) return NULL;
  PyObject *data = SLOT(x, nd_node.data);
  return data == Py_None ? NULL : data; /* an empty slot is NULL as well */
}

/* Whether the result of `op` is to be recorded, when an input requires a gradient; -1 is an exception. */
static int records(PyObject *op) {
  PyObject *threads = PyDict_GetItemWithError(state, str_threads_without_grad);
  if (!threads) return PyErr_Occurred() ? -1 : 0;
  if (PySet_GET_SIZE(threads)) {
    PyObject *enabled = PyObject_CallNoArgs(PyDict_GetItem(state, str_grad_enabled));
    const int on = enabled ? PyObject_IsTrue(enabled) : -1;
    Py_XDECREF(enabled);
    if (on <= 0) return on;
  }
  PyObject *differentiable = PyObject_GetAttr(op, str_differentiable);
  const int yes = differentiable ? PyObject_IsTrue(differentiable) : -1;
  Py_XDECREF(differentiable);
  return yes;
}

/* op.check_result(data, [x, y]): what `compute` made is no array yet. Takes over the reference to data. */
static PyObject *checked(PyObject *op, PyObject *data, PyObject *x, PyObject *y) {
  PyObject *operands = y ? Py_BuildValue("[OO]", x, y) : Py_BuildValue("[O]", x);
  PyObject *result = operands ? PyObject_CallMethodObjArgs(op, str_check_result, data, operands, NULL) : NULL;
  Py_XDECREF(operands);
  Py_DECREF(data);
  return result;
}

/* apply(op, a, b): `apply` of an op of one or two tensors (b is None of one), in op.py; or None. */
static PyObject *apply(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 3) return PyErr_Format(PyExc_TypeError, "apply: takes 3 arguments");
  PyObject *op = args[0], *a = args[1], *b = args[2] == Py_None ? NULL : args[2];
  if (nd_is_watched()) {
    if (PyErr_Occurred()) return NULL;
    Py_RETURN_NONE;
  }
  PyObject *x = data_of(a), *y = b ? data_of(b) : NULL;
  if (!x || (b && !y)) Py_RETURN_NONE;
  PyObject *call[] = {op, x, y};
  Py_INCREF(x);
  Py_XINCREF(y);
  PyObject *node = NULL, *inputs = NULL;
  PyObject *data = PyObject_VectorcallMethod(str_compute, call, b ? 3 : 2, NULL);
  if (data && !Py_IS_TYPE(data, nd_node.data_type)) data = checked(op, data, x, y);
  if (!data) goto done;
  int wanted = nd_requires_grad(a);
  if (!wanted && b) wanted = nd_requires_grad(b);
  if (wanted > 0) wanted = records(op);
  if (wanted < 0) goto done;
  if (wanted) {
    inputs = b ? PyTuple_Pack(2, a, b) : PyTuple_Pack(1, a);
    if (inputs) node = make_node(nd_tensor_type, op, inputs, data, Py_True);
  } else {
    node = make_node(nd_tensor_type, Py_None, no_inputs, data, Py_False);
  }
done:
  Py_DECREF(x);
  Py_XDECREF(y);
  Py_XDECREF(data);
  Py_XDECREF(inputs);
  return node;
}

/* ---- topological order --------------------------------------------------------------------------------------- */

/* Push the inputs of a node so that the first lies on top, below it the node itself under its marker. */
static int push_with_inputs(PyObject *stack, PyObject *node, PyObject *inputs) {
  if (PyList_Append(stack, node) || PyList_Append(stack, Py_None)) return -1;
  for (Py_ssize_t k = PyTuple_GET_SIZE(inputs) - 1; k >= 0; k--)
    if (PyList_Append(stack, PyTuple_GET_ITEM(inputs, k))) return -1;
  return 0;
}

static PyObject *pop(PyObject *list) {
  const Py_ssize_t last = PyList_GET_SIZE(list) - 1;
  PyObject *item = Py_NewRef(PyList_GET_ITEM(list, last));
  if (PyList_SetSlice(list, last, last + 1, NULL)) Py_CLEAR(item);
  return item;
}

/* One turn of the loop of `post_order` in topo.py; 0: go on, 1: no value of ours, -1: exception. */
static int turn(PyObject *stack, PyObject *seen, PyObject *order) {
  PyObject *node = pop(stack);
  if (!node) return -1;
  int result = -1;
  if (node == Py_None) {
    PyObject *done = pop(stack);
    if (done) result = PyList_Append(order, done);
    Py_XDECREF(done);
  } else if (!PyObject_TypeCheck(node, nd_node.type) || !SLOT(node, nd_node.inputs) ||
             !PyTuple_CheckExact(SLOT(node, nd_node.inputs))) {
    result = 1;
  } else {
    const int known = PySet_Contains(seen, node);
    PyObject *inputs = SLOT(node, nd_node.inputs);
    if (known)
      result = known < 0 ? -1 : 0;
    else if (PySet_Add(seen, node) == 0)
      result = PyTuple_GET_SIZE(inputs) ? push_with_inputs(stack, node, inputs) : PyList_Append(order, node);
  }
  Py_DECREF(node);
  return result;
}

/* post_order(output): `post_order([output])` of topo.py, or None. */
PyObject *nd_post_order(PyObject *self, PyObject *output) {
  (void)self;
  if (!nd_node.type) Py_RETURN_NONE;
  PyObject *stack = PyList_New(0), *order = PyList_New(0), *seen = PySet_New(NULL);
  int result = stack && order && seen ? PyList_Append(stack, output) : -1;
  while (!result && PyList_GET_SIZE(stack)) result = turn(stack, seen, order);
  Py_XDECREF(stack);
  Py_XDECREF(seen);
  if (!result) return order;
  Py_XDECREF(order);
  if (result < 0) return NULL;
  Py_RETURN_NONE;
}

PyMethodDef nd_graph_methods[] = {
  {"nodes", (PyCFunction)(void (*)(void))nodes, METH_FASTCALL, "Take the classes of values, and the state of autograd."},
  {"apply", (PyCFunction)(void (*)(void))apply, METH_FASTCALL, "`apply` of an op of one or two tensors, or None."},
  {"post_order", nd_post_order, METH_O, "The values an output depends on, inputs first, or None."},
  {NULL, NULL, 0, NULL},
};
