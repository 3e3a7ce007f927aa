// vector_types.h - dim3 and the short vectors of CUDA, with CUDA's sizes and alignments.
#ifndef CUDASIM_VECTOR_TYPES_H
#define CUDASIM_VECTOR_TYPES_H

#define CUDASIM_VECTORS(T, name, align1, align2, align4)                                              \
  struct __attribute__((aligned(align1))) name##1 { T x; };                                           \
  struct __attribute__((aligned(align2))) name##2 { T x, y; };                                        \
  struct __attribute__((aligned(align1))) name##3 { T x, y, z; };                                     \
  struct __attribute__((aligned(align4))) name##4 { T x, y, z, w; };                                  \
  static inline name##1 make_##name##1(T x) { return {x}; }                                           \
  static inline name##2 make_##name##2(T x, T y) { return {x, y}; }                                   \
  static inline name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }                           \
  static inline name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
CUDASIM_VECTORS(signed char, char, 1, 2, 4)
CUDASIM_VECTORS(unsigned char, uchar, 1, 2, 4)
CUDASIM_VECTORS(short, short, 2, 4, 8)
CUDASIM_VECTORS(unsigned short, ushort, 2, 4, 8)
CUDASIM_VECTORS(int, int, 4, 8, 16)
CUDASIM_VECTORS(unsigned, uint, 4, 8, 16)
CUDASIM_VECTORS(long, long, 8, 16, 16)
CUDASIM_VECTORS(unsigned long, ulong, 8, 16, 16)
CUDASIM_VECTORS(long long, longlong, 8, 16, 16)
CUDASIM_VECTORS(unsigned long long, ulonglong, 8, 16, 16)
CUDASIM_VECTORS(float, float, 4, 8, 16)
CUDASIM_VECTORS(double, double, 8, 16, 16)
#undef CUDASIM_VECTORS

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
  constexpr operator uint3() const { return {x, y, z}; }
};
#endif
