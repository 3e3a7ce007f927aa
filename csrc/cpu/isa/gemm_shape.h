/* gemm_shape.h - the numbers of the matrix product that depend on the processor, chosen by what the compiler was
 * told to target. docs/kernels.md says how they were measured.
 *
 *   registers     16 (x86) or 32 (AVX-512, arm64) hold the tile, one row of b and one broadcast of a
 *   tile          6 x 2 = 12 of 16;  14 x 1 of 32 (wide vectors waste less on narrow matrices);  6 x 4 = 24 of 32
 *   BLOCK_K       a panel of b (BLOCK_K x 64 bytes) is 32 KB, a whole L1 cache: more of it comes from L2 than with 400,
 *                 but out is read and written less often, and two threads share the way to it
 *   BLOCK_M       a block of a (BLOCK_M x BLOCK_K floats) takes two thirds of a 512 KB L2 cache
 */
#ifndef GEMM_SHAPE_H
#define GEMM_SHAPE_H

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define TILE_ROWS 14
#define TILE_VECTORS 1
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#define TILE_ROWS 6
#define TILE_VECTORS 2
#elif defined(__aarch64__)
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#define TILE_VECTORS 4
#else
#define VECTOR_BYTES 16
#define TILE_ROWS 6
#define TILE_VECTORS 2
#endif

#define BLOCK_K 512
#define BLOCK_M 168
#define BLOCK_N 4096
#define SHARED_ROWS (4 * TILE_ROWS)   /* the least part of a last block that a thread takes from it */
#define DIRECT_B_ROWS (4 * TILE_ROWS) /* up to so many rows of a, a row-major b is read where it lies */
#define DIRECT_A_PANELS 24            /* up to so many panels of b, a row-major a is read where it lies; */
#define DIRECT_TRANSPOSED_A 4         /* a transposed one, cheaper to pack, only up to so many */
#define AHEAD 64                      /* elements of a row, and rows, that packing asks the memory for in advance */
#define ROWS_AHEAD 24
#define THREAD_PRODUCTS 800000        /* multiply-adds per thread, some 10 us: waking one pays from a tenth of that on an
                                         idle machine, but costs milliseconds where another program holds the core */

/* EACH_TILE(F) is F(rows, vectors) for every size of tile that is compiled. */
#define ROWS_TO_6(F, N) F(1, N) F(2, N) F(3, N) F(4, N) F(5, N) F(6, N)
#define ROWS_TO_14(F, N) \
  ROWS_TO_6(F, N) F(7, N) F(8, N) F(9, N) F(10, N) F(11, N) F(12, N) F(13, N) F(14, N)
#if TILE_ROWS == 14
#define EACH_TILE(F) ROWS_TO_14(F, 1)
#elif TILE_VECTORS == 2
#define EACH_TILE(F) ROWS_TO_6(F, 1) ROWS_TO_6(F, 2)
#else
#define EACH_TILE(F) ROWS_TO_6(F, 1) ROWS_TO_6(F, 2) ROWS_TO_6(F, 3) ROWS_TO_6(F, 4)
#endif
#endif
