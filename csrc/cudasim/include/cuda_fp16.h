// cuda_fp16.h - __half and __half2. The arithmetic is in cudasim/float16.h; what both headers of CUDA have is found there by
// the types of the arguments.
#ifndef CUDASIM_CUDA_FP16_H
#define CUDASIM_CUDA_FP16_H
#include "cuda_runtime.h"
#include "cudasim/float16.h"

using __half = cudasim::Float16<10>;
using __half2 = cudasim::Pair16<10>;
using half = __half;
using half2 = __half2;

CUDASIM_MATH __half __float2half(float a) { return __half(a); }
CUDASIM_MATH __half __float2half_rn(float a) { return __half(a); }
CUDASIM_MATH __half __double2half(double a) { return __half(a); }
CUDASIM_MATH float __half2float(__half a) { return a; }
CUDASIM_MATH __half __int2half_rn(int a) { return __half(a); }
CUDASIM_MATH int __half2int_rn(__half a) { return __float2int_rn(a); }
CUDASIM_MATH int __half2int_rz(__half a) { return __float2int_rz(a); }
CUDASIM_MATH unsigned short __half_as_ushort(__half a) { return a.bits; }
CUDASIM_MATH __half __ushort_as_half(unsigned short bits) { return __half::of_bits(bits); }
CUDASIM_MATH __half2 __halves2half2(__half a, __half b) { return {a, b}; }
CUDASIM_MATH __half2 make_half2(__half a, __half b) { return {a, b}; }
CUDASIM_MATH __half2 __half2half2(__half a) { return {a, a}; }
CUDASIM_MATH __half2 __float2half2_rn(float a) { return {__half(a), __half(a)}; }
CUDASIM_MATH __half2 __floats2half2_rn(float a, float b) { return {__half(a), __half(b)}; }
CUDASIM_MATH __half2 __float22half2_rn(float2 a) { return {__half(a.x), __half(a.y)}; }
CUDASIM_MATH float2 __half22float2(__half2 a) { return make_float2(a.x, a.y); }
#endif
