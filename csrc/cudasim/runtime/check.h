// check.h - what the rest of the runtime tells the checker. Nothing here does anything in a plain run.
#pragma once
#include <stddef.h>
#include "state.h"

namespace cudasim {
inline void check_allocated(Allocation &) {}
inline void check_freed(Allocation &) {}
inline void check_written(const void *, size_t) {}
inline void check_copied_from(const void *, size_t, const void *) {}
} // namespace cudasim
