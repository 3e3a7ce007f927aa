/* gemm_type.h - the matrix product for one element type. gemm.c includes it with
 *   T              the element type; integers are unsigned, because they wrap around
 *   TYPE           its name, the suffix of every function made here
 *   ELEMENT_BYTES  sizeof(T), as a number the preprocessor can compare
 */
#define NAME(name) ND_JOIN(name, TYPE)
#define V NAME(vector)
#define U NAME(unaligned)
#define S NAME(sixteen_bytes)
#define M NAME(shuffle)
#define LANES ((int64_t)(VECTOR_BYTES / ELEMENT_BYTES))
#define SIDE (16 / ELEMENT_BYTES)
#define PANEL (TILE_VECTORS * LANES)

typedef T V __attribute__((vector_size(VECTOR_BYTES)));
typedef T U __attribute__((vector_size(VECTOR_BYTES), aligned(ELEMENT_BYTES), may_alias));
typedef T S __attribute__((vector_size(16)));
/* The lower (upper) halves of two such vectors riffled: x[0] y[0] x[1] y[1]. */
#if ELEMENT_BYTES == 4
typedef int32_t M __attribute__((vector_size(16)));
#define LOWER_LANES(x, y) ND_SHUFFLE(M, x, y, 0, 4, 1, 5)
#define UPPER_LANES(x, y) ND_SHUFFLE(M, x, y, 2, 6, 3, 7)
#else
typedef int64_t M __attribute__((vector_size(16)));
#define LOWER_LANES(x, y) ND_SHUFFLE(M, x, y, 0, 2)
#define UPPER_LANES(x, y) ND_SHUFFLE(M, x, y, 1, 3)
#endif

#include "gemm_tile.h"
#include "gemm_pack.h"
#include "gemm_vector.h"
#include "gemm_block.h"

#undef NAME
#undef V
#undef U
#undef S
#undef M
#undef LANES
#undef LOWER_LANES
#undef UPPER_LANES
#undef SIDE
#undef PANEL
#undef T
#undef TYPE
#undef ELEMENT_BYTES
