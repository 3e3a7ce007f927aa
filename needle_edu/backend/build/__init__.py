"""From C sources to a library that is loaded: compiling, the cache, and how the CPU library is made.

`builder` compiles anything, also students' kernels; `cpu_library` says how ours is made of csrc/; `cache` keeps
what was made under the hash of what it was made from, and `index` remembers what was loaded last time. Only the
standard library (and cffi, where declarations are read) is used here: `pip install` runs it before NumPy is there.
"""
