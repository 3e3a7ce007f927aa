// check.h - what the rest of the runtime tells the checker. In a plain run each is a test of one pointer.
#pragma once
#include "shadow.h"

namespace cudasim {
inline bool checking() { return checker.worker != nullptr; }
void check_launch(Worker &w, bool checked);
void check_launched();
void check_block(Worker &w);
void check_block_ended();
void check_shared(size_t offset, size_t bytes); // a __shared__ variable of this block
void check_barrier_opened();
void check_warp_met(Worker &w, int warp, unsigned lanes);
void check_atomic(void *address, int bytes, const void *pc);
void check_compares(const void *address, int bytes); // the atomic that follows is an atomicCAS
void check_fence();

void check_allocated(Allocation &one);
void check_freed(Allocation &one);
void check_written(const void *to, size_t bytes);
void check_copied(const void *from, size_t bytes, const void *to);
bool written_by_plain_kernels(const Allocation *one);
bool in_kernel_library(uintptr_t address); // signals.cpp

// Defined where the data are.
void each_allocation(void (*visit)(Allocation &));
void each_shared_variable(void (*visit)(cudasim_shared_variable *));
} // namespace cudasim
