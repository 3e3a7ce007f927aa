/* philox.h - random numbers that need no memory: number j of row r for a key is a function of these three.
 *
 * Philox 4x32-10 turns a counter of four words and a key of two into four random words by ten rounds of multiplications
 * (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Any thread, on any processor, can ask for
 * any number at any time, so what a forward pass has drawn, its backward pass draws again.
 *
 * Sixteen counters side by side fill whole registers: number j of row r is word j / 16 % 4 for the counter
 * (j / 64 * 16 + j % 16, r), each of these two in two words, the lower first. Each round waits for the multiplications of
 * the one before, so four runs of 64 numbers go together, which takes a third of the time of one after the other.
 */
#ifndef ND_PHILOX_H
#define ND_PHILOX_H
#include <stdint.h>
#include <string.h>
#include "unroll.h"

enum { PHILOX_NUMBERS = 64, PHILOX_RUNS = 4, PHILOX_LANES = 16 * PHILOX_RUNS };

/* Run q has the numbers of chunk + q next_chunk, those from 64 times that on, of row + q next_row. */
static inline void philox(uint64_t chunk, uint64_t next_chunk, uint64_t row, uint64_t next_row, uint64_t key,
                          uint32_t numbers[PHILOX_RUNS][PHILOX_NUMBERS]) {
  uint32_t x[4][PHILOX_LANES], k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (uint64_t q = 0; q < PHILOX_RUNS; q++)
    for (uint64_t l = 0; l < 16; l++) {
      const uint64_t counter = (chunk + q * next_chunk) * 16 + l, other = row + q * next_row, lane = q * 16 + l;
      x[0][lane] = (uint32_t)counter, x[1][lane] = (uint32_t)(counter >> 32);
      x[2][lane] = (uint32_t)other, x[3][lane] = (uint32_t)(other >> 32);
    }
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u)
    ND_INDEPENDENT for (int l = 0; l < PHILOX_LANES; l++) {
      const uint64_t a = (uint64_t)x[0][l] * 0xD2511F53u, b = (uint64_t)x[2][l] * 0xCD9E8D57u;
      const uint32_t y1 = x[1][l], y3 = x[3][l];
      x[0][l] = (uint32_t)(b >> 32) ^ y1 ^ k0, x[1][l] = (uint32_t)b;
      x[2][l] = (uint32_t)(a >> 32) ^ y3 ^ k1, x[3][l] = (uint32_t)a;
    }
  for (int q = 0; q < PHILOX_RUNS; q++)
    for (int word = 0; word < 4; word++) memcpy(numbers[q] + 16 * word, x[word] + 16 * q, 16 * sizeof(uint32_t));
}

/* A number below this is one that is dropped, with a share p of all; 2^32 for p = 1. */
static inline uint64_t philox_limit(double p) { return (uint64_t)(p * 4294967296.0 + 0.5); }
#endif
