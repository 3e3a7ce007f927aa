// trace.cpp - what the first warp of a kernel's first launch did, one request after the other: which lane touched which
// address, and which lanes went together. Counters say how much; this is what pictures are drawn from.
#include "log.h"
#include "trace.h"

namespace cudasim {
void Trace::add(const Entry &entry, const uint64_t *addresses, unsigned lanes, bool is_shared, uintptr_t shared_begin) {
  if (seen++ >= MOST) return;
  Request one{entry.place(), int(entry.event()), is_shared, entry.bytes(), lanes, 0, {}};
  uintptr_t begin = shared_begin;
  if (!is_shared && entry.event() != BLOCK) {
    const Allocation *of = nearest_allocation(reinterpret_cast<void *>(entry.address));
    begin = of ? uintptr_t(of->start) : 0;
    one.memory = of ? of->number : 0;
  }
  if (entry.event() != BLOCK)
    for (int l = 0; l < LANES; l++)
      if (lanes >> l & 1) one.at[l] = int64_t(addresses[l] - begin);
  requests.push_back(one);
}

std::string Trace::as_json(void (*add_place)(std::string &, const void *)) const {
  std::string text = format("{\"seen\":%lld,\"requests\":[", (long long)seen);
  const char *comma = "";
  for (const Request &one : requests) {
    text += std::string(comma) + "{";
    add_place(text, one.place);
    text += format(",\"event\":%d,\"shared\":%d,\"bytes\":%u,\"lanes\":%u,\"memory\":%d,\"at\":[", one.event, one.shared, one.bytes,
                   one.lanes, one.memory);
    if (one.event != BLOCK)
      for (int l = 0; l < LANES; l++) text += format(l ? ",%lld" : "%lld", (long long)one.at[l]);
    text += "]}";
    comma = ",";
  }
  return text + "]}";
}
} // namespace cudasim
