/* philox.h - random numbers that need no memory: number j of row r for a key is a function of these three.
 *
 * Philox 4x32-10 turns a counter of four words and a key of two into four random words by ten rounds of multiplications
 * (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Any thread, on any processor, can ask for
 * any number at any time, so what a forward pass has drawn, its backward pass draws again.
 *
 * Sixteen counters side by side fill whole registers: number j of row r is word j / 16 % 4 for the counter
 * (j / 64 * 16 + j % 16, r), each of these two in two words, the lower first.
 */
#ifndef ND_PHILOX_H
#define ND_PHILOX_H
#include <stdint.h>
#include "unroll.h"

enum { PHILOX_NUMBERS = 64 };

/* The numbers chunk * 64 to chunk * 64 + 63 of a row. */
static inline void philox_64(uint64_t chunk, uint64_t row, uint64_t key, uint32_t numbers[PHILOX_NUMBERS]) {
  uint32_t *const x0 = numbers, *const x1 = numbers + 16, *const x2 = numbers + 32, *const x3 = numbers + 48;
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int l = 0; l < 16; l++) {
    const uint64_t counter = chunk * 16 + (uint64_t)l;
    x0[l] = (uint32_t)counter, x1[l] = (uint32_t)(counter >> 32), x2[l] = (uint32_t)row, x3[l] = (uint32_t)(row >> 32);
  }
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
    ND_INDEPENDENT for (int l = 0; l < 16; l++) {
      const uint64_t a = (uint64_t)x0[l] * 0xD2511F53u, b = (uint64_t)x2[l] * 0xCD9E8D57u;
      const uint32_t y1 = x1[l], y3 = x3[l];
      x0[l] = (uint32_t)(b >> 32) ^ y1 ^ k0, x1[l] = (uint32_t)b;
      x2[l] = (uint32_t)(a >> 32) ^ y3 ^ k1, x3[l] = (uint32_t)a;
    }
}

/* A number below this is one that is dropped, with a share p of all; 2^32 for p = 1. */
static inline uint64_t philox_limit(double p) { return (uint64_t)(p * 4294967296.0 + 0.5); }
#endif
