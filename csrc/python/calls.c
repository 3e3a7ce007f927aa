/* calls.c - notes of the calls of modules: needle_edu/autograd/noted.py. They lie in a ring of a fixed size, the oldest is
 * written over. In Python a note is a tuple of five objects, and a thousand of them pass through the cache. */
#include "accelerator.h"

typedef struct {
  long long begin, end;
  unsigned long thread;
  PyObject *reference, *type;
} Note;

static Note *notes;
static Py_ssize_t most, written; /* notes there is room for; notes since the beginning */
static PyObject *serials;

/* keep_calls(most, next_serial): once. */
static PyObject *keep_calls(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 2) return PyErr_Format(PyExc_TypeError, "keep_calls: takes 2 arguments");
  if (notes) Py_RETURN_NONE;
  if (nd_keep_counter(&serials, args[1])) return NULL;
  const Py_ssize_t room = PyLong_AsSsize_t(args[0]);
  if (room < 1) return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "keep_calls: wanted room for a note");
  notes = PyMem_Calloc((size_t)room, sizeof *notes);
  if (!notes) return PyErr_NoMemory();
  most = room;
  Py_RETURN_NONE;
}

/* `note_call(begin, module)` of noted.py; -1 is an exception. */
static int note_call(PyObject *begin, PyObject *module) {
  PyObject *end = nd_count(serials), *reference = end ? PyWeakref_NewRef(module, NULL) : NULL;
  const long long first = reference ? PyLong_AsLongLong(begin) : 0, last = reference ? PyLong_AsLongLong(end) : 0;
  Py_XDECREF(end);
  if (PyErr_Occurred()) {
    Py_XDECREF(reference);
    return -1;
  }
  Note *note = &notes[written++ % most], old = *note;
  *note = (Note){first, last, PyThread_get_thread_ident(), reference, Py_NewRef(Py_TYPE(module))};
  Py_XDECREF(old.reference); /* after the ring is whole again: what is let go may run code */
  Py_XDECREF(old.type);
  return 0;
}

/* noted_call(module, function, args, kwargs) */
static PyObject *noted_call(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 4 || !notes || !PyTuple_Check(args[2]) || !PyDict_Check(args[3]))
    return PyErr_Format(PyExc_TypeError, "noted_call: takes a module, a function and its arguments, after keep_calls");
  PyObject *begin = nd_count(serials), *result = begin ? PyObject_Call(args[1], args[2], args[3]) : NULL;
  if (result && note_call(begin, args[0])) Py_CLEAR(result);
  Py_XDECREF(begin);
  return result;
}

/* noted_calls(): tuples, the oldest first. */
static PyObject *noted_calls(PyObject *self, PyObject *unused) {
  (void)self, (void)unused;
  PyObject *list = PyList_New(0);
  for (Py_ssize_t k = written > most ? written - most : 0; list && k < written; k++) {
    const Note *note = &notes[k % most];
    PyObject *one = Py_BuildValue("LLOOk", note->begin, note->end, note->reference, note->type, note->thread);
    if (!one || PyList_Append(list, one)) Py_CLEAR(list);
    Py_XDECREF(one);
  }
  return list;
}

/* forget_calls() */
static PyObject *forget_calls(PyObject *self, PyObject *unused) {
  (void)self, (void)unused;
  written = 0;
  for (Py_ssize_t k = 0; k < most; k++) {
    Py_CLEAR(notes[k].reference);
    Py_CLEAR(notes[k].type);
  }
  Py_RETURN_NONE;
}

PyMethodDef nd_calls_methods[] = {
  {"keep_calls", (PyCFunction)(void (*)(void))keep_calls, METH_FASTCALL, "Make room for notes."},
  {"noted_call", (PyCFunction)(void (*)(void))noted_call, METH_FASTCALL, "Call a function, and note it as a module's."},
  {"noted_calls", noted_calls, METH_NOARGS, "The notes, the oldest first."},
  {"forget_calls", forget_calls, METH_NOARGS, "Throw all notes away."},
  {NULL, NULL, 0, NULL},
};
