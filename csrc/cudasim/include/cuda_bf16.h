// cuda_bf16.h - __nv_bfloat16 and __nv_bfloat162. The arithmetic is in cudasim/float16.h; what both headers of CUDA have is
// found there by the types of the arguments.
#ifndef CUDASIM_CUDA_BF16_H
#define CUDASIM_CUDA_BF16_H
#include "cuda_runtime.h"
#include "cudasim/float16.h"

using __nv_bfloat16 = cudasim::Float16<7>;
using __nv_bfloat162 = cudasim::Pair16<7>;
using nv_bfloat16 = __nv_bfloat16;
using nv_bfloat162 = __nv_bfloat162;

CUDASIM_MATH __nv_bfloat16 __float2bfloat16(float a) { return __nv_bfloat16(a); }
CUDASIM_MATH __nv_bfloat16 __float2bfloat16_rn(float a) { return __nv_bfloat16(a); }
CUDASIM_MATH __nv_bfloat16 __double2bfloat16(double a) { return __nv_bfloat16(a); }
CUDASIM_MATH float __bfloat162float(__nv_bfloat16 a) { return a; }
CUDASIM_MATH __nv_bfloat16 __int2bfloat16_rn(int a) { return __nv_bfloat16(a); }
CUDASIM_MATH unsigned short __bfloat16_as_ushort(__nv_bfloat16 a) { return a.bits; }
CUDASIM_MATH __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits) { return __nv_bfloat16::of_bits(bits); }
CUDASIM_MATH __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 a, __nv_bfloat16 b) { return {a, b}; }
CUDASIM_MATH __nv_bfloat162 __float2bfloat162_rn(float a) { return {__nv_bfloat16(a), __nv_bfloat16(a)}; }
CUDASIM_MATH __nv_bfloat162 __floats2bfloat162_rn(float a, float b) { return {__nv_bfloat16(a), __nv_bfloat16(b)}; }
CUDASIM_MATH float2 __bfloat1622float2(__nv_bfloat162 a) { return make_float2(a.x, a.y); }
#endif
