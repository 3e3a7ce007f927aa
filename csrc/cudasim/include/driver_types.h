// driver_types.h - a name that .cu files include; all of it is in cuda_runtime.h.
#include "cuda_runtime.h"
