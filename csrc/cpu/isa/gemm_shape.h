/* gemm_shape.h - the numbers of the matrix product that depend on the processor. docs/kernels.md says how they were
 * measured.
 *
 * The tile follows the registers, so it is chosen by what the compiler was told to target: 16 of them (x86) or 32
 * (AVX-512, arm64) hold the tile, one row of b and one broadcast of a.
 *
 *     tile      registers           loads    multiply-adds for each step of k
 *     6 x 2     12 + 2 + 1 of 16      8      12
 *     9 x 3     27 + 3 + 1 of 32     12      27     14 x 1 would need 15 for 14: such a core, which can do two of each
 *     6 x 4     24 + 4 + 1 of 32     10      24     in a cycle, would be waiting for its loads. 14 x 2 needs 16 for 28
 *
 * The blocks follow the caches, so they are chosen when the library runs: blocks_that_fit() below.
 */
#ifndef GEMM_SHAPE_H
#define GEMM_SHAPE_H
#include "caches.h"

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define TILE_ROWS 9
#define TILE_VECTORS 3
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

#define BLOCK_N 4096                  /* columns of b that are packed at once, at most: 8 MB of float32 */
#define SHARED_ROWS (4 * TILE_ROWS)   /* the least part of a last block that a thread takes from it */
#define DIRECT_B_ROWS (4 * TILE_ROWS) /* up to so many rows of a, a row-major b is read where it lies */
#define DIRECT_A_PANELS (TILE_VECTORS == 3 ? 16 : 24) /* up to so many panels of b, a row-major a is read where it lies; */
#define DIRECT_CROWDED_A (TILE_VECTORS == 3 ? 5 : 24) /* one whose rows share a few sets of L1, up to so many; */
#define CROWDED 2048                  /* rows so many bytes apart, or a multiple of it, share one or two sets of 12 lines */
#define DIRECT_TRANSPOSED_A (TILE_VECTORS == 3 ? 3 : 4) /* a transposed one, cheaper to pack, only up to so many */
#define SHALLOW (4 * TILE_ROWS)       /* a tile that is less deep is done before what it asks the memory for arrives */
#define TILE_ASKS (TILE_VECTORS == 3) /* does the tile ask while k runs? With six rows that costs 3 to 7 % (AVX2) */
#define INTO_L2 2                     /* for __builtin_prefetch: L1 has no room for it yet */
#define FAR_ROWS 4096                 /* bytes: rows of b so far apart often lie beyond L2, and a tile would wait for them */
#define LONG_ROW 256                  /* numbers of a row of out that is written from end to end, where k is 1 */
#define AHEAD 64                      /* elements of a row, and rows, that packing asks the memory for in advance */
#define ROWS_AHEAD 24
#define THREAD_PRODUCTS 800000        /* multiply-adds per thread, some 10 us: waking one pays from a tenth of that on an
                                         idle machine, but costs milliseconds where another program holds the core */

enum { PACKED = 1, PACKS_B = 2 }; /* what a tile knows of a, and does with b: gemm_tile.h */

/* EACH_TILE(F) is F(rows, vectors) for every size of tile that is compiled. */
#define ROWS_TO_6(F, N) F(1, N) F(2, N) F(3, N) F(4, N) F(5, N) F(6, N)
#define ROWS_TO_9(F, N) ROWS_TO_6(F, N) F(7, N) F(8, N) F(9, N)
#if TILE_ROWS == 9
#define EACH_TILE(F) ROWS_TO_9(F, 1) ROWS_TO_9(F, 2) ROWS_TO_9(F, 3)
#elif TILE_VECTORS == 2
#define EACH_TILE(F) ROWS_TO_6(F, 1) ROWS_TO_6(F, 2)
#else
#define EACH_TILE(F) ROWS_TO_6(F, 1) ROWS_TO_6(F, 2) ROWS_TO_6(F, 3) ROWS_TO_6(F, 4)
#endif

/* A block of a has `m` rows and `k` columns, a block of b `k` rows. */
typedef struct block_size {
  int64_t k, m;
} block_size;

/*   k   A panel of b, k x TILE_VECTORS registers, is read again by each group of rows and wants to stay in L1. Out is
 *       read and written once for every k, which wants it large. So it may be two thirds larger than L1: the tile
 *       takes in (6 x 2) 15 or (9 x 3) 17 bytes a cycle, and L2 gives 30 and more. From 512 on nothing is gained.
 *       6 x 2, 6 x 4: L1 32 KB: 53 KB / 64 -> 512.   9 x 3: L1 32 KB: 53 KB / 192 = 284,   48 KB: 426.
 *   m   A block of a, m x k, is read again for each panel of b. It gets half of L2; the panel and out pass through the
 *       other half.     L2 1 MB, float32, k = 426: 512 KB / 1.7 KB = 307 rows, 315 in groups of 9.  */
static inline block_size blocks_that_fit(nd_caches cache, int64_t element_bytes) {
  enum { LEAST_K = 256, MOST_K = 512, LEAST_M = 48, MOST_M = 512 };
  const int64_t k = cache.l1 * 5 / 3 / (TILE_VECTORS * VECTOR_BYTES);
  const int64_t deep = k < LEAST_K ? LEAST_K : k > MOST_K ? MOST_K : k;
  const int64_t m = cache.l2 / 2 / (deep * element_bytes);
  const int64_t high = m < LEAST_M ? LEAST_M : m > MOST_M ? MOST_M : m;
  return (block_size){.k = deep, .m = (high + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS};
}
#endif
