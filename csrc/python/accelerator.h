/* accelerator.h - what the files of the accelerator share: looking into Python objects that have `__slots__`.
 *
 * A slot lies at a fixed distance from the beginning of its object. Python asks for it by name, in a dictionary of the
 * class; here the distance is asked for once.
 */
#ifndef ND_ACCELERATOR_H
#define ND_ACCELERATOR_H
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <structmember.h>

#define SLOT(object, offset) (*(PyObject **)((char *)(object) + (offset)))

/* Find the distance of the slot `name`; returns -1, with an exception, if the class has no such slot. */
static inline int nd_find_slot(PyObject *type, const char *name, Py_ssize_t *offset) {
  PyObject *member = PyObject_GetAttrString(type, name);
  if (!member) return -1;
  const int found = Py_IS_TYPE(member, &PyMemberDescr_Type);
  if (found) *offset = ((PyMemberDescrObject *)member)->d_member->offset;
  Py_DECREF(member);
  if (!found) PyErr_Format(PyExc_TypeError, "accelerator: %R has no slot %s", type, name);
  return found ? 0 : -1;
}

/* object.slot = value, of a new object, whose slots are empty. */
static inline void nd_fill_slot(PyObject *object, Py_ssize_t offset, PyObject *value) {
  Py_INCREF(value);
  SLOT(object, offset) = value;
}

/* Keep what Python hands over at the start, in place of what was there. */
static inline void nd_keep(PyObject **place, PyObject *value) {
  Py_XINCREF(value);
  Py_XSETREF(*place, value);
}

/* Keep the counter whose method `__next__` Python hands over. Called as a method it makes an empty tuple each time. */
static inline int nd_keep_counter(PyObject **place, PyObject *next) {
  PyObject *counter = PyObject_GetAttrString(next, "__self__");
  if (!counter || !PyIter_Check(counter)) {
    Py_XDECREF(counter);
    PyErr_SetString(PyExc_TypeError, "accelerator: wanted the method __next__ of a counter");
    return -1;
  }
  Py_XSETREF(*place, counter);
  return 0;
}

/* The next number. */
static inline PyObject *nd_count(PyObject *counter) {
  return Py_TYPE(counter)->tp_iternext(counter);
}

extern PyMethodDef nd_launch_methods[], nd_graph_methods[], nd_walk_methods[], nd_program_methods[],
    nd_calls_methods[], nd_steps_methods[];

/* launch.c: arrays and their memory */
extern PyTypeObject nd_allocator_type, nd_program_type;
extern PyTypeObject *nd_array_type;
extern Py_ssize_t nd_array_layout, nd_array_storage, nd_storage_ptr, nd_layout_dense, nd_layout_dense_float;
extern Py_ssize_t nd_layout_code, nd_layout_size, nd_layout_kernels;
int nd_add_into(PyObject *total, PyObject *a);
PyObject *nd_new_array(PyObject *layout, PyObject *storage); /* without a storage: in memory of its own */
int nd_overwritten(PyObject *array);                         /* raise the version of its storage */
int nd_held_once(PyObject *array);                           /* by the tensor alone; -1: exception */
PyObject *nd_kernel_failed(PyObject *name, PyObject *err, PyObject *a, PyObject *b); /* raises */
void *nd_address(PyObject *ptr); /* what cffi's data points at; NULL, perhaps with an exception */
/* What a kernel takes, borrowed. */
static inline PyObject *nd_ptr_of(PyObject *array) {
  return SLOT(SLOT(array, nd_array_storage), nd_storage_ptr);
}

static inline void *nd_address_of(PyObject *array) { return nd_address(nd_ptr_of(array)); }

/* graph.c: nodes of the graph. `data_type` is the class of arrays, in np mode NumPy's. */
typedef struct {
  PyTypeObject *type, *data_type;
  Py_ssize_t op, inputs, data, requires_grad, grad, version, serial, extra;
} nd_node_slots;
extern nd_node_slots nd_node;
extern PyTypeObject *nd_tensor_type;
/* `bool(x.requires_grad)`; -1 is an exception. */
static inline int nd_requires_grad(PyObject *x) {
  PyObject *wish = SLOT(x, nd_node.requires_grad);
  return wish == Py_True ? 1 : wish == Py_False || !wish ? 0 : PyObject_IsTrue(wish);
}

PyObject *nd_latest_version(void); /* borrowed */
PyObject *nd_new_version(void);
int nd_is_watched(void); /* a hook, a tracer or lazy mode asks for the careful path */
PyObject *nd_make_leaf(PyTypeObject *cls, PyObject *data); /* without a gradient */
PyObject *nd_post_order(PyObject *unused, PyObject *output);
#endif
