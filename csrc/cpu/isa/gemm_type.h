/* gemm_type.h - the matrix product for one element type. gemm.c includes it with
 *   T              the element type; integers are unsigned, because they wrap around
 *   TYPE           its name, the suffix of every function made here
 *   ELEMENT_BYTES  sizeof(T), as a number the preprocessor can compare
 */
#define NAME(name) ND_JOIN(name, TYPE)
#define V NAME(vector)
#define U NAME(unaligned)
#define LANES ((int64_t)(VECTOR_BYTES / ELEMENT_BYTES))
#define SIDE (16 / ELEMENT_BYTES)
#define PANEL (TILE_VECTORS * LANES)

typedef T V __attribute__((vector_size(VECTOR_BYTES)));
typedef T U __attribute__((vector_size(VECTOR_BYTES), aligned(ELEMENT_BYTES), may_alias));

#include "gemm_tile.h"
#include "gemm_pack.h"
#include "gemm_vector.h"
#include "gemm_block.h"

#undef NAME
#undef V
#undef U
#undef LANES
#undef SIDE
#undef PANEL
#undef T
#undef TYPE
#undef ELEMENT_BYTES
