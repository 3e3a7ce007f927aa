// philox.cuh - random numbers that need no memory, bit for bit those of the CPU (csrc/cpu/isa/philox.h).
//
// Philox 4x32-10 turns a counter of four words and a key of two into four random words by ten rounds of multiplications
// (J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Number j of row r is word j / 16 % 4 for the
// counter (j / 64 * 16 + j % 16, r): one call gives a thread the four numbers j, j + 16, j + 32 and j + 48.
#pragma once
#include "launch.cuh"

namespace nd {
struct Words { uint32_t word[4]; };

__device__ inline Words philox(uint64_t counter, uint64_t row, uint64_t key) {
  uint32_t x0 = uint32_t(counter), x1 = uint32_t(counter >> 32), x2 = uint32_t(row), x3 = uint32_t(row >> 32);
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
  for (int round = 0; round != 10; round++) {
    const uint64_t a = uint64_t(x0) * 0xD2511F53u, b = uint64_t(x2) * 0xCD9E8D57u;
    x0 = uint32_t(b >> 32) ^ x1 ^ k0, x1 = uint32_t(b);
    x2 = uint32_t(a >> 32) ^ x3 ^ k1, x3 = uint32_t(a);
    k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
  }
  return {{x0, x1, x2, x3}};
}

// A number below this is one that is dropped, with a share p of all; 2^32 for p = 1.
inline uint64_t philox_limit(double p) { return uint64_t(p * 4294967296.0 + 0.5); }
} // namespace nd
