// counters.cpp - what a warp's accesses cost, by the rules of the hardware, for each place in the program.
//
// Global memory moves in sectors of 32 bytes: a request of a warp costs as many as its lanes touch. Fewest are needed when
// they lie side by side. Shared memory has 32 banks of 4 bytes: lanes that want different words of one bank must wait for
// each other, a wavefront for each. 8 bytes are served by half-warps, 16 by quarter-warps; lanes that read the same
// word share it.
#include <dlfcn.h>
#include <string.h>
#include <algorithm>
#include <map>
#include <unordered_map>
#include <vector>
#include "../check/check.h"
#include "log.h"
#include "trace.h"

namespace cudasim {
namespace {
struct Counters {
  int64_t requests = 0, lanes = 0, bytes = 0, units = 0, ideal = 0, splits = 0; // units: sectors, wavefronts
  int event = 0;
  bool shared = false;
};
struct Kernel {
  int64_t launches = 0, threads = 0, warps = 0, number = 0; // number: of its first launch among the kernels
  dim3 grid, block;
  size_t shared = 0;
  Trace trace; // of the first launch
  std::unordered_map<const void *, Counters> memory[2], blocks; // memory: global, shared
};
std::map<std::string, Kernel> kernels;
Kernel *running = nullptr;

int64_t sectors(const uint64_t *addresses, unsigned lanes, unsigned bytes) {
  uint64_t seen[2 * LANES];
  int n = 0;
  uint64_t last = ~uint64_t(0);
  for (unsigned left = lanes; left; left &= left - 1) {
    const uint64_t a = addresses[__builtin_ctz(left)];
    for (uint64_t sector = a / 32; sector <= (a + bytes - 1) / 32; sector++)
      if (sector != last) seen[n++] = last = sector;
  }
  std::sort(seen, seen + n);
  return std::unique(seen, seen + n) - seen;
}

// As many as the same bytes need where they lie side by side; what several lanes read together counts once.
int64_t fewest_sectors(const uint64_t *addresses, unsigned lanes, unsigned bytes) {
  uint64_t seen[LANES];
  int n = 0;
  bool rising = true;
  for (unsigned left = lanes; left; left &= left - 1) {
    const uint64_t a = addresses[__builtin_ctz(left)];
    if (n && a == seen[n - 1]) continue;
    rising = rising && (!n || a > seen[n - 1]);
    seen[n++] = a;
  }
  if (!rising) {
    std::sort(seen, seen + n);
    n = int(std::unique(seen, seen + n) - seen);
  }
  return (n * int64_t(bytes) + 31) / 32;
}

int64_t wavefronts(const uint64_t *addresses, unsigned lanes, unsigned bytes) {
  const int group = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8, words = bytes < 4 ? 1 : int(bytes / 4);
  int64_t total = 0;
  for (int begin = 0; begin < LANES; begin += group) {
    uint64_t seen[LANES][LANES]; // the words wanted from each bank
    int count[LANES] = {}, most = 0;
    for (int l = begin; l < begin + group; l++) {
      if (!(lanes >> l & 1)) continue;
      for (int w = 0; w < words; w++) {
        const uint64_t word = addresses[l] / 4 + unsigned(w);
        const int bank = int(word % LANES);
        int i = 0;
        while (i < count[bank] && seen[bank][i] != word) i++;
        if (i == count[bank]) seen[bank][count[bank]++] = word;
        most = count[bank] > most ? count[bank] : most;
      }
    }
    total += most;
  }
  return total;
}

int64_t fewest_wavefronts(unsigned lanes, unsigned bytes) {
  const int group = bytes <= 4 ? 32 : bytes == 8 ? 16 : 8;
  int64_t total = 0;
  for (int begin = 0; begin < LANES; begin += group)
    total += (lanes >> begin & (group == 32 ? ~0u : (1u << group) - 1)) != 0;
  return total;
}
} // namespace

void count_memory(const Entry &entry, const uint64_t *addresses, unsigned lanes, bool shared) {
  if (!shared && !in_arena(reinterpret_cast<void *>(entry.address))) return; // local memory
  if (profiler.traced && running->launches == 1)
    running->trace.add(entry, addresses, lanes, shared, uintptr_t(profiler.worker->shared));
  Counters &c = running->memory[shared][entry.place()];
  const unsigned bytes = entry.bytes(), active = unsigned(__builtin_popcount(lanes));
  c.event = entry.event();
  c.shared = shared;
  c.requests++;
  c.lanes += active;
  c.bytes += active * bytes;
  c.units += shared ? wavefronts(addresses, lanes, bytes) : sectors(addresses, lanes, bytes);
  c.ideal += shared ? fewest_wavefronts(lanes, bytes) : fewest_sectors(addresses, lanes, bytes);
}

void count_block(const Entry &entry, unsigned lanes, bool split) {
  if (profiler.traced && running->launches == 1) running->trace.add(entry, nullptr, lanes, false, 0);
  Counters &c = running->blocks[entry.place()];
  c.requests++;
  c.lanes += __builtin_popcount(lanes);
  c.splits += split;
}

void profile_launch(Worker &w) {
  profiler.worker = &w;
  const Launch &launch = *w.launch;
  running = &kernels[launch.site->kernel];
  if (!running->launches++) running->number = int64_t(kernels.size());
  running->threads += launch.blocks * launch.threads;
  running->warps += launch.blocks * ((launch.threads + LANES - 1) / LANES);
  running->grid = launch.config->grid;
  running->block = launch.config->block;
}

void profile_launched() {
  if (!profiler.worker) return;
  size_t used = profiler.worker->launch->config->shared;
  static size_t total;
  total = 0;
  each_shared_variable([](cudasim_shared_variable *v) { total += v->bytes; });
  running->shared = used + total;
  profiler.worker = nullptr;
}

namespace {
void add_place(std::string &to, const void *pc) {
  Dl_info info;
  const bool known = dladdr(pc, &info);
  to += format("\"place\":[\"%s\",%llu]", known ? info.dli_fname : "",
               (unsigned long long)(static_cast<const char *>(pc) - (known ? static_cast<char *>(info.dli_fbase) : nullptr)));
}
std::string as_json(const std::string &name, const Kernel &k) {
  std::string text = "{\"kernel\":\"";
  for (const char c : name) text += c == '"' || c == '\\' ? '\'' : c;
  text += format("\",\"launches\":%lld,\"threads\":%lld,\"warps\":%lld,\"grid\":[%u,%u,%u],\"block\":[%u,%u,%u],\"shared\":%zu,\"memory\":[",
                 (long long)k.launches, (long long)k.threads, (long long)k.warps, k.grid.x, k.grid.y, k.grid.z, k.block.x,
                 k.block.y, k.block.z, k.shared);
  const char *comma = "";
  for (const auto &space : k.memory)
    for (const auto &[place, c] : space) {
      text += std::string(comma) + "{";
      add_place(text, place);
      text += format(",\"event\":%d,\"shared\":%d,\"requests\":%lld,\"lanes\":%lld,\"bytes\":%lld,\"units\":%lld,\"ideal\":%lld}", c.event,
                     c.shared, (long long)c.requests, (long long)c.lanes, (long long)c.bytes, (long long)c.units, (long long)c.ideal);
      comma = ",";
    }
  text += "],\"blocks\":[";
  comma = "";
  for (const auto &[place, c] : k.blocks) {
    text += std::string(comma) + "{";
    add_place(text, place);
    text += format(",\"warps\":%lld,\"lanes\":%lld,\"splits\":%lld}", (long long)c.requests, (long long)c.lanes, (long long)c.splits);
    comma = ",";
  }
  return text + "],\"trace\":" + k.trace.as_json(add_place) + "}";
}
} // namespace

// Copies the counters as JSON if there is room for them; returns how many bytes they are.
CUDASIM_API int64_t cudasim_counters(char *to, int64_t room) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  std::string text = format("{\"lost\":%lld,\"kernels\":[", (long long)profiler.lost);
  std::vector<decltype(&*kernels.begin())> launched; // in the order of their first launches
  for (auto &one : kernels) launched.push_back(&one);
  std::sort(launched.begin(), launched.end(), [](auto a, auto b) { return a->second.number < b->second.number; });
  const char *comma = "";
  for (const auto *one : launched) {
    const auto &[name, kernel] = *one;
    text += comma + as_json(name, kernel);
    comma = ",";
  }
  text += "]}";
  if (int64_t(text.size()) <= room) memcpy(to, text.data(), text.size());
  return int64_t(text.size());
}
CUDASIM_API void cudasim_clear_counters(void) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  kernels.clear();
  profiler.lost = 0;
}
} // namespace cudasim
