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
static PyObject *next_serial;

/* keep_calls(most, next_serial): once. */
static PyObject *keep_calls(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 2) return PyErr_Format(PyExc_TypeError, "keep_calls: takes 2 arguments");
  if (notes) Py_RETURN_NONE;
  const Py_ssize_t room = PyLong_AsSsize_t(args[0]);
  if (room < 1) return PyErr_Occurred() ? NULL : PyErr_Format(PyExc_ValueError, "keep_calls: wanted room for a note");
  notes = PyMem_Calloc((size_t)room, sizeof *notes);
  if (!notes) return PyErr_NoMemory();
  most = room;
  nd_keep(&next_serial, args[1]);
  Py_RETURN_NONE;
}

/* note_call(begin, module) */
static PyObject *note_call(PyObject *self, PyObject *const *args, Py_ssize_t n) {
  (void)self;
  if (n != 2 || !notes) return PyErr_Format(PyExc_TypeError, "note_call: takes 2 arguments, after keep_calls");
  PyObject *end = PyObject_CallNoArgs(next_serial), *reference = end ? PyWeakref_NewRef(args[1], NULL) : NULL;
  const long long first = reference ? PyLong_AsLongLong(args[0]) : 0, last = reference ? PyLong_AsLongLong(end) : 0;
  Py_XDECREF(end);
  if (PyErr_Occurred()) {
    Py_XDECREF(reference);
    return NULL;
  }
  Note *note = &notes[written++ % most], old = *note;
  *note = (Note){first, last, PyThread_get_thread_ident(), reference, Py_NewRef(Py_TYPE(args[1]))};
  Py_XDECREF(old.reference); /* after the ring is whole again: what is let go may run code */
  Py_XDECREF(old.type);
  Py_RETURN_NONE;
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
  {"note_call", (PyCFunction)(void (*)(void))note_call, METH_FASTCALL, "Note the call of a module that has ended."},
  {"noted_calls", noted_calls, METH_NOARGS, "The notes, the oldest first."},
  {"forget_calls", forget_calls, METH_NOARGS, "Throw all notes away."},
  {NULL, NULL, 0, NULL},
};
