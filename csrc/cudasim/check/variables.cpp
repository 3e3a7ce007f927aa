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

std::string describe_variable(const Region &region, uintptr_t address) {
  for (const Variable *one : variables)
    if (&one->region == &region)
      return format("%zu bytes into the variable %s of %zu bytes", size_t(address - uintptr_t(one->start)), one->name, one->bytes);
  return "in a variable that is gone";
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
  one->state.assign(cells, ALLOWED | WRITTEN);
  one->slots.assign(cells, Slots{});
  one->region = {base, cells * 4, one->state.data(), one->slots.data(), 1};
  variables.insert(at, one);
}
} // namespace cudasim
