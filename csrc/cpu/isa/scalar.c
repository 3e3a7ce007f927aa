/* scalar.c - out = f(a, s): an array with one number, which needs no array of its own. */
#include "rows.h"

NUMBERS(SCALAR_ROW, add_scalar, (T)((U)a + (U)s))
NUMBERS(SCALAR_ROW, multiply_scalar, (T)((U)a * (U)s))
NUMBERS(SCALAR_ROW, rsubtract_scalar, (T)((U)s - (U)a))
FLOATS(SCALAR_ROW, divide_scalar, a / s)
FLOATS(SCALAR_ROW, rdivide_scalar, s / a)

/* As in binary.c: a nan on either side comes out. */
FLOATS(SCALAR_ROW, maximum_scalar, ((a > s) | (a != a)) ? a : s)
FLOATS(SCALAR_ROW, minimum_scalar, ((a < s) | (a != a)) ? a : s)
INTEGERS(SCALAR_ROW, maximum_scalar, a > s ? a : s)
INTEGERS(SCALAR_ROW, minimum_scalar, a < s ? a : s)

ROW_TABLE(scalar)
