/* caches.h - how large the caches of a core are. The matrix product cuts its blocks to fit (isa/gemm_shape.h). */
#ifndef ND_CACHES_H
#define ND_CACHES_H
#include <stdint.h>

typedef struct nd_caches {
  int64_t l1, l2; /* bytes: first-level data cache; second level */
} nd_caches;

/* Of the first core, found at load. Where the system does not tell: 32 KiB and 512 KiB, a core of ten years ago. */
extern nd_caches nd_cache_sizes;
#endif
