/* compare.c - comparisons, of two arrays and of an array with a scalar: the result is a bool. */
#include "rows.h"

ALL(COMPARE_ROW, equal, a == b)
ALL(COMPARE_ROW, not_equal, a != b)
ALL(COMPARE_ROW, less, a < b)
ALL(COMPARE_ROW, less_equal, a <= b)
ALL(COMPARE_ROW, greater, a > b)
ALL(COMPARE_ROW, greater_equal, a >= b)

ALL(TEST_ROW, equal_scalar, a == s)
ALL(TEST_ROW, not_equal_scalar, a != s)
ALL(TEST_ROW, less_scalar, a < s)
ALL(TEST_ROW, less_equal_scalar, a <= s)
ALL(TEST_ROW, greater_scalar, a > s)
ALL(TEST_ROW, greater_equal_scalar, a >= s)

ROW_TABLE(compare)
