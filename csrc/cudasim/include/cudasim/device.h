// device.h - what a running kernel asks of the simulator: who am I, wait for the others, give me shared memory.
#ifndef CUDASIM_DEVICE_H
#define CUDASIM_DEVICE_H
#include "../cudasim.h"
#include <type_traits>
#include "vector_types.h"

// A kernel that accesses memory under the check flavour is compiled so that each access calls the checker (-fsanitize=
// thread). Functions of the shim are not the student's accesses: they are left alone.
#if defined(__has_attribute) && __has_attribute(no_sanitize_coverage)
#define CUDASIM_PLAIN __attribute__((no_sanitize("thread"), no_sanitize_coverage))
#else
#define CUDASIM_PLAIN __attribute__((no_sanitize("thread")))
#endif
#define CUDASIM_INLINE static inline CUDASIM_PLAIN
// Where a function of the shim is called from is what a finding names. Under the checker it is really called.
#ifdef __SANITIZE_THREAD__
#define CUDASIM_CALL static __attribute__((noinline, unused)) CUDASIM_PLAIN
#define CUDASIM_FROM __builtin_return_address(0)
#else
#define CUDASIM_CALL static inline
#define CUDASIM_FROM nullptr
#endif

// `#pragma unroll`, in the plain flavour; in the others a line of the source stays one place in the program.
#ifdef __SANITIZE_THREAD__
#define CUDASIM_UNROLL(times)
#else
#define CUDASIM_UNROLL(times) _Pragma(CUDASIM_TEXT(GCC unroll times))
#endif

// The name of a kernel as text; where a macro launches it, the name that the macro was given.
#define CUDASIM_NAME(...) CUDASIM_TEXT(__VA_ARGS__)
#define CUDASIM_TEXT(...) #__VA_ARGS__

// One launch: K<<<grid, block, shared, stream>>>(...) in this file and line.
struct cudasim_launch_config {
  dim3 grid, block;
  size_t shared;
  void *stream;
  const void *function; // the kernel's address, null: unknown; asked for only if `shared` needs permission
};
struct cudasim_launch_site {
  const char *kernel, *file;
  int line, flavour; // 0 plain, 1 check, 2 profile
};
CUDASIM_API int cudasim_launch(const cudasim_launch_site *site, const cudasim_launch_config *config,
                               void (*thread)(void *), void *closure);

// Where the operating system's thread is in its block: what threadIdx and the like read.
struct cudasim_place {
  const uint3 *thread; // of the CUDA thread that runs now
  uint3 block;
  dim3 block_dim, grid_dim;
  char *shared;    // the block's shared memory: dynamic first
  unsigned launch; // the number of the launch
};
extern __attribute__((visibility("default"), tls_model("initial-exec"))) __thread cudasim_place cudasim_here;

// A __shared__ variable: the block's copy lies `offset` bytes into the shared memory of this launch.
struct cudasim_shared_variable {
  const char *name, *file;
  int line;
  size_t bytes, align;
  unsigned launch, offset;
};
CUDASIM_API void *cudasim_shared_address(cudasim_shared_variable *variable); // places it if this launch has not yet

enum cudasim_vote { CUDASIM_NO_VOTE, CUDASIM_COUNT, CUDASIM_AND, CUDASIM_OR };
// `which` numbers the barriers of a source: the compiler may have made several calls of one. `from`: the call that is
// meant, where it is not this one.
CUDASIM_API int cudasim_barrier(int vote, int predicate, int which, const void *from);
CUDASIM_API void cudasim_fence(void);

// What the lanes of `mask` do together. SHUFFLE: value of lane `source`; BALLOT: the lanes whose value is not 0;
// MATCH_ANY: the lanes with my value; MATCH_ALL: mask if all have one value, else 0; ACTIVE: who came along; the rest
// reduces 32-bit integers over the mask.
enum cudasim_together {
  CUDASIM_SYNC, CUDASIM_SHUFFLE, CUDASIM_BALLOT, CUDASIM_MATCH_ANY, CUDASIM_MATCH_ALL, CUDASIM_ACTIVE,
  CUDASIM_SUM, CUDASIM_MIN, CUDASIM_MAX, CUDASIM_UMIN, CUDASIM_UMAX, CUDASIM_BIT_AND, CUDASIM_BIT_OR, CUDASIM_BIT_XOR
};
CUDASIM_API uint64_t cudasim_warp(int what, unsigned mask, uint64_t value, int source, const void *from);

// Before an atomic: other threads may run (a spinning one must let them), and the checker takes note.
CUDASIM_API void cudasim_atomic(void *address, int bytes, const void *from);
CUDASIM_API void cudasim_compares(const void *address, int bytes); // and that it will be an atomicCAS
CUDASIM_API void cudasim_trap(void);
CUDASIM_API long long cudasim_clock(void);
CUDASIM_API int cudasim_in_kernel(void);
CUDASIM_API void cudasim_variable(const char *name, const void *start, size_t bytes); // without a name: it is gone

// ---- the names of CUDA --------------------------------------------------------------------------------------------
#ifdef __SANITIZE_THREAD__ // functions of constant result, so that reading an index is no access to memory
CUDASIM_API uint3 cudasim_thread_idx(void) __attribute__((const));
CUDASIM_API uint3 cudasim_block_idx(void) __attribute__((const));
CUDASIM_API uint3 cudasim_block_dim(void) __attribute__((const));
CUDASIM_API uint3 cudasim_grid_dim(void) __attribute__((const));
#define threadIdx (cudasim_thread_idx())
#define blockIdx (cudasim_block_idx())
#define blockDim (cudasim_block_dim())
#define gridDim (cudasim_grid_dim())
#else
#define threadIdx (*cudasim_here.thread)
#define blockIdx (cudasim_here.block)
#define blockDim (cudasim_here.block_dim)
#define gridDim (cudasim_here.grid_dim)
#endif
constexpr int warpSize = 32;

#define __global__ __attribute__((noinline, noclone))
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#ifdef __SANITIZE_THREAD__ // a structure that is an argument is read in sight of the hooks only within its function
#define CUDASIM_BY_VALUE(word) word __attribute__((always_inline))
#else
#define CUDASIM_BY_VALUE(word)
#endif
#define __constant__
#define __managed__
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __grid_constant__

#define __syncthreads() ((void)cudasim_barrier(CUDASIM_NO_VOTE, 0, __COUNTER__, nullptr))
#define __syncthreads_count(p) (cudasim_barrier(CUDASIM_COUNT, !!(p), __COUNTER__, nullptr))
#define __syncthreads_and(p) (cudasim_barrier(CUDASIM_AND, !!(p), __COUNTER__, nullptr))
#define __syncthreads_or(p) (cudasim_barrier(CUDASIM_OR, !!(p), __COUNTER__, nullptr))
CUDASIM_INLINE void __threadfence() { cudasim_fence(); }
CUDASIM_INLINE void __threadfence_block() { cudasim_fence(); }
CUDASIM_INLINE void __threadfence_system() { cudasim_fence(); }
CUDASIM_INLINE void __trap() { cudasim_trap(); }
CUDASIM_INLINE void __nanosleep(unsigned) { cudasim_atomic(nullptr, 0, nullptr); }
CUDASIM_INLINE long long clock64() { return cudasim_clock(); }

namespace cudasim {
// `__shared__ float tile[16][17];` becomes a reference to the block's copy.
template <class T> CUDASIM_INLINE T &shared(cudasim_shared_variable &variable) {
  if (__atomic_load_n(&variable.launch, __ATOMIC_ACQUIRE) != cudasim_here.launch)
    return *static_cast<T *>(cudasim_shared_address(&variable));
  return *reinterpret_cast<T *>(cudasim_here.shared + variable.offset);
}
// `extern __shared__ float s[];` is where the shared memory begins, in a function or outside of one.
template <class T> CUDASIM_INLINE T *dynamic_shared() { return reinterpret_cast<T *>(cudasim_here.shared); }
template <class T> struct DynamicShared {
  CUDASIM_PLAIN operator T *() const { return dynamic_shared<T>(); }
};

// A __device__ or __constant__ variable, which the checker is to know.
#ifdef __SANITIZE_THREAD__
struct DeviceVariable {
  const void *start;
  CUDASIM_PLAIN DeviceVariable(const char *name, const volatile void *at, size_t bytes) : start(const_cast<const void *>(at)) {
    cudasim_variable(name, start, bytes);
  }
  CUDASIM_PLAIN ~DeviceVariable() { cudasim_variable(nullptr, start, 0); }
};
// Behind it lie 64 bytes that are nobody's. That takes one section for all, with an initial value or without one.
#define CUDASIM_IN_ORDER __attribute__((no_reorder, section(".data")))
#define CUDASIM_GAP(name) CUDASIM_IN_ORDER static __attribute__((used)) char cudasim_gap_##name[64];
#else
#define CUDASIM_IN_ORDER
#define CUDASIM_GAP(name)
struct DeviceVariable {
  DeviceVariable(const char *, const volatile void *, size_t) {}
};
#endif

// More dynamic shared memory than this needs cudaFuncSetAttribute, kernel by kernel: only then its address is asked for.
enum : size_t { SHARED_UNASKED = 48 << 10 };
// The address of the kernel that a launch names; a name that stands for several functions, of which the arguments choose
// one, has none here.
template <class... Parameters> CUDASIM_PLAIN const void *address_of(int, void (*kernel)(Parameters...)) {
  return reinterpret_cast<const void *>(kernel);
}
#define CUDASIM_ADDRESS(...)                                              \
  [&](auto i_) CUDASIM_PLAIN->decltype(cudasim::address_of(i_, (__VA_ARGS__))) { \
    return cudasim::address_of(i_, (__VA_ARGS__));                        \
  }
template <class Address> CUDASIM_PLAIN const void *address_if_known(Address address) {
  if constexpr (std::is_invocable_v<Address, int>) return address(0);
  else return nullptr;
}

// Runs `body(arguments...)` for each thread of the grid. `address(0)` is the kernel's, if that is an expression at all. The arguments are evaluated and copied once, by the caller.
template <class Body, class Address, class... Arguments>
CUDASIM_PLAIN void launch(const cudasim_launch_site &site, cudasim_launch_config config, Body body, Address address, Arguments... arguments) {
  if (config.shared > SHARED_UNASKED) config.function = address_if_known(address);
  auto thread = [&]() CUDASIM_PLAIN { body(arguments...); };
  using Thread = decltype(thread);
  cudasim_launch(&site, &config, [](void *closure) CUDASIM_PLAIN { (*static_cast<Thread *>(closure))(); }, &thread);
}
CUDASIM_INLINE cudasim_launch_config config(dim3 grid, dim3 block, size_t shared = 0, void *stream = nullptr) {
  return {grid, block, shared, stream, nullptr};
}
} // namespace cudasim
#endif
