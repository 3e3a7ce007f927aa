"""What Python knows of the C library: the declarations, read from the headers that C itself includes.

There is no second list of functions to keep equal. cffi wants plain C without preprocessor lines, comments
and export macros, which is what `for_cffi` makes of a header; `kernel_names` picks out the functions that
compute.
"""

import re
from pathlib import Path

_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", re.MULTILINE)
_KERNEL = re.compile(r"^ND_API int nd_(\w+)\((?:const nd_plan \*|int dtype,)", re.MULTILINE)


_POINTWISE = re.compile(
    r"^ND_API int nd_(\w+_dense)\(int dtype, int64_t n, void \*out(?:, const void \*\w+){0,2}(?:, double \w+)?\);",
    re.MULTILINE,
)


_PARAMETERS = re.compile(r"^ND_API int nd_(\w+)\(([^;]*)\);", re.MULTILINE)


def headers(csrc: Path) -> list[Path]:
    """Return the headers that Python reads: the kernels, and the ladder of matrix products."""
    names = ("needle_kernels.h", "needle_ladder.h")
    return [path for name in names if (path := csrc / "include" / name).is_file()]


def for_cffi(header: str) -> str:
    """Return the declarations of a header in the form cffi takes.

    Examples
    --------
    >>> for_cffi('#include <x.h>\\nND_API int nd_f(int n);  /* doc */').strip()
    'int nd_f(int n);'
    """
    return _PREPROCESSOR.sub("", _COMMENT.sub("", header)).replace("ND_API ", "")


def kernel_names(header: str) -> list[str]:
    """Return the names, without ``nd_``, of the functions that compute: they take a plan or an element type
    first.

    Examples
    --------
    >>> kernel_names("ND_API int nd_abs_dense(int dtype, int64_t n);\\nND_API int nd_get_num_threads(void);")
    ['abs_dense']
    """
    return _KERNEL.findall(header)


def pointwise_names(header: str) -> list[str]:
    """Return the kernels that take nothing but a count of elements, arrays of so many, and at most a number.

    Element i of their result depends on elements i alone, so they may be called for a part of the arrays.

    Examples
    --------
    >>> pointwise_names("ND_API int nd_abs_dense(int dtype, int64_t n, void *out, const void *a);")
    ['abs_dense']
    """
    return _POINTWISE.findall(header)


def written_places(header: str) -> dict[str, tuple[int, ...]]:
    """Return for each kernel the places of the parameters that it writes to: pointers to what is not ``const``.

    Examples
    --------
    >>> written_places("ND_API int nd_abs_dense(int dtype, int64_t n, void *out, const void *a);")
    {'abs_dense': (2,)}
    """
    return {
        name: tuple([k for k, one in enumerate(text.split(",")) if "*" in one and "const" not in one])
        for name, text in _PARAMETERS.findall(header)
    }
