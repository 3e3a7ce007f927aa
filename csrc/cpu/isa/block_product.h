/* block_product.h - one block of a matrix product, which fits the caches: c[m][n] = a[m][k] b[k][n], or c += ....
 *
 * gemm_block.h cuts a product into such blocks; a thread that has one left opens it to others (gemm_help.h). Elements are
 * floats, doubles or integers, as the function that takes the block knows; all distances count elements.
 */
#ifndef BLOCK_PRODUCT_H
#define BLOCK_PRODUCT_H
#include <stdint.h>

typedef struct block_product {
  int64_t m, n, k;
  const void *a, *b;
  void *c;
  int64_t a_row, a_col, b_row, b_col, c_row, c_col;
  int a_packed;       /* a is packed: the group of rows from i on starts at a + i*k; else row i at a + i*a_row */
  int b_packed;       /* b is packed: the panel of columns from j on starts at b + j*k; else at b + j*b_col */
  void *to_b;         /* where each panel of b shall be packed when it is first read; NULL: not at all, and b_col is 1 */
  int keep_b;         /* all panels are kept there, the one of column j at to_b + j*k; else only the present one */
  const void *b_last; /* of a b that is read where it lies: its ragged last panel, packed */
  int accumulate;     /* c += instead */
} block_product;
#endif
