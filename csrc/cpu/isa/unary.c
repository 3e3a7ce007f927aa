/* unary.c - out = f(a), the cheap ones. The transcendental functions are in transcendental.c. */
#include <math.h>
#include "rows.h"

/* C has one function for each float type: fabsf, fabs. */
#define FLOAT_CALL(name, function32, function64) UNARY_ROW(name, f32, function32(a)) UNARY_ROW(name, f64, function64(a))

FLOATS(UNARY_ROW, negative, -a)
INTEGERS(UNARY_ROW, negative, (T)(0 - (U)a))

FLOAT_CALL(abs, fabsf, fabs)
INTEGERS(UNARY_ROW, abs, a < 0 ? (T)(0 - (U)a) : a)

FLOATS(UNARY_ROW, sign, a > 0 ? (T)1 : a < 0 ? (T)-1 : a == 0 ? (T)0 : a)
INTEGERS(UNARY_ROW, sign, (a > 0) - (a < 0))

NUMBERS(UNARY_ROW, square, (T)((U)a * (U)a))
FLOAT_CALL(sqrt, sqrtf, sqrt)
FLOATS(UNARY_ROW, reciprocal, (T)1 / a)

/* max(a, 0): nan fails the comparison and stays nan. */
NUMBERS(UNARY_ROW, relu, a <= 0 ? (T)0 : a)

FLOAT_CALL(floor, floorf, floor)
INTEGERS(UNARY_ROW, floor, a)
FLOAT_CALL(ceil, ceilf, ceil)
INTEGERS(UNARY_ROW, ceil, a)
FLOAT_CALL(trunc, truncf, trunc)
INTEGERS(UNARY_ROW, trunc, a)
FLOAT_CALL(round, rintf, rint)
INTEGERS(UNARY_ROW, round, a)

ALL(TEST_ROW, logical_not, a == 0)

ROW_TABLE(unary)
