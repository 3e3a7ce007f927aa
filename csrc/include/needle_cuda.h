/* needle_cuda.h - what a CUDA library has beside the kernels of needle_kernels.h: memory that the host cannot see, and
 * kernels that run while the host goes on.
 *
 * Return value, where nothing else is said: 0, an ND_E* code, or, where CUDA itself reports an error, minus that error's
 * number.
 */
#ifndef NEEDLE_CUDA_H
#define NEEDLE_CUDA_H
#include <stdint.h>

#ifndef ND_API
#define ND_API
#endif

ND_API int ndc_from_host(void *to, const void *from, int64_t nbytes);
ND_API int ndc_to_host(void *to, const void *from, int64_t nbytes); /* kernels called before have done their work */
/* Both of these also report what kernels called before have met: ND_EINDEX and nd_error_detail(), of which ndc_suspects()
 * has the names of the kernels that it may have been (and forgets them). */
ND_API int ndc_synchronize(void);
ND_API const char *ndc_suspects(void);
ND_API int ndc_busy(void); /* 1 while the card has work to do, else 0; does not wait */
ND_API const char *ndc_error_name(int number); /* of CUDA, such as "cudaErrorIllegalAddress" */
ND_API int ndc_set_blocking(int on); /* 1: every kernel is waited for, and reports what it met itself */

ND_API int ndc_device_count(void);     /* 0 without a card or a driver */
ND_API int ndc_get_device(void);       /* the number of the card in use, -1 if there is none */
ND_API int ndc_set_device(int device); /* ND_EPLAN while there is memory in use */
/* Its name, cut to room - 1 characters, and its compute capability, 75 for 7.5. */
ND_API int ndc_device_name(int device, char *name, int room, int *capability);
#endif
