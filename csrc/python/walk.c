/* walk.c - the backward pass of needle_edu/autograd/array_pass.py: which see, it is the same loop.
 *
 * Nodes that are not the usual case are handed to `hand_on` there, one by one.
 */
#include "accelerator.h"

static PyTypeObject *array_node_type;
static Py_ssize_t array_node_inputs;
static PyObject *hand_on, *check_unchanged, *fitted, *sum_of_values;
static PyObject *str_vjps, *str_vjps_on_arrays;

/* steps(ArrayNode, hand_on, check_unchanged, fitted, sum_of_values): the functions of array_pass.py. */
static PyObject *steps(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 5 || !PyType_Check(args[0])) return PyErr_Format(PyExc_TypeError, "steps: wanted a class and 4 functions");
  if (nd_find_slot(args[0], "inputs", &array_node_inputs)) return NULL;
  PyObject **places[] = {(PyObject **)&array_node_type, &hand_on, &check_unchanged, &fitted, &sum_of_values};
  for (int k = 0; k < 5; k++) nd_keep(places[k], args[k]);
  if (!str_vjps) str_vjps = PyUnicode_InternFromString("vjps");
  if (!str_vjps_on_arrays) str_vjps_on_arrays = PyUnicode_InternFromString("vjps_on_arrays");
  if (PyErr_Occurred()) return NULL;
  Py_RETURN_NONE;
}

/* One pass: the adjoints still to be handed on, whose adjoint is a sum made here, the memory that is somebody's. */
typedef struct {
  PyObject *adjoints, *sums, *taken, *tensor, *accumulate;
} Pass;

static inline int is_array(PyObject *g) {
  return Py_IS_TYPE(g, nd_array_type);
}

/* Whether an input's array surely has the layout of its contribution. */
static inline int same_layout(PyObject *gx, PyObject *x) {
  PyObject *data = SLOT(x, nd_node.data);
  return is_array(gx) && is_array(data) && SLOT(gx, nd_array_layout) == SLOT(data, nd_array_layout);
}

/* Add the contribution gx to the adjoint of x. */
static int accumulate(Pass *pass, PyObject *x, PyObject *gx) {
  PyObject *total = PyDict_GetItemWithError(pass->adjoints, x);
  if (!total) return PyErr_Occurred() ? -1 : PyDict_SetItem(pass->adjoints, x, gx);
  PyObject *sum = NULL;
  int result = -1;
  Py_INCREF(total);
  if (!is_array(gx) || !is_array(total)) {
    PyObject *operands[] = {total, gx, pass->tensor};
    sum = PyObject_Vectorcall(sum_of_values, operands, 3, NULL);
    if (sum) result = PyDict_SetItem(pass->adjoints, x, sum);
  } else {
    int done = PySet_Contains(pass->sums, x); /* a sum made here: nobody else has the array */
    if (done > 0) done = nd_add_into(total, gx);
    if (done > 0) {
      result = 0;
    } else if (!done && (sum = PyNumber_Add(total, gx)) && !PyDict_SetItem(pass->adjoints, x, sum)) {
      result = PySet_Add(pass->sums, x);
    }
  }
  Py_DECREF(total);
  Py_XDECREF(sum);
  return result;
}

/* A node as a vjp on arrays sees it. */
static PyObject *seen_as_arrays(PyObject *inputs) {
  const Py_ssize_t n = PyTuple_GET_SIZE(inputs);
  PyObject *arrays = PyTuple_New(n);
  if (!arrays) return NULL;
  for (Py_ssize_t k = 0; k < n; k++)
    PyTuple_SET_ITEM(arrays, k, Py_NewRef(SLOT(PyTuple_GET_ITEM(inputs, k), nd_node.data)));
  PyObject *seen = array_node_type->tp_alloc(array_node_type, 0);
  if (seen) nd_fill_slot(seen, array_node_inputs, arrays);
  Py_DECREF(arrays);
  return seen;
}

/* The contribution of one vjp to its input x, in the layout of x. */
static PyObject *contribution(Pass *pass, PyObject *vjp, PyObject *g, PyObject *node, PyObject *seen, PyObject *x) {
  PyObject *to_vjp[] = {SLOT(node, nd_node.op), g, seen};
  PyObject *gx = PyObject_Vectorcall(vjp, to_vjp, 3, NULL);
  if (!gx || same_layout(gx, x)) return gx;
  PyObject *to_fit[] = {gx, x, node, pass->tensor};
  PyObject *fit = PyObject_Vectorcall(fitted, to_fit, 4, NULL);
  Py_DECREF(gx);
  return fit;
}

/* The usual interior node: its op's vjps work on arrays. 0: done, 1: not usual, -1: exception. */
static int through_op(Pass *pass, PyObject *node, PyObject *g) {
  PyObject *op = Py_NewRef(SLOT(node, nd_node.op)), *inputs = Py_NewRef(SLOT(node, nd_node.inputs));
  PyObject *vjps = PyObject_GetAttr(op, str_vjps), *on_arrays = PyObject_GetAttr(op, str_vjps_on_arrays), *seen = NULL;
  int result = -1;
  if (!vjps || !on_arrays) goto done;
  result = 1;
  if (on_arrays != Py_True || !PyTuple_CheckExact(vjps) || PyTuple_GET_SIZE(vjps) < PyTuple_GET_SIZE(inputs)) goto done;
  result = -1;
  PyObject *latest = nd_latest_version();
  const int changed = latest ? PyObject_RichCompareBool(SLOT(node, nd_node.version), latest, Py_NE) : -1;
  if (changed < 0) goto done;
  if (changed) {
    PyObject *nothing = PyObject_CallOneArg(check_unchanged, node);
    if (!nothing) goto done;
    Py_DECREF(nothing);
  }
  if (!(seen = seen_as_arrays(inputs))) goto done;
  for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(inputs); k++) {
    PyObject *x = PyTuple_GET_ITEM(inputs, k), *vjp = PyTuple_GET_ITEM(vjps, k);
    const int wanted = nd_requires_grad(x);
    if (wanted < 0) goto done;
    if (!wanted || vjp == Py_None) continue;
    PyObject *gx = contribution(pass, vjp, g, node, seen, x);
    const int failed = gx ? accumulate(pass, x, gx) : -1;
    Py_XDECREF(gx);
    if (failed) goto done;
  }
  result = 0;
done:
  Py_DECREF(op);
  Py_DECREF(inputs);
  Py_XDECREF(vjps);
  Py_XDECREF(on_arrays);
  Py_XDECREF(seen);
  return result;
}

/* The usual leaf: nobody has the memory of its adjoint, which becomes `.grad`. Results as of `through_op`. */
static int write_leaf(Pass *pass, PyObject *leaf, PyObject *g) {
  if (pass->accumulate != Py_False || SLOT(SLOT(g, nd_array_layout), nd_layout_dense) != Py_True) return 1;
  PyObject *memory = PyLong_FromVoidPtr(SLOT(g, nd_array_storage)); /* id(g.storage) */
  int result = memory ? PySet_Contains(pass->taken, memory) : -1;
  if (!result && !(result = PySet_Add(pass->taken, memory))) {
    PyObject *gradient = nd_make_leaf((PyTypeObject *)pass->tensor, g);
    if (gradient)
      Py_XSETREF(SLOT(leaf, nd_node.grad), gradient);
    else
      result = -1;
  }
  Py_XDECREF(memory);
  return result;
}

/* Hand the adjoint of one node on. */
static int visit(Pass *pass, PyObject *node) {
  PyObject *g = PyDict_GetItemWithError(pass->adjoints, node);
  if (!g) return PyErr_Occurred() ? -1 : 0;
  Py_INCREF(g);
  int result = PyDict_DelItem(pass->adjoints, node) ? -1 : 1;
  if (result == 1 && is_array(g) && SLOT(node, nd_node.extra) == Py_None)
    result = SLOT(node, nd_node.op) == Py_None ? write_leaf(pass, node, g) : through_op(pass, node, g);
  if (result == 1) {
    PyObject *args[] = {node, g, pass->adjoints, pass->sums, pass->taken, pass->tensor, pass->accumulate};
    PyObject *nothing = PyObject_Vectorcall(hand_on, args, 7, NULL);
    result = nothing ? 0 : -1;
    Py_XDECREF(nothing);
  }
  Py_DECREF(g);
  return result;
}

/* walk(output, adjoints, sums, taken, tensor, accumulate): the loop of `walk` in array_pass.py; True, or None. */
static PyObject *walk(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  if (n != 6) return PyErr_Format(PyExc_TypeError, "walk: takes 6 arguments");
  if (!array_node_type || !nd_array_type || !PyDict_CheckExact(args[1]) || !PySet_Check(args[2]) ||
      !PySet_Check(args[3]) || !PyType_Check(args[4]))
    Py_RETURN_NONE;
  Pass pass = {args[1], args[2], args[3], args[4], args[5]};
  PyObject *order = nd_post_order(self, args[0]);
  if (!order || order == Py_None) return order;
  int result = 0;
  for (Py_ssize_t k = PyList_GET_SIZE(order) - 1; k >= 0 && !result; k--)
    result = visit(&pass, PyList_GET_ITEM(order, k));
  Py_DECREF(order);
  if (result) return NULL;
  Py_RETURN_TRUE;
}

PyMethodDef nd_walk_methods[] = {
  {"steps", (PyCFunction)(void (*)(void))steps, METH_FASTCALL, "Take the functions of array_pass.py."},
  {"walk", (PyCFunction)(void (*)(void))walk, METH_FASTCALL, "Walk the graph backwards from an output, or None."},
  {NULL, NULL, 0, NULL},
};
