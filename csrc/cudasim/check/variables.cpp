// variables.cpp - __device__ and __constant__ variables: memory of the library of kernels, which the checker watches, too.
//
// A library registers its variables when it is loaded, and takes them back when it is closed. Each has a region of its own,
// all of it written from the beginning: CUDA clears what has no initial value.
#include <algorithm>
#include <vector>
#include "check.h"

namespace cudasim {
namespace {
struct Variable {
  const char *name, *start;
  size_t bytes;
  std::vector<uint8_t> state;
  std::vector<Slots> slots;
  Region region;
};
std::vector<Variable *> variables; // by address

bool before(const Variable *one, uintptr_t address) { return uintptr_t(one->start) <= address; }
} // namespace

Region *variable_at(uintptr_t address) {
  auto after = std::lower_bound(variables.begin(), variables.end(), address, before);
  if (after == variables.begin()) return nullptr;
  Variable *one = *--after;
  return address - uintptr_t(one->start) < one->bytes ? &one->region : nullptr;
}

static std::string describe(const Variable &one, uintptr_t address, unsigned bytes) {
  const uintptr_t start = uintptr_t(one.start), end = start + one.bytes;
  const std::string which = format("the variable %s of %zu bytes", one.name, one.bytes);
  if (address < start) return format("%zu bytes before ", size_t(start - address)) + which;
  if (address + bytes > end && address >= end) return format("%zu bytes past the end of ", size_t(address - end)) + which;
  return format("%zu bytes into ", size_t(address - start)) + which;
}

std::string describe_variable(const Region &region, uintptr_t address, unsigned bytes) {
  for (const Variable *one : variables)
    if (&one->region == &region) return describe(*one, address, bytes);
  return "in a variable that is gone";
}

std::string describe_gap(uintptr_t address, unsigned bytes) {
  auto after = std::lower_bound(variables.begin(), variables.end(), address, before);
  if (after != variables.begin()) {
    const Variable &one = **(after - 1);
    if (address - (uintptr_t(one.start) + one.bytes) < GAP) return describe(one, address, bytes);
  }
  return after != variables.end() && uintptr_t((*after)->start) - address <= GAP ? describe(**after, address, bytes) : "";
}

void each_variable(void (*visit)(Region &)) {
  for (Variable *one : variables) visit(one->region);
}

CUDASIM_API void cudasim_variable(const char *name, const void *start, size_t bytes) {
  std::lock_guard<std::recursive_mutex> lock(device_mutex);
  const auto at = std::lower_bound(variables.begin(), variables.end(), uintptr_t(start),
                                   [](const Variable *one, uintptr_t address) { return uintptr_t(one->start) < address; });
  if (!name) {
    if (at != variables.end() && (*at)->start == start) delete *at, variables.erase(at);
    return;
  }
  Variable *one = new Variable{name, static_cast<const char *>(start), bytes, {}, {}, {}};
  const uintptr_t base = uintptr_t(start) & ~uintptr_t(3);
  const size_t cells = (uintptr_t(start) + bytes - base + 3) / 4 + 4; // an access of 16 bytes may reach past the end
  one->state.assign(cells, 0);
  one->slots.assign(cells, Slots{});
  one->region = {base, cells * 4, one->state.data(), one->slots.data(), A_MOMENT};
  one->region.allow(uintptr_t(start) - base, bytes);
  one->region.written(uintptr_t(start) - base, bytes);
  variables.insert(at, one);
}
} // namespace cudasim
