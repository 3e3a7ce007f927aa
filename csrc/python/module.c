/* module.c - the module `_needle_accelerator`: steps of the library's Python, in C, for speed alone.
 *
 * It is compiled into the file of the cffi module `_needle_cpu`, and needs Python.h as that does. Everything here has a
 * definition in Python, which is what is read, and what runs where this is missing:
 *   launch.c   needle_edu/ndarray/base.py
 *   graph.c    needle_edu/autograd/op.py, topo.py
 *   walk.c     needle_edu/autograd/array_pass.py
 *   program.c  needle_edu/graph/compiled/executable.py
 *   calls.c    needle_edu/autograd/noted.py
 *   steps.c    needle_edu/optim/together.py
 */
#include "accelerator.h"

static struct PyModuleDef definition = {
  PyModuleDef_HEAD_INIT,
  .m_name = "_needle_accelerator",
  .m_doc = "Steps of needle_edu in C; see csrc/python.",
  .m_size = -1,
};

PyMODINIT_FUNC PyInit__needle_accelerator(void) {
  PyObject *module = PyModule_Create(&definition);
  if (!module) return NULL;
  if (PyModule_AddFunctions(module, nd_launch_methods) || PyModule_AddFunctions(module, nd_graph_methods) ||
      PyModule_AddFunctions(module, nd_walk_methods) || PyModule_AddFunctions(module, nd_program_methods) ||
      PyModule_AddFunctions(module, nd_calls_methods) || PyModule_AddFunctions(module, nd_steps_methods) ||
      PyModule_AddType(module, &nd_allocator_type) || PyModule_AddType(module, &nd_program_type)) {
    Py_DECREF(module);
    return NULL;
  }
  return module;
}
