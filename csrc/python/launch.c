/* launch.c - from an operator to its kernel: the fast paths of needle_edu/ndarray/base.py, line by line, in C.
 *
 * Python takes some 30 ns for every name that it looks up and every slot that it reads or writes, and a kernel on small
 * arrays takes less than that. Whatever is not the usual case is left to base.py: None is returned before anything was
 * done. A kernel is looked up in the layout's table at each call, as there, so an override takes effect at once.
 */
#include "accelerator.h"

PyTypeObject *nd_array_type;
Py_ssize_t nd_array_layout, nd_array_storage, nd_storage_ptr, nd_layout_dense;
Py_ssize_t nd_layout_code, nd_layout_size, nd_layout_kernels, nd_layout_dense_float;
static PyTypeObject *layout_type, *storage_type;
static Py_ssize_t layout_allocate, layout_compact;
static Py_ssize_t storage_nbytes, storage_version;
static char *(*to_pointer)(PyObject *, PyObject *);
static PyObject *void_pointer, *adopted;
static PyObject *kernel_failed, *zero, *fill, *fill_dense, *add, *add_dense;

/* arrays(NDArray, Layout, Storage, kernel_failed): the classes whose slots are read and written below. */
static PyObject *arrays(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 4 || !PyType_Check(args[0]) || !PyType_Check(args[1]) || !PyType_Check(args[2])) {
    PyErr_SetString(PyExc_TypeError, "arrays: wanted three classes and a function");
    return NULL;
  }
  if (nd_find_slot(args[0], "layout", &nd_array_layout) || nd_find_slot(args[0], "storage", &nd_array_storage) ||
      nd_find_slot(args[1], "code", &nd_layout_code) || nd_find_slot(args[1], "size", &nd_layout_size) ||
      nd_find_slot(args[1], "kernels", &nd_layout_kernels) || nd_find_slot(args[1], "allocate", &layout_allocate) ||
      nd_find_slot(args[1], "compact", &layout_compact) || nd_find_slot(args[1], "dense", &nd_layout_dense) ||
      nd_find_slot(args[1], "dense_float", &nd_layout_dense_float) || nd_find_slot(args[2], "ptr", &nd_storage_ptr) ||
      nd_find_slot(args[2], "nbytes", &storage_nbytes) || nd_find_slot(args[2], "version", &storage_version))
    return NULL;
  nd_keep((PyObject **)&nd_array_type, args[0]);
  nd_keep((PyObject **)&layout_type, args[1]);
  nd_keep((PyObject **)&storage_type, args[2]);
  nd_keep(&kernel_failed, args[3]);
  if (!zero) {
    zero = PyLong_FromLong(0);
    fill = PyUnicode_InternFromString("fill");
    fill_dense = PyUnicode_InternFromString("fill_dense");
    add = PyUnicode_InternFromString("add");
    add_dense = PyUnicode_InternFromString("add_dense");
  }
  if (PyErr_Occurred()) return NULL;
  Py_RETURN_NONE;
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

enum { TO_POINTER = 11 }; /* place of `_cffi_to_c_pointer` among what cffi exports */

/* memory(capsule, void_pointer, adopted): cffi's functions for C, its type `void *`, and the storages that NumPy looks
 * into; None instead of these where references are not counted. */
static PyObject *memory(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 3 || !PyCapsule_CheckExact(args[0]))
    return PyErr_Format(PyExc_TypeError, "memory: wanted a capsule, a type and a dictionary");
  void **exports = PyCapsule_GetPointer(args[0], "cffi");
  if (!exports) return NULL;
  to_pointer = (char *(*)(PyObject *, PyObject *))exports[TO_POINTER];
  nd_keep(&void_pointer, args[1]);
  nd_keep(&adopted, args[2]);
  Py_RETURN_NONE;
}

void *nd_address(PyObject *ptr) { return to_pointer(ptr, void_pointer); }

/* `held_once` of needle_edu/ndarray/ownership.py; -1: exception. */
int nd_held_once(PyObject *array) {
  PyObject *storage = SLOT(array, nd_array_storage);
  if (adopted == Py_None || Py_REFCNT(array) != 1 || Py_REFCNT(storage) != 1) return 0;
  if (!PyDict_GET_SIZE(adopted)) return 1;
  PyObject *number = PyLong_FromVoidPtr(storage);
  const int found = number ? PyDict_Contains(adopted, number) : -1;
  Py_XDECREF(number);
  return found < 0 ? -1 : !found;
}

/* Allocator(new_owned, ctype, nbytes): `allocate_small` of needle_edu/backend/cpu_runtime.py. */
typedef struct {
  PyObject_HEAD
  vectorcallfunc call;
  PyObject *new_owned, *ctype, *nbytes;
} Allocator;

static PyObject *allocate_small(PyObject *self, PyObject *const *args, size_t n, PyObject *keywords) {
  Allocator *a = (Allocator *)self;
  (void)args;
  if (PyVectorcall_NARGS(n) || keywords) return PyErr_Format(PyExc_TypeError, "allocate: takes no arguments");
  PyObject *ptr = PyObject_Vectorcall(a->new_owned, &a->ctype, 1, NULL);
  if (!ptr) return NULL;
  PyObject *storage = storage_type->tp_alloc(storage_type, 0);
  if (!storage) {
    Py_DECREF(ptr);
    return NULL;
  }
  nd_fill_slot(storage, storage_version, zero);
  nd_fill_slot(storage, storage_nbytes, a->nbytes);
  SLOT(storage, nd_storage_ptr) = ptr;
  return storage;
}

static PyObject *allocator_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  PyObject *new_owned, *ctype, *nbytes;
  if (keywords && PyDict_GET_SIZE(keywords)) return PyErr_Format(PyExc_TypeError, "Allocator: takes no keywords");
  if (!PyArg_ParseTuple(args, "OOO", &new_owned, &ctype, &nbytes)) return NULL;
  Allocator *a = (Allocator *)type->tp_alloc(type, 0);
  if (!a) return NULL;
  a->call = allocate_small;
  a->new_owned = Py_NewRef(new_owned);
  a->ctype = Py_NewRef(ctype);
  a->nbytes = Py_NewRef(nbytes);
  return (PyObject *)a;
}

static void allocator_dealloc(PyObject *self) {
  Allocator *a = (Allocator *)self;
  Py_DECREF(a->new_owned);
  Py_DECREF(a->ctype);
  Py_DECREF(a->nbytes);
  Py_TYPE(self)->tp_free(self);
}

PyTypeObject nd_allocator_type = {
  PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_needle_accelerator.Allocator",
  .tp_doc = "Makes storages of one size.",
  .tp_basicsize = sizeof(Allocator),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL,
  .tp_vectorcall_offset = offsetof(Allocator, call),
  .tp_call = PyVectorcall_Call,
  .tp_new = allocator_new,
  .tp_dealloc = allocator_dealloc,
};

/* ---- launches ------------------------------------------------------------------------------------------------ */

/* Raise the error that a kernel's return code stands for. */
PyObject *nd_kernel_failed(PyObject *name, PyObject *err, PyObject *a, PyObject *b) {
  PyObject *args[] = {name, err, a, b};
  PyObject *nothing = PyObject_Vectorcall(kernel_failed, args, b ? 4 : 3, NULL);
  Py_XDECREF(nothing);
  if (!PyErr_Occurred()) PyErr_SetString(PyExc_SystemError, "accelerator: a kernel failed and nothing was raised");
  return NULL;
}

PyObject *nd_new_array(PyObject *layout, PyObject *storage) {
  storage = storage ? Py_NewRef(storage) : PyObject_CallNoArgs(SLOT(layout, layout_allocate));
  PyObject *array = storage ? nd_array_type->tp_alloc(nd_array_type, 0) : NULL;
  if (array) {
    nd_fill_slot(array, nd_array_layout, layout);
    nd_fill_slot(array, nd_array_storage, storage);
  }
  Py_XDECREF(storage);
  return array;
}

int nd_overwritten(PyObject *array) {
  PyObject *version = nd_new_version();
  if (version) Py_XSETREF(SLOT(SLOT(array, nd_array_storage), storage_version), version);
  return version ? 0 : -1;
}

/* `run` of base.py. args[out] is the place of the result's memory; `name`, a and b are what an error tells of. */
static PyObject *run(PyObject *layout, PyObject *kernel_name, PyObject **args, int n, int out_place, PyObject *name,
                     PyObject *a, PyObject *b) {
  PyObject *kernel = PyDict_GetItemWithError(SLOT(layout, nd_layout_kernels), kernel_name);
  PyObject *allocate = SLOT(layout, layout_allocate);
  if (!kernel || !allocate) return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
  PyObject *result = NULL, *err = NULL;
  Py_INCREF(kernel); /* while the kernel runs, another thread may */
  Py_INCREF(layout); /* give the array another layout */
  PyObject *storage = PyObject_CallNoArgs(allocate);
  if (!storage) goto done;
  args[out_place] = SLOT(storage, nd_storage_ptr);
  err = PyObject_Vectorcall(kernel, args, n, NULL);
  if (!err) goto done;
  const int is_error = PyObject_IsTrue(err);
  if (is_error < 0) goto done;
  if (is_error) {
    nd_kernel_failed(name, err, a, b);
    goto done;
  }
  result = nd_array_type->tp_alloc(nd_array_type, 0);
  if (!result) goto done;
  nd_fill_slot(result, nd_array_layout, layout);
  nd_fill_slot(result, nd_array_storage, storage);
done:
  Py_DECREF(kernel);
  Py_DECREF(layout);
  Py_XDECREF(storage);
  Py_XDECREF(err);
  return result;
}

static inline int is_array(PyObject *a) {
  return Py_IS_TYPE(a, nd_array_type) && SLOT(a, nd_array_layout) && SLOT(a, nd_array_storage);
}

/* unary(a, name, dense): `op` of `unary` in base.py, or None. */
static PyObject *unary(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 3) return PyErr_Format(PyExc_TypeError, "unary: takes 3 arguments");
  PyObject *a = args[0];
  if (!nd_array_type || !is_array(a)) Py_RETURN_NONE;
  PyObject *layout = SLOT(a, nd_array_layout);
  if (SLOT(layout, nd_layout_dense_float) != Py_True) Py_RETURN_NONE;
  PyObject *to_kernel[] = {SLOT(layout, nd_layout_code), SLOT(layout, nd_layout_size), NULL, nd_ptr_of(a)};
  return run(layout, args[2], to_kernel, 4, 2, args[1], a, NULL);
}

/* binary(a, b, name, dense, plan_of): `op` of `binary` in base.py, or None; of `planned`, if `dense` is None. */
static PyObject *binary(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 5) return PyErr_Format(PyExc_TypeError, "binary: takes 5 arguments");
  PyObject *a = args[0], *b = args[1], *name = args[2], *dense = args[3], *plan_of = args[4];
  if (!nd_array_type || !is_array(a) || !is_array(b)) Py_RETURN_NONE;
  PyObject *layout = SLOT(a, nd_array_layout);
  if (dense != Py_None && layout == SLOT(b, nd_array_layout) && SLOT(layout, nd_layout_dense_float) == Py_True) {
    PyObject *to_kernel[] = {SLOT(layout, nd_layout_code), SLOT(layout, nd_layout_size), NULL, nd_ptr_of(a), nd_ptr_of(b)};
    return run(layout, dense, to_kernel, 5, 2, name, a, b);
  }
  PyObject *layouts[] = {layout, SLOT(b, nd_array_layout)};
  PyObject *planned = PyObject_Vectorcall(plan_of, layouts, 2, NULL); /* (layout of the result, plan) */
  if (!planned) return NULL;
  PyObject *result = NULL;
  if (!PyTuple_Check(planned) || PyTuple_GET_SIZE(planned) != 2 || PyTuple_GET_ITEM(planned, 1) == Py_None ||
      !Py_IS_TYPE(PyTuple_GET_ITEM(planned, 0), layout_type)) {
    result = Py_NewRef(Py_None);
  } else {
    PyObject *to_kernel[] = {PyTuple_GET_ITEM(planned, 1), NULL, nd_ptr_of(a), nd_ptr_of(b)};
    result = run(PyTuple_GET_ITEM(planned, 0), name, to_kernel, 4, 1, name, a, b);
  }
  Py_DECREF(planned);
  return result;
}

/* scalar(a, s, operation, dense): `op` of `scalar_form` in base.py, or None, also for a number that is too large. */
static PyObject *scalar(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 4) return PyErr_Format(PyExc_TypeError, "scalar: takes 4 arguments");
  PyObject *a = args[0];
  if (!nd_array_type || !is_array(a)) Py_RETURN_NONE;
  PyObject *layout = SLOT(a, nd_array_layout);
  if (SLOT(layout, nd_layout_dense_float) != Py_True) Py_RETURN_NONE;
  PyObject *to_kernel[] = {SLOT(layout, nd_layout_code), SLOT(layout, nd_layout_size), NULL, nd_ptr_of(a), args[1]};
  PyObject *result = run(layout, args[3], to_kernel, 5, 2, args[2], a, NULL);
  if (result || !PyErr_ExceptionMatches(PyExc_OverflowError)) return result;
  PyErr_Clear();
  Py_RETURN_NONE;
}

/* filled(a, value): an array of this number in the layout of `a`, as `full_like` of creation.py, or None. */
static PyObject *filled(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 2) return PyErr_Format(PyExc_TypeError, "filled: takes 2 arguments");
  PyObject *a = args[0];
  if (!nd_array_type || !is_array(a) || !PyFloat_CheckExact(args[1])) Py_RETURN_NONE;
  PyObject *layout = SLOT(a, nd_array_layout);
  if (SLOT(layout, layout_compact) != Py_True || SLOT(layout, nd_layout_dense_float) != Py_True) Py_RETURN_NONE;
  PyObject *to_kernel[] = {SLOT(layout, nd_layout_code), SLOT(layout, nd_layout_size), NULL, args[1]};
  return run(layout, fill_dense, to_kernel, 4, 2, fill, a, NULL);
}

/* `add_into` of fused.py: total += a in place, if both are floats of one dense layout; 1: done, -1: exception. */
int nd_add_into(PyObject *total, PyObject *a) {
  PyObject *layout = SLOT(total, nd_array_layout);
  if (layout != SLOT(a, nd_array_layout) || SLOT(layout, nd_layout_dense_float) != Py_True) return 0;
  PyObject *kernel = PyDict_GetItemWithError(SLOT(layout, nd_layout_kernels), add_dense);
  if (!kernel) return PyErr_Occurred() ? -1 : 0;
  PyObject *ptr = nd_ptr_of(total);
  PyObject *to_kernel[] = {SLOT(layout, nd_layout_code), SLOT(layout, nd_layout_size), ptr, ptr, nd_ptr_of(a)};
  Py_INCREF(kernel);
  PyObject *err = PyObject_Vectorcall(kernel, to_kernel, 5, NULL);
  Py_DECREF(kernel);
  const int is_error = err ? PyObject_IsTrue(err) : -1;
  if (is_error > 0) nd_kernel_failed(add, err, total, a);
  Py_XDECREF(err);
  return is_error ? -1 : 1;
}

/* run_unary(name, layout, plan, a): `run_unary` of base.py, or None. */
static PyObject *run_unary(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 4) return PyErr_Format(PyExc_TypeError, "run_unary: takes 4 arguments");
  PyObject *name = args[0], *layout = args[1], *a = args[3];
  if (!nd_array_type || !is_array(a) || !Py_IS_TYPE(layout, layout_type)) Py_RETURN_NONE;
  PyObject *to_kernel[] = {args[2], NULL, nd_ptr_of(a)};
  return run(layout, name, to_kernel, 3, 1, name, a, NULL);
}

PyMethodDef nd_launch_methods[] = {
  {"arrays", (PyCFunction)(void (*)(void))arrays, METH_FASTCALL, "Take the classes of arrays, layouts and storages."},
  {"memory", (PyCFunction)(void (*)(void))memory, METH_FASTCALL, "Take what reads an address out of cffi's data."},
  {"unary", (PyCFunction)(void (*)(void))unary, METH_FASTCALL, "The fast path of a function of one array, or None."},
  {"binary", (PyCFunction)(void (*)(void))binary, METH_FASTCALL, "The fast path of a function of two, or None."},
  {"scalar", (PyCFunction)(void (*)(void))scalar, METH_FASTCALL, "The fast path of an array and a number, or None."},
  {"filled", (PyCFunction)(void (*)(void))filled, METH_FASTCALL, "An array of one number like another, or None."},
  {"run_unary", (PyCFunction)(void (*)(void))run_unary, METH_FASTCALL, "A kernel with a plan, or None."},
  {NULL, NULL, 0, NULL},
};
