/* shuffle.h - choosing lanes of two SIMD vectors, in the words of the compiler at hand.
 *
 *     ND_SHUFFLE(mask, a, b, 0, 4, 1, 5)       {a[0], b[0], a[1], b[1]} of vectors with four lanes
 *
 * The lanes of a count from 0, those of b go on from there; the numbers are constants. Clang takes them as arguments of
 * __builtin_shufflevector, which GCC has only since version 12. GCC's own __builtin_shuffle, which Clang lacks, wants
 * them in a vector: `mask` is its type, integers as wide and as many as the lanes.
 */
#ifndef ND_SHUFFLE_H
#define ND_SHUFFLE_H
#if defined(__clang__)
#define ND_SHUFFLE(mask, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ND_SHUFFLE(mask, a, b, ...) __builtin_shuffle(a, b, (mask){__VA_ARGS__})
#endif
#endif
