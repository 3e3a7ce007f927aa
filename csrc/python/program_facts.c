/* program_facts.c - the type of a program: the facts that quick_call.py found, where program.c reads them quickly. */
#include "program.h"

/* Room for one entry for each element of a tuple. */
static void *room(PyObject *tuple, size_t size, Py_ssize_t *count) {
  *count = PyTuple_GET_SIZE(tuple);
  void *place = PyMem_Calloc(*count ? *count : 1, size);
  return place ? place : PyErr_NoMemory();
}

static int take_facts(Program *p) {
  Py_ssize_t function, arena, table;
  PyObject *sources, *made_anew, *results, *updates;
  if (!PyArg_ParseTuple(p->facts, "nnnO!O!O!O!O!O!O!OOOO!OOOp", &function, &arena, &table, &PyTuple_Type, &p->inputs,
                        &PyTuple_Type, &sources, &PyTuple_Type, &made_anew, &PyTuple_Type, &results, &PyTuple_Type,
                        &updates, &PyTuple_Type, &p->outputs, &PyTuple_Type, &p->forgotten, &p->unflatten,
                        &p->lock_acquire, &p->lock_release, &PyDict_Type, &p->overridden, &p->has_overrides,
                        &p->reload, &p->failed, &p->releases))
    return -1;
  p->function = (compiled *)function, p->arena = (void *)arena, p->table = (const void **)table;
  p->sources = room(sources, sizeof *p->sources, &p->n_sources);
  p->made_anew = room(made_anew, sizeof *p->made_anew, &p->n_fresh);
  p->results = room(results, sizeof *p->results, &p->n_results);
  p->updates = room(updates, sizeof *p->updates, &p->n_updates);
  if (!p->sources || !p->made_anew || !p->results || !p->updates) return -1;
  for (Py_ssize_t k = 0; k < p->n_sources; k++) {
    source *s = &p->sources[k];
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(sources, k), "OOO", &s->tensor, &s->layout, &s->read)) return -1;
  }
  for (Py_ssize_t k = 0; k < p->n_fresh; k++) {
    fresh *f = &p->made_anew[k];
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(made_anew, k), "On", &f->layout, &f->donor)) return -1;
  }
  for (Py_ssize_t k = 0; k < p->n_results; k++) {
    result *r = &p->results[k];
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(results, k), "nO", &r->place, &r->layout)) return -1;
  }
  for (Py_ssize_t k = 0; k < p->n_updates; k++) {
    update *u = &p->updates[k];
    if (!PyArg_ParseTuple(PyTuple_GET_ITEM(updates, k), "iOOn", &u->what, &u->owner, &u->write, &u->result)) return -1;
  }
  return 0;
}

/* Program(facts) */
static PyObject *program_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
  PyObject *facts;
  (void)keywords;
  if (!PyArg_ParseTuple(args, "O!", &PyTuple_Type, &facts)) return NULL;
  Program *p = (Program *)type->tp_alloc(type, 0);
  if (!p) return NULL;
  p->facts = Py_NewRef(facts);
  if (take_facts(p)) Py_CLEAR(p);
  return (PyObject *)p;
}

static int program_traverse(PyObject *self, visitproc visit, void *arg) {
  Py_VISIT(((Program *)self)->facts);
  return 0;
}

static int program_clear(PyObject *self) {
  Py_CLEAR(((Program *)self)->facts);
  return 0;
}

static void program_dealloc(PyObject *self) {
  Program *p = (Program *)self;
  PyObject_GC_UnTrack(self);
  PyMem_Free(p->sources);
  PyMem_Free(p->made_anew);
  PyMem_Free(p->results);
  PyMem_Free(p->updates);
  Py_XDECREF(p->facts);
  Py_TYPE(self)->tp_free(self);
}

PyTypeObject nd_program_type = {
  PyVarObject_HEAD_INIT(NULL, 0).tp_name = "_needle_accelerator.Program",
  .tp_doc = "What a call of a compiled program needs.",
  .tp_basicsize = sizeof(Program),
  .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
  .tp_new = program_new,
  .tp_traverse = program_traverse,
  .tp_clear = program_clear,
  .tp_dealloc = program_dealloc,
};
