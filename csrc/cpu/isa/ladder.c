/* build: -O2 -fno-schedule-insns */
/* ladder.c - the register tile of the ladder's rungs 7 to 11, for each instruction set and in every size.
 *
 * The tile of rung 6 once more, with three things left open: how wide a vector is, how many rows and vectors the tile
 * has, and where a lies. The loops over rows and vectors have constant ends at every call, so that they unroll and the
 * tile stays in registers. How large it may be:
 *     16 registers of 16 or 32 bytes    6 x 2 accumulators, 2 vectors of b, 1 number of a
 *     32 registers of 64 (AVX-512)      14 x 2 accumulators, 2 vectors of b, the number of a read by the multiplication
 *     32 registers of 16 (arm64)        6 x 4 accumulators, 4 vectors of b, 1 or 2 of a
 */
#include "isa.h"
#include "ladder.h"
#include "unroll.h"

#if defined(__AVX512F__)
enum { VECTOR_BYTES = 64, ROWS = 14, VECTORS = 2 };
#define EACH_SIZE(F) ROWS_TO_14(F, 1) ROWS_TO_14(F, 2)
#elif defined(__AVX2__)
enum { VECTOR_BYTES = 32, ROWS = 6, VECTORS = 2 };
#define EACH_SIZE(F) ROWS_TO_6(F, 1) ROWS_TO_6(F, 2)
#elif defined(__aarch64__)
enum { VECTOR_BYTES = 16, ROWS = 6, VECTORS = 4 };
#define EACH_SIZE(F) ROWS_TO_6(F, 1) ROWS_TO_6(F, 2) ROWS_TO_6(F, 3) ROWS_TO_6(F, 4)
#else
enum { VECTOR_BYTES = 16, ROWS = 6, VECTORS = 2 };
#define EACH_SIZE(F) ROWS_TO_6(F, 1) ROWS_TO_6(F, 2)
#endif
#define ROWS_TO_6(F, V) F(1, V) F(2, V) F(3, V) F(4, V) F(5, V) F(6, V)
#define ROWS_TO_14(F, V) \
  ROWS_TO_6(F, V) F(7, V) F(8, V) F(9, V) F(10, V) F(11, V) F(12, V) F(13, V) F(14, V)

enum { LANES = VECTOR_BYTES / sizeof(float) };
typedef float vector __attribute__((vector_size(VECTOR_BYTES)));
typedef float unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(4), may_alias)); /* at any address */

/* Rows of a are found from every fourth, whose place the compiler may not derive from the others': going from row to
 * row, the additions would wait for each other. */
static inline __attribute__((always_inline)) void tile(const int rows, const int vectors, int64_t depth, const float *a,
                                                       int64_t a_row, int64_t a_col, const float *b, int64_t b_row,
                                                       float *out, int64_t out_row, int add) {
  vector sum[ROWS][VECTORS];
  const float *four_rows[(ROWS + 3) / 4];
ND_UNROLL_WHOLE(4)
  for (int i = 0; i < rows; i += 4) four_rows[i / 4] = ND_HIDDEN(a + i * a_row);
ND_UNROLL_WHOLE(16)
  for (int i = 0; i < rows; i++)
ND_UNROLL_WHOLE(4)
    for (int j = 0; j < vectors; j++) sum[i][j] = (vector){0};
ND_UNROLL(4)
  for (int64_t p = 0; p < depth; p++, b += b_row) {
    vector row[VECTORS];
ND_UNROLL_WHOLE(4)
    for (int j = 0; j < vectors; j++) row[j] = *(const unaligned *)(b + j * LANES);
ND_UNROLL_WHOLE(16)
    for (int i = 0; i < rows; i++)
ND_UNROLL_WHOLE(4)
      for (int j = 0; j < vectors; j++) sum[i][j] += four_rows[i / 4][i % 4 * a_row] * row[j];
ND_UNROLL_WHOLE(4)
    for (int i = 0; i < rows; i += 4) four_rows[i / 4] += a_col;
  }
ND_UNROLL_WHOLE(16)
  for (int i = 0; i < rows; i++)
ND_UNROLL_WHOLE(4)
    for (int j = 0; j < vectors; j++) {
      unaligned *to = (unaligned *)(out + i * out_row + j * LANES);
      *to = add ? (vector)*to + sum[i][j] : sum[i][j];
    }
}

/* tile_6x2 and so on, each compiled for its size. */
#define TILE(R, V)                                                                                          \
  static void tile_##R##x##V(int64_t depth, const float *a, int64_t a_row, int64_t a_col, const float *b,   \
                             int64_t b_row, float *out, int64_t out_row, int add) {                         \
    tile(R, V, depth, a, a_row, a_col, b, b_row, out, out_row, add);                                        \
  }
EACH_SIZE(TILE)

#define ENTRY(R, V) [V - 1][R - 1] = tile_##R##x##V,
const nd_ladder_table ND_TABLE(ladder) = {
    .rows = ROWS, .vectors = VECTORS, .lanes = LANES, .tile = {EACH_SIZE(ENTRY)}};
