"""The process of a whole CUDA program: loads its library, and calls its `main`.

It is run by its path and imports nothing of needle_edu, so that it is there at once:

    python -I program_process.py LIBRARY REPORT ORDER SEED ARGV0 [ARGUMENT ...]

LIBRARY and REPORT are the program's and the file for what is found; ORDER is the number of an order of threads.
"""

import ctypes
import os
import signal
import sys


def run(library: str, report: str, order: str, seed: str, *argv: str) -> None:
    """Call the program's `main`; does not return."""
    program = ctypes.CDLL(library)
    program.cudasim_set_order(ctypes.c_int(int(order)), ctypes.c_uint64(int(seed)))
    for one in (signal.SIGINT, signal.SIGPIPE):  # Python's handlers would wait for main() to return
        signal.signal(one, signal.SIG_DFL)
    words = (ctypes.c_char_p * (len(argv) + 1))(*map(os.fsencode, argv), None)
    main = ctypes.cast(program.main, ctypes.c_void_p)
    program.cudasim_run_program(main, ctypes.c_int(len(argv)), words, os.fsencode(report))


if __name__ == "__main__":
    run(*sys.argv[1:])
