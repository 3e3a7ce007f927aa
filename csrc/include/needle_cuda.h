/* needle_cuda.h - what a CUDA library has beside the kernels of needle_kernels.h: memory that the host cannot see.
 *
 * Return value: 0, an ND_E* code, or, where CUDA itself reports an error, minus that error's number.
 */
#ifndef NEEDLE_CUDA_H
#define NEEDLE_CUDA_H
#include <stdint.h>

#ifndef ND_API
#define ND_API
#endif

ND_API int ndc_from_host(void *to, const void *from, int64_t nbytes);
ND_API int ndc_to_host(void *to, const void *from, int64_t nbytes); /* kernels called before have done their work */
ND_API int ndc_synchronize(void);
#endif
