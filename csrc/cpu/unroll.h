/* unroll.h - what a compiler may make of a loop, in the words of the compiler at hand.
 *
 * GCC and Clang unroll and vectorise loops alike, but each obeys only its own pragmas and passes over the other's with
 * a warning. Where the loops over a tile of registers stay loops, the tile lies in memory and is ten times as slow.
 *
 *     ND_UNROLL(4)               four iterations of a long loop become one
 *     ND_UNROLL_WHOLE(8)         a loop of at most 8 iterations, their number known to the compiler, disappears
 *     ND_INDEPENDENT             no iteration of the loop reads what another has written: it may be vectorised
 *     ND_INDEPENDENT_UNROLL(4)   both; Clang chooses how often
 *     ND_HIDDEN(x)               x, but the compiler forgets how it was computed
 *
 * Clang would unroll a loop of known length before it thinks of vectorising it, and then cannot: hence unroll(disable).
 */
#ifndef ND_UNROLL_H
#define ND_UNROLL_H
#define ND_HIDDEN(x) ({ __typeof__(x) hidden = (x); __asm__("" : "+r"(hidden)); hidden; })
#define ND_PRAGMA(words) _Pragma(#words)
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed" /* a loop that calls pow() stays as it is, and that is no news */
#define ND_UNROLL(times) ND_PRAGMA(clang loop unroll_count(times))
#define ND_UNROLL_WHOLE(most) ND_PRAGMA(clang loop unroll(full))
#define ND_INDEPENDENT ND_PRAGMA(clang loop vectorize(assume_safety) unroll(disable))
#define ND_INDEPENDENT_UNROLL(times) ND_INDEPENDENT
#else
#define ND_UNROLL(times) ND_PRAGMA(GCC unroll times)
#define ND_UNROLL_WHOLE(most) ND_PRAGMA(GCC unroll most)
#define ND_INDEPENDENT ND_PRAGMA(GCC ivdep)
#define ND_INDEPENDENT_UNROLL(times) ND_INDEPENDENT ND_UNROLL(times)
#endif
#endif
