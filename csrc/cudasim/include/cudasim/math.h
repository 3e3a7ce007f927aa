// math.h - the arithmetic that CUDA has beyond <cmath>. The fast variants (__expf) are as exact here as the slow ones.
#ifndef CUDASIM_MATH_H
#define CUDASIM_MATH_H
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "device.h"

#define __expf(x) expf(x) // glibc has functions of some of these names: macros
#define __exp10f(x) exp10f(x)
#define __logf(x) logf(x)
#define __log2f(x) log2f(x)
#define __log10f(x) log10f(x)
#define __sinf(x) sinf(x)
#define __cosf(x) cosf(x)
#define __tanf(x) tanf(x)
#define __powf(x, y) powf(x, y)
#define __sincosf(x, s, c) sincosf(x, s, c)
#define __fdividef(x, y) ((x) / (y))
#define __builtin_assume(x) ((void)0)
#define CUDART_INF_F __builtin_inff()
#define CUDART_NAN_F __builtin_nanf("")
#define CUDART_INF __builtin_inf()
#define CUDART_PI_F 3.141592654f
#define CUDART_PI 3.14159265358979323846
#define CUDART_NAN __builtin_nan("")

#define CUDASIM_MATH __attribute__((unused)) CUDASIM_INLINE
CUDASIM_MATH float rsqrtf(float x) { return 1.0f / sqrtf(x); }
CUDASIM_MATH double rsqrt(double x) { return 1.0 / sqrt(x); }
CUDASIM_MATH float __saturatef(float x) { return x > 0 ? (x < 1 ? x : 1) : 0; }
CUDASIM_MATH float __fadd_rn(float a, float b) { return a + b; }
CUDASIM_MATH float __fsub_rn(float a, float b) { return a - b; }
CUDASIM_MATH float __fmul_rn(float a, float b) { return a * b; }
CUDASIM_MATH float __fdiv_rn(float a, float b) { return a / b; }
CUDASIM_MATH float __frcp_rn(float a) { return 1.0f / a; }
CUDASIM_MATH float __fsqrt_rn(float a) { return sqrtf(a); }
CUDASIM_MATH float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
CUDASIM_MATH double __fma_rn(double a, double b, double c) { return fma(a, b, c); }
CUDASIM_MATH int __float_as_int(float x) { int y; memcpy(&y, &x, 4); return y; }
CUDASIM_MATH unsigned __float_as_uint(float x) { unsigned y; memcpy(&y, &x, 4); return y; }
CUDASIM_MATH float __int_as_float(int x) { float y; memcpy(&y, &x, 4); return y; }
CUDASIM_MATH float __uint_as_float(unsigned x) { float y; memcpy(&y, &x, 4); return y; }
CUDASIM_MATH long long __double_as_longlong(double x) { long long y; memcpy(&y, &x, 8); return y; }
CUDASIM_MATH double __longlong_as_double(long long x) { double y; memcpy(&y, &x, 8); return y; }
CUDASIM_MATH int __popc(unsigned x) { return __builtin_popcount(x); }
CUDASIM_MATH int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
CUDASIM_MATH int __clz(int x) { return x ? __builtin_clz(unsigned(x)) : 32; }
CUDASIM_MATH int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
CUDASIM_MATH int __ffs(int x) { return __builtin_ffs(x); }
CUDASIM_MATH int __ffsll(long long x) { return __builtin_ffsll(x); }
CUDASIM_MATH unsigned __brev(unsigned x) {
  unsigned y = 0;
  for (int i = 0; i < 32; i++) y |= (x >> i & 1u) << (31 - i);
  return y;
}
CUDASIM_MATH unsigned long long __brevll(unsigned long long x) { return (unsigned long long)__brev(unsigned(x)) << 32 | __brev(unsigned(x >> 32)); }
CUDASIM_MATH double __hiloint2double(int high, int low) { return __longlong_as_double((long long)(uint64_t(unsigned(high)) << 32 | unsigned(low))); }
CUDASIM_MATH int __double2hiint(double x) { return int(__double_as_longlong(x) >> 32); }
CUDASIM_MATH int __double2loint(double x) { return int(unsigned(__double_as_longlong(x))); }
CUDASIM_MATH unsigned __sad(int a, int b, unsigned c) { return c + unsigned(a < b ? (long long)b - a : (long long)a - b); }
CUDASIM_MATH unsigned __usad(unsigned a, unsigned b, unsigned c) { return c + (a < b ? b - a : a - b); }
CUDASIM_MATH int __hadd(int a, int b) { return int(((long long)a + b) >> 1); }
CUDASIM_MATH int __rhadd(int a, int b) { return int(((long long)a + b + 1) >> 1); }
CUDASIM_MATH unsigned __uhadd(unsigned a, unsigned b) { return unsigned(((unsigned long long)a + b) >> 1); }
CUDASIM_MATH int __dp4a(int a, int b, int c) { // four products of signed bytes
  for (int i = 0; i < 32; i += 8) c += int(int8_t(a >> i)) * int8_t(b >> i);
  return c;
}
CUDASIM_MATH float norm3df(float a, float b, float c) { return float(sqrt(double(a) * a + double(b) * b + double(c) * c)); }
CUDASIM_MATH float rhypotf(float a, float b) { return 1.0f / hypotf(a, b); }
CUDASIM_MATH int __mul24(int a, int b) { return a * b; }
CUDASIM_MATH unsigned __umulhi(unsigned a, unsigned b) { return unsigned((unsigned long long)a * b >> 32); }
CUDASIM_MATH int __mulhi(int a, int b) { return int((long long)a * b >> 32); }
CUDASIM_MATH int __float2int_rn(float x) { return int(rintf(x)); }
CUDASIM_MATH int __float2int_rz(float x) { return int(x); }
CUDASIM_MATH int __float2int_rd(float x) { return int(floorf(x)); }
CUDASIM_MATH int __float2int_ru(float x) { return int(ceilf(x)); }
CUDASIM_MATH float __int2float_rn(int x) { return float(x); }
CUDASIM_MATH unsigned __float2uint_rn(float x) { return unsigned(rintf(x)); }
CUDASIM_MATH unsigned __float2uint_rz(float x) { return unsigned(x); }
CUDASIM_MATH float __uint2float_rn(unsigned x) { return float(x); }
CUDASIM_MATH int __double2int_rn(double x) { return int(rint(x)); }
CUDASIM_MATH int __double2int_rz(double x) { return int(x); }
CUDASIM_MATH float __double2float_rn(double x) { return float(x); }
CUDASIM_MATH double __int2double_rn(int x) { return double(x); }
CUDASIM_MATH long long __float2ll_rn(float x) { return (long long)rintf(x); }
CUDASIM_MATH float __ll2float_rn(long long x) { return float(x); }
CUDASIM_MATH double __dadd_rn(double a, double b) { return a + b; }
CUDASIM_MATH double __dmul_rn(double a, double b) { return a * b; }
CUDASIM_MATH double __ddiv_rn(double a, double b) { return a / b; }
CUDASIM_MATH double __dsqrt_rn(double a) { return sqrt(a); }
CUDASIM_MATH float __frsqrt_rn(float a) { return 1.0f / sqrtf(a); }
CUDASIM_MATH float fdividef(float a, float b) { return a / b; }
CUDASIM_MATH float sinpif(float x) { return float(sin(x * 3.14159265358979323846)); }
CUDASIM_MATH float cospif(float x) { return float(cos(x * 3.14159265358979323846)); }
CUDASIM_MATH float normcdff(float x) { return float(0.5 * erfc(x * -0.70710678118654752440)); }
CUDASIM_MATH double normcdf(double x) { return 0.5 * erfc(x * -0.70710678118654752440); }
CUDASIM_MATH unsigned __umul24(unsigned a, unsigned b) { return a * b; }
CUDASIM_MATH unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return (unsigned long long)((unsigned __int128)a * b >> 64); }
CUDASIM_MATH long long __mul64hi(long long a, long long b) { return (long long)((__int128)a * b >> 64); }
CUDASIM_MATH unsigned __funnelshift_l(unsigned low, unsigned high, unsigned by) { return unsigned(((uint64_t(high) << 32 | low) << (by & 31)) >> 32); }
CUDASIM_MATH unsigned __funnelshift_r(unsigned low, unsigned high, unsigned by) { return unsigned((uint64_t(high) << 32 | low) >> (by & 31)); }
CUDASIM_MATH unsigned __byte_perm(unsigned a, unsigned b, unsigned which) { // four of the eight bytes of b and a, by number
  unsigned out = 0;
  for (int i = 0; i < 4; i++) out |= unsigned((uint64_t(b) << 32 | a) >> (which >> 4 * i & 7) * 8 & 255) << 8 * i;
  return out;
}
// Loads and stores that say how to use the caches, of which there are none here.
#define __ldg(p) (*(p))
#define __ldca(p) (*(p))
#define __ldcg(p) (*(p))
#define __ldcs(p) (*(p))
#define __ldlu(p) (*(p))
#define __ldcv(p) (*(p))
#define __stwb(p, v) ((void)(*(p) = (v)))
#define __stcg(p, v) ((void)(*(p) = (v)))
#define __stcs(p, v) ((void)(*(p) = (v)))
#define __stwt(p, v) ((void)(*(p) = (v)))

// min and max of equal types; of mixed ones the common type, as in CUDA's headers.
#define CUDASIM_MIN_MAX(T)                                            \
  CUDASIM_MATH T min(T a, T b) { return b < a ? b : a; }              \
  CUDASIM_MATH T max(T a, T b) { return a < b ? b : a; }
CUDASIM_MIN_MAX(int)
CUDASIM_MIN_MAX(unsigned)
CUDASIM_MIN_MAX(long)
CUDASIM_MIN_MAX(unsigned long)
CUDASIM_MIN_MAX(long long)
CUDASIM_MIN_MAX(unsigned long long)
#undef CUDASIM_MIN_MAX
CUDASIM_MATH float min(float a, float b) { return fminf(a, b); } // a nan loses, as on the GPU
CUDASIM_MATH float max(float a, float b) { return fmaxf(a, b); }
CUDASIM_MATH double min(double a, double b) { return fmin(a, b); }
CUDASIM_MATH double max(double a, double b) { return fmax(a, b); }
CUDASIM_MATH unsigned min(int a, unsigned b) { return min(unsigned(a), b); }
CUDASIM_MATH unsigned min(unsigned a, int b) { return min(a, unsigned(b)); }
CUDASIM_MATH unsigned max(int a, unsigned b) { return max(unsigned(a), b); }
CUDASIM_MATH unsigned max(unsigned a, int b) { return max(a, unsigned(b)); }
#endif
